import * as z from 'zod/mini';

export const RefreshScoreEnv = z.object({
  TELEMETRY_TABLE: z.string().check(z.minLength(1)),
  GRANTS_TABLE: z.string().check(z.minLength(1)),
  REGISTRY_TABLE: z.string().check(z.minLength(1)),
  SCORES_TABLE: z.string().check(z.minLength(1)),
  SCORE_REFRESH_QUEUE_URL: z.string().check(z.minLength(1)),
});
export type RefreshScoreEnv = z.infer<typeof RefreshScoreEnv>;
