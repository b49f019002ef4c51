import * as z from 'zod/mini';

export const RecordAwardEnv = z.object({
  GRANTS_TABLE: z.string().check(z.minLength(1)),
  CREDENTIALS_TABLE: z.string().check(z.minLength(1)),
});
export type RecordAwardEnv = z.infer<typeof RecordAwardEnv>;
