import * as z from 'zod/mini';

export const SetVisibilityEnv = z.object({
  SCORES_TABLE: z.string().check(z.minLength(1)),
  CREDENTIALS_TABLE: z.string().check(z.minLength(1)),
});
export type SetVisibilityEnv = z.infer<typeof SetVisibilityEnv>;
