import * as z from 'zod/mini';
import { Variables } from '../runtime/variables.ts';

export const EraseAccountsEnv = z.pick(Variables, {
  ACCOUNTS_TABLE: true,
  CREDENTIALS_TABLE: true,
  TELEMETRY_TABLE: true,
  REGISTRY_TABLE: true,
  GRANTS_TABLE: true,
  SCORES_TABLE: true,
  LEADERBOARDS_TABLE: true,
  ROLLUPS_TABLE: true,
  ERASE_QUEUE_URL: true,
});
