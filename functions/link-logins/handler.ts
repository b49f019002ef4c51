import type { AccountId } from '../../domain/identity/account.ts';
import { hasMovedPoints } from '../adapters/dynamodb/grants/grant-ledger.ts';
import { dynamoAccountNames, dynamoAccounts } from '../adapters/dynamodb/identity/accounts.ts';
import { dynamoAuthenticator } from '../adapters/dynamodb/identity/credentials.ts';
import { dynamoLogins } from '../adapters/dynamodb/telemetry/logins.ts';
import { dynamodbClient } from '../runtime/aws-clients.ts';
import { clock, random, sleep, surroundings } from '../runtime/environment.ts';
import { httpFunction } from '../runtime/http-function.ts';
import { LinkLoginsEnv } from './env.ts';
import { routes } from './routes.ts';

export const handler = httpFunction({
  routes,
  wire: () => {
    const env = LinkLoginsEnv.parse(process.env);
    const dynamodb = dynamodbClient('api');
    return {
      authenticate: dynamoAuthenticator(dynamodb, env, surroundings),
      logins: dynamoLogins(dynamodb, env.TELEMETRY_TABLE),
      names: dynamoAccountNames(dynamodb, env.ACCOUNTS_TABLE, surroundings),
      accounts: dynamoAccounts(dynamodb, env.ACCOUNTS_TABLE, surroundings, env.SCORES_TABLE),
      hasMoved: (account: AccountId) => hasMovedPoints(dynamodb, env.GRANTS_TABLE, account),
      clock,
      random,
      sleep,
    };
  },
});
