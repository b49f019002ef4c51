import * as z from 'zod/mini';
import { Variables } from '../runtime/variables.ts';

export const CheckConservationEnv = z.pick(Variables, {
  ACCOUNTS_TABLE: true,
  TELEMETRY_TABLE: true,
  REGISTRY_TABLE: true,
  SCORES_TABLE: true,
  GRANTS_TABLE: true,
  RUNS_TABLE: true,
  SCORE_REFRESH_QUEUE_URL: true,
  BACKFILL_QUEUE_URL: true,
});
