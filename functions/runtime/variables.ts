import * as z from 'zod/mini';

const name = z.string().check(z.minLength(1));

/**
 * Everything that an environment can tell a function. Each `env.ts` picks from it, and the stack gives what was picked.
 */
export const Variables = z.object({
  ACCOUNTS_TABLE: name,
  TELEMETRY_TABLE: name,
  REGISTRY_TABLE: name,
  GRANTS_TABLE: name,
  SCORES_TABLE: name,
  ROLLUPS_TABLE: name,
  LEADERBOARDS_TABLE: name,
  CREDENTIALS_TABLE: name,
  RUNS_TABLE: name,
  HOOK_SOURCES_TABLE: name,
  SCORE_REFRESH_QUEUE_URL: z.url(),
  ROLL_UP_QUEUE_URL: z.url(),
  RANK_QUEUE_URL: z.url(),
  BACKFILL_QUEUE_URL: z.url(),
  /** How long a refresh waits for further changes of its account. */
  REFRESH_DELAY_SECONDS: z.pipe(z.string().check(z.regex(/^\d{1,3}$/)), z.transform(Number)),
  ERASE_QUEUE_URL: z.url(),
  /** `laurel-prod-`, before the role of each function that answers requests. */
  FUNCTION_NAME_PREFIX: name,
  /** `/api`, where the paths of the API are also served behind it. */
  BASE_PATH: z.optional(z.string().check(z.regex(/^(?:\/[a-z0-9-]+)+$/))),
  /** What every request must carry, where all requests come through CloudFront. */
  ORIGIN_SECRET: z.optional(name),
  /** The host that people know, where it is not the gateway's. */
  PUBLIC_HOST: z.optional(name),
});
export type Variables = z.infer<typeof Variables>;
