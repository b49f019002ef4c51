import * as z from 'zod/mini';
import { Variables } from '../runtime/variables.ts';

export const RankLeaderboardsEnv = z.pick(Variables, {
  ACCOUNTS_TABLE: true,
  SCORES_TABLE: true,
  LEADERBOARDS_TABLE: true,
  RANK_QUEUE_URL: true,
});
