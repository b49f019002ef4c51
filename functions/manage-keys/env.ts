import * as z from 'zod/mini';

export const ManageKeysEnv = z.object({
  CREDENTIALS_TABLE: z.string().check(z.minLength(1)),
  REGISTRY_TABLE: z.string().check(z.minLength(1)),
});
export type ManageKeysEnv = z.infer<typeof ManageKeysEnv>;
