import * as z from 'zod/mini';
import { Variables } from '../runtime/variables.ts';

export const SetVisibilityEnv = z.pick(Variables, { SCORES_TABLE: true, CREDENTIALS_TABLE: true });
