import * as z from 'zod/mini';
import { Variables } from '../runtime/variables.ts';

export const TakeHooksEnv = z.pick(Variables, {
  ACCOUNTS_TABLE: true,
  HOOK_SOURCES_TABLE: true,
  TELEMETRY_TABLE: true,
  GRANTS_TABLE: true,
});
