import * as z from 'zod/mini';
import { Variables } from '../runtime/variables.ts';

export const ShadowReportEnv = z.pick(Variables, {
  ACCOUNTS_TABLE: true,
  GRANTS_TABLE: true,
  REGISTRY_TABLE: true,
  SCORES_TABLE: true,
});
