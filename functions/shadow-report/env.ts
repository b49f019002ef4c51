import * as z from 'zod/mini';

export const ShadowReportEnv = z.object({
  GRANTS_TABLE: z.string().check(z.minLength(1)),
  REGISTRY_TABLE: z.string().check(z.minLength(1)),
  SCORES_TABLE: z.string().check(z.minLength(1)),
});
export type ShadowReportEnv = z.infer<typeof ShadowReportEnv>;
