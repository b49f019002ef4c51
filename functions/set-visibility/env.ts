import * as z from 'zod/mini';
import { Variables } from '../runtime/variables.ts';

export const SetVisibilityEnv = z.pick(Variables, {
  ACCOUNTS_TABLE: true,
  SCORES_TABLE: true,
  CREDENTIALS_TABLE: true,
});
