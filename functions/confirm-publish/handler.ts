import { currentRules } from '../../domain/rules/current-rules.ts';
import { dynamoAccountNames } from '../adapters/dynamodb/identity/accounts.ts';
import { dynamoCollectives } from '../adapters/dynamodb/identity/collectives.ts';
import { dynamoAuthenticator } from '../adapters/dynamodb/identity/credentials.ts';
import { dynamoGrantLedger } from '../adapters/dynamodb/grants/grant-ledger.ts';
import { dynamoRegistry } from '../adapters/dynamodb/registry/registry.ts';
import { dynamodbClient } from '../runtime/aws-clients.ts';
import { surroundings } from '../runtime/environment.ts';
import { httpFunction } from '../runtime/http-function.ts';
import { ConfirmPublishEnv } from './env.ts';
import { routes } from './routes.ts';

export const handler = httpFunction({
  routes,
  wire: () => {
    const env = ConfirmPublishEnv.parse(process.env);
    const dynamodb = dynamodbClient('api');
    return {
      authenticate: dynamoAuthenticator(dynamodb, env, surroundings),
      registry: dynamoRegistry(dynamodb, { registry: env.REGISTRY_TABLE, grants: env.GRANTS_TABLE }),
      collectives: dynamoCollectives(dynamodb, env.REGISTRY_TABLE),
      ledger: dynamoGrantLedger(dynamodb, env.GRANTS_TABLE),
      rules: currentRules,
      names: dynamoAccountNames(dynamodb, env.ACCOUNTS_TABLE, surroundings),
      ...surroundings,
    };
  },
});
