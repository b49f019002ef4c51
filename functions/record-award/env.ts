import * as z from 'zod/mini';
import { Variables } from '../runtime/variables.ts';

export const RecordAwardEnv = z.pick(Variables, { GRANTS_TABLE: true, CREDENTIALS_TABLE: true });
