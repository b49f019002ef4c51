import * as z from 'zod/mini';
import { Variables } from '../runtime/variables.ts';

export const LinkLoginsEnv = z.pick(Variables, { TELEMETRY_TABLE: true, CREDENTIALS_TABLE: true });
