import { dynamoAccountExport } from '../adapters/dynamodb/identity/account-export.ts';
import { dynamoAccountNames, dynamoAccounts } from '../adapters/dynamodb/identity/accounts.ts';
import { dynamoAuthenticator } from '../adapters/dynamodb/identity/credentials.ts';
import { dynamodbClient } from '../runtime/aws-clients.ts';
import { surroundings } from '../runtime/environment.ts';
import { httpFunction } from '../runtime/http-function.ts';
import { ExportAccountEnv } from './env.ts';
import { routes } from './routes.ts';

/** A function of its own: it reads all of an account, and may write nothing. */
export const handler = httpFunction({
  routes,
  wire: () => {
    const env = ExportAccountEnv.parse(process.env);
    const dynamodb = dynamodbClient('api');
    return {
      authenticate: dynamoAuthenticator(dynamodb, env, surroundings),
      account: dynamoAccountExport(dynamodb, {
        accounts: env.ACCOUNTS_TABLE,
        telemetry: env.TELEMETRY_TABLE,
        registry: env.REGISTRY_TABLE,
        grants: env.GRANTS_TABLE,
        scores: env.SCORES_TABLE,
        credentials: env.CREDENTIALS_TABLE,
      }),
      names: dynamoAccountNames(dynamodb, env.ACCOUNTS_TABLE, surroundings),
      accounts: dynamoAccounts(dynamodb, env.ACCOUNTS_TABLE, surroundings),
    };
  },
});
