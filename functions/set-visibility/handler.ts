import { dynamoAccountNames } from '../adapters/dynamodb/identity/accounts.ts';
import { dynamoAuthenticator } from '../adapters/dynamodb/identity/credentials.ts';
import { dynamoChoices } from '../adapters/dynamodb/scoring/profiles.ts';
import { dynamoScoreStore } from '../adapters/dynamodb/scoring/score-store.ts';
import { dynamodbClient } from '../runtime/aws-clients.ts';
import { surroundings } from '../runtime/environment.ts';
import { httpFunction } from '../runtime/http-function.ts';
import { SetVisibilityEnv } from './env.ts';
import { routes } from './routes.ts';

export const handler = httpFunction({
  routes,
  wire: () => {
    const env = SetVisibilityEnv.parse(process.env);
    const dynamodb = dynamodbClient('api');
    return {
      authenticate: dynamoAuthenticator(dynamodb, env, surroundings),
      scores: dynamoScoreStore(dynamodb, env.SCORES_TABLE),
      profiles: dynamoChoices(dynamodb, { scores: env.SCORES_TABLE, accounts: env.ACCOUNTS_TABLE }, surroundings),
      names: dynamoAccountNames(dynamodb, env.ACCOUNTS_TABLE, surroundings),
    };
  },
});
