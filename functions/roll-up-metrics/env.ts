import * as z from 'zod/mini';
import { Variables } from '../runtime/variables.ts';

export const RollUpMetricsEnv = z.pick(Variables, {
  ACCOUNTS_TABLE: true,
  TELEMETRY_TABLE: true,
  GRANTS_TABLE: true,
  REGISTRY_TABLE: true,
  SCORES_TABLE: true,
  ROLLUPS_TABLE: true,
  ROLL_UP_QUEUE_URL: true,
});
