import * as z from 'zod/mini';
import { Variables } from '../runtime/variables.ts';

export const AnnounceChangesEnv = z.pick(Variables, {
  TELEMETRY_TABLE: true,
  REGISTRY_TABLE: true,
  GRANTS_TABLE: true,
  SCORES_TABLE: true,
  RUNS_TABLE: true,
  SCORE_REFRESH_QUEUE_URL: true,
  ROLL_UP_QUEUE_URL: true,
  RANK_QUEUE_URL: true,
  REFRESH_DELAY_SECONDS: true,
  ERASE_QUEUE_URL: true,
});
