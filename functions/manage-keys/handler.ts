import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { authenticator } from '../../domain/identity/authenticate.ts';
import { dynamoCredentials } from '../adapters/dynamodb/credentials.dynamodb.ts';
import { clock, randomToken, sha256 } from '../runtime/environment.ts';
import { httpFunction } from '../runtime/http-function.ts';
import { ManageKeysEnv } from './env.ts';
import { routes } from './routes.ts';

export const handler = httpFunction({
  routes,
  wire: () => {
    const env = ManageKeysEnv.parse(process.env);
    const credentials = dynamoCredentials(new DynamoDBClient(), env.CREDENTIALS_TABLE);
    return { authenticate: authenticator({ credentials, clock, sha256 }), credentials, clock, randomToken, sha256 };
  },
});
