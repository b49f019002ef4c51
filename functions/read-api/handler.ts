import { resolveUsername } from '../../domain/identity/username.ts';
import { dynamoGrantLines } from '../adapters/dynamodb/grants/grant-lines.ts';
import { dynamoLeaderboardReader } from '../adapters/dynamodb/leaderboards/leaderboard-reader.ts';
import { dynamoRulesHistory } from '../adapters/dynamodb/leaderboards/rules-history.ts';
import { dynamoProfiles } from '../adapters/dynamodb/scoring/profiles.ts';
import { dynamoRollupReader } from '../adapters/dynamodb/metrics/rollup-reader.ts';
import { dynamoScoreStore } from '../adapters/dynamodb/scoring/score-store.ts';
import { dynamodbClient } from '../runtime/aws-clients.ts';
import { clock, random, sha256, sleep } from '../runtime/environment.ts';
import { httpFunction } from '../runtime/http-function.ts';
import { ReadApiEnv } from './env.ts';
import { routes } from './routes.ts';

export const handler = httpFunction({
  routes,
  wire: () => {
    const env = ReadApiEnv.parse(process.env);
    const dynamodb = dynamodbClient('api');
    return {
      authenticate: async () => undefined, // every route here is public
      scores: dynamoScoreStore(dynamodb, env.SCORES_TABLE),
      profiles: dynamoProfiles(dynamodb, env.SCORES_TABLE, { random, sleep }),
      rollups: dynamoRollupReader(dynamodb, env.ROLLUPS_TABLE),
      leaderboards: dynamoLeaderboardReader(dynamodb, env.LEADERBOARDS_TABLE, { clock }),
      rulesHistory: dynamoRulesHistory(dynamodb, env.LEADERBOARDS_TABLE),
      lines: dynamoGrantLines(dynamodb, env.GRANTS_TABLE),
      resolveUsername,
      clock,
      random,
      sha256,
      sleep,
    };
  },
});
