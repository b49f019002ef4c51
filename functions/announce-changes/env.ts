import * as z from 'zod/mini';

export const AnnounceChangesEnv = z.object({
  TELEMETRY_TABLE: z.string().check(z.minLength(1)),
  REGISTRY_TABLE: z.string().check(z.minLength(1)),
  GRANTS_TABLE: z.string().check(z.minLength(1)),
  SCORES_TABLE: z.string().check(z.minLength(1)),
  RUNS_TABLE: z.string().check(z.minLength(1)),
  SCORE_REFRESH_QUEUE_URL: z.url(),
  ROLL_UP_QUEUE_URL: z.url(),
  RANK_QUEUE_URL: z.url(),
});
export type AnnounceChangesEnv = z.infer<typeof AnnounceChangesEnv>;
