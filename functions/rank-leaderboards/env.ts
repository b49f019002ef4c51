import * as z from 'zod/mini';

export const RankLeaderboardsEnv = z.object({
  SCORES_TABLE: z.string().check(z.minLength(1)),
  LEADERBOARDS_TABLE: z.string().check(z.minLength(1)),
  RANK_QUEUE_URL: z.url(),
});
export type RankLeaderboardsEnv = z.infer<typeof RankLeaderboardsEnv>;
