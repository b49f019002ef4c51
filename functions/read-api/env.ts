import * as z from 'zod/mini';

export const ReadApiEnv = z.object({
  SCORES_TABLE: z.string().check(z.minLength(1)),
  GRANTS_TABLE: z.string().check(z.minLength(1)),
  ROLLUPS_TABLE: z.string().check(z.minLength(1)),
  LEADERBOARDS_TABLE: z.string().check(z.minLength(1)),
});
export type ReadApiEnv = z.infer<typeof ReadApiEnv>;
