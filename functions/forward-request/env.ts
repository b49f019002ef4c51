import * as z from 'zod/mini';

export const ForwardRequestEnv = z.object({
  /** `laurel-prod-`, before the role of each function that answers requests. */
  FUNCTION_NAME_PREFIX: z.string().check(z.minLength(1)),
});
export type ForwardRequestEnv = z.infer<typeof ForwardRequestEnv>;
