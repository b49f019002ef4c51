import { authenticator } from '../../domain/identity/authenticate.ts';
import { resolveUsername } from '../../domain/identity/username.ts';
import { dynamoCollectives } from '../adapters/dynamodb/identity/collectives.ts';
import { dynamoCredentials } from '../adapters/dynamodb/identity/credentials.ts';
import { dynamodbClient } from '../runtime/aws-clients.ts';
import { clock, random, randomToken, sha256, sleep } from '../runtime/environment.ts';
import { httpFunction } from '../runtime/http-function.ts';
import { ManageKeysEnv } from './env.ts';
import { routes } from './routes.ts';

export const handler = httpFunction({
  routes,
  wire: () => {
    const env = ManageKeysEnv.parse(process.env);
    const dynamodb = dynamodbClient('api');
    const credentials = dynamoCredentials(dynamodb, env.CREDENTIALS_TABLE);
    return {
      authenticate: authenticator({ credentials, clock, sha256 }),
      credentials,
      collectives: dynamoCollectives(dynamodb, env.REGISTRY_TABLE),
      resolveUsername,
      clock,
      random,
      randomToken,
      sha256,
      sleep,
    };
  },
});
