import * as z from 'zod/mini';
import { Variables } from '../runtime/variables.ts';

export const ServePagesEnv = z.pick(Variables, {
  ACCOUNTS_TABLE: true,
  SCORES_TABLE: true,
  GRANTS_TABLE: true,
  ROLLUPS_TABLE: true,
  LEADERBOARDS_TABLE: true,
});
