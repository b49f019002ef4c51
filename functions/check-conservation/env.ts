import * as z from 'zod/mini';

export const CheckConservationEnv = z.object({
  TELEMETRY_TABLE: z.string().check(z.minLength(1)),
  REGISTRY_TABLE: z.string().check(z.minLength(1)),
  SCORES_TABLE: z.string().check(z.minLength(1)),
  GRANTS_TABLE: z.string().check(z.minLength(1)),
  RUNS_TABLE: z.string().check(z.minLength(1)),
  SCORE_REFRESH_QUEUE_URL: z.url(),
  BACKFILL_QUEUE_URL: z.url(),
});
export type CheckConservationEnv = z.infer<typeof CheckConservationEnv>;
