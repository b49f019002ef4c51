import * as z from 'zod/mini';

export const ConfirmPublishEnv = z.object({
  REGISTRY_TABLE: z.string().check(z.minLength(1)),
  GRANTS_TABLE: z.string().check(z.minLength(1)),
  CREDENTIALS_TABLE: z.string().check(z.minLength(1)),
});
export type ConfirmPublishEnv = z.infer<typeof ConfirmPublishEnv>;
