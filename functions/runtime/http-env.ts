import * as z from 'zod/mini';

/** What every function behind the HTTP API may be told, beside its own environment. */
export const HttpEnv = z.object({
  /** `/api`, where the paths of the API are also served behind it. */
  BASE_PATH: z.optional(z.string().check(z.regex(/^(?:\/[a-z0-9-]+)+$/))),
});
