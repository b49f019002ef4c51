import * as z from 'zod/mini';
import { Variables } from '../runtime/variables.ts';

export const LinkLoginsEnv = z.pick(Variables, {
  ACCOUNTS_TABLE: true,
  TELEMETRY_TABLE: true,
  CREDENTIALS_TABLE: true,
  SCORES_TABLE: true,
  GRANTS_TABLE: true,
});
