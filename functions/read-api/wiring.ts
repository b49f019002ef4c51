import type * as z from 'zod/mini';
import { dynamoGrantLines } from '../adapters/dynamodb/grants/grant-lines.ts';
import { dynamoAccountNames, dynamoAccounts } from '../adapters/dynamodb/identity/accounts.ts';
import { dynamoLeaderboardReader } from '../adapters/dynamodb/leaderboards/leaderboard-reader.ts';
import { dynamoRulesHistory } from '../adapters/dynamodb/leaderboards/rules-history.ts';
import { dynamoStandingsOf } from '../adapters/dynamodb/leaderboards/standings.ts';
import { dynamoProfiles } from '../adapters/dynamodb/scoring/profiles.ts';
import { dynamoRollupReader } from '../adapters/dynamodb/metrics/rollup-reader.ts';
import { dynamoScoreStore } from '../adapters/dynamodb/scoring/score-store.ts';
import { dynamodbClient } from '../runtime/aws-clients.ts';
import { clock, random, sha256, sleep, surroundings } from '../runtime/environment.ts';
import type { ReadApiEnv } from './env.ts';
import type { ReadApiDeps } from './routes.ts';

/** All that the public reads need: of this function, and of the pages, which show the same. */
export function wireReadApi(env: z.infer<typeof ReadApiEnv>, dynamodb = dynamodbClient('api')): ReadApiDeps {
  return {
    authenticate: async () => undefined, // every route here is public
    scores: dynamoScoreStore(dynamodb, env.SCORES_TABLE),
    profiles: dynamoProfiles(dynamodb, env.SCORES_TABLE, { random, sleep }),
    rollups: dynamoRollupReader(dynamodb, env.ROLLUPS_TABLE, { random, sleep }),
    accounts: dynamoAccounts(dynamodb, env.ACCOUNTS_TABLE, surroundings),
    standingsOf: dynamoStandingsOf(dynamodb, env.SCORES_TABLE, { random, sleep }),
    leaderboards: dynamoLeaderboardReader(dynamodb, env.LEADERBOARDS_TABLE, { clock }),
    rulesHistory: dynamoRulesHistory(dynamodb, env.LEADERBOARDS_TABLE),
    lines: dynamoGrantLines(dynamodb, env.GRANTS_TABLE),
    names: dynamoAccountNames(dynamodb, env.ACCOUNTS_TABLE, surroundings),
    clock,
    random,
    sha256,
    sleep,
  };
}
