import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { resolveUsername } from '../../domain/identity/username.ts';
import { dynamoScoreStore } from '../adapters/dynamodb/score-store.dynamodb.ts';
import { clock } from '../runtime/environment.ts';
import { httpFunction } from '../runtime/http-function.ts';
import { ReadApiEnv } from './env.ts';
import { routes } from './routes.ts';

export const handler = httpFunction({
  routes,
  wire: () => {
    const env = ReadApiEnv.parse(process.env);
    return {
      authenticate: async () => undefined, // every route here is public
      scores: dynamoScoreStore(new DynamoDBClient(), env.SCORES_TABLE),
      resolveUsername,
      clock,
    };
  },
});
