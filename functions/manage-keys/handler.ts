import { dynamoAccountNames } from '../adapters/dynamodb/identity/accounts.ts';
import { dynamoCollectives } from '../adapters/dynamodb/identity/collectives.ts';
import { dynamoAuthenticator, dynamoCredentials } from '../adapters/dynamodb/identity/credentials.ts';
import { dynamodbClient } from '../runtime/aws-clients.ts';
import { surroundings } from '../runtime/environment.ts';
import { httpFunction } from '../runtime/http-function.ts';
import { ManageKeysEnv } from './env.ts';
import { routes } from './routes.ts';

export const handler = httpFunction({
  routes,
  wire: () => {
    const env = ManageKeysEnv.parse(process.env);
    const dynamodb = dynamodbClient('api');
    return {
      authenticate: dynamoAuthenticator(dynamodb, env, surroundings),
      credentials: dynamoCredentials(dynamodb, env.CREDENTIALS_TABLE),
      collectives: dynamoCollectives(dynamodb, env.REGISTRY_TABLE),
      names: dynamoAccountNames(dynamodb, env.ACCOUNTS_TABLE, surroundings),
      ...surroundings,
    };
  },
});
