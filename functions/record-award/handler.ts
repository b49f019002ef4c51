import { rulebook } from '../../domain/rules/current-rules.ts';
import { dynamoAccountNames } from '../adapters/dynamodb/identity/accounts.ts';
import { dynamoAuthenticator } from '../adapters/dynamodb/identity/credentials.ts';
import { dynamoGrantLedger } from '../adapters/dynamodb/grants/grant-ledger.ts';
import { dynamodbClient } from '../runtime/aws-clients.ts';
import { surroundings } from '../runtime/environment.ts';
import { httpFunction } from '../runtime/http-function.ts';
import { logConflict } from '../runtime/log-conflict.ts';
import { RecordAwardEnv } from './env.ts';
import { routes } from './routes.ts';

export const handler = httpFunction({
  routes,
  wire: () => {
    const env = RecordAwardEnv.parse(process.env);
    const dynamodb = dynamodbClient('api');
    return {
      authenticate: dynamoAuthenticator(dynamodb, env, surroundings),
      ledger: dynamoGrantLedger(dynamodb, env.GRANTS_TABLE),
      rules: rulebook,
      reportConflict: logConflict,
      names: dynamoAccountNames(dynamodb, env.ACCOUNTS_TABLE, surroundings),
      ...surroundings,
    };
  },
});
