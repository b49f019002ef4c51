import * as z from 'zod/mini';

export const RollUpMetricsEnv = z.object({
  TELEMETRY_TABLE: z.string().check(z.minLength(1)),
  GRANTS_TABLE: z.string().check(z.minLength(1)),
  REGISTRY_TABLE: z.string().check(z.minLength(1)),
  SCORES_TABLE: z.string().check(z.minLength(1)),
  ROLLUPS_TABLE: z.string().check(z.minLength(1)),
});
export type RollUpMetricsEnv = z.infer<typeof RollUpMetricsEnv>;
