import { currentRules, rulebook } from '../../domain/rules/current-rules.ts';
import { dynamoAccountNames } from '../adapters/dynamodb/identity/accounts.ts';
import { dynamoCollectives } from '../adapters/dynamodb/identity/collectives.ts';
import { dynamoAuthenticator } from '../adapters/dynamodb/identity/credentials.ts';
import { dynamoDeviceStore } from '../adapters/dynamodb/telemetry/device-store.ts';
import { dynamoGrantLedger } from '../adapters/dynamodb/grants/grant-ledger.ts';
import { dynamoPulls } from '../adapters/dynamodb/registry/pulls.ts';
import { dynamoRegistry } from '../adapters/dynamodb/registry/registry.ts';
import { getGathered } from '../adapters/dynamodb/shared/gather.ts';
import { dynamoFirstNames } from '../adapters/dynamodb/telemetry/first-names.ts';
import { dynamoTrustedFacts } from '../adapters/dynamodb/telemetry/trusted-facts.ts';
import { dynamodbClient } from '../runtime/aws-clients.ts';
import { surroundings } from '../runtime/environment.ts';
import { httpFunction } from '../runtime/http-function.ts';
import { logConflict } from '../runtime/log-conflict.ts';
import { ImportHistoryEnv } from './env.ts';
import { routes, type ImportDeps } from './routes.ts';

export const handler = httpFunction({
  routes,
  wire: (): ImportDeps => {
    const env = ImportHistoryEnv.parse(process.env);
    const dynamodb = dynamodbClient('api');
    const telemetryItem = getGathered(dynamodb, env.TELEMETRY_TABLE);
    const names = dynamoAccountNames(dynamodb, env.ACCOUNTS_TABLE, surroundings);
    const ledger = dynamoGrantLedger(dynamodb, env.GRANTS_TABLE, getGathered(dynamodb, env.GRANTS_TABLE));
    return {
      authenticate: dynamoAuthenticator(dynamodb, env, surroundings),
      devices: dynamoDeviceStore(dynamodb, env.TELEMETRY_TABLE, surroundings, telemetryItem),
      firstNames: dynamoFirstNames(dynamodb, env.TELEMETRY_TABLE, telemetryItem),
      pulls: dynamoPulls(dynamodb, env.REGISTRY_TABLE, surroundings),
      trustedFacts: dynamoTrustedFacts(dynamodb, env.TELEMETRY_TABLE, surroundings),
      requestRefreshes: async () => undefined, // an import has no triggers: its facts announce themselves
      grants: { ledger, rules: rulebook, reportConflict: logConflict, ...surroundings },
      versions: {
        registry: dynamoRegistry(dynamodb, { registry: env.REGISTRY_TABLE, grants: env.GRANTS_TABLE }),
        collectives: dynamoCollectives(dynamodb, env.REGISTRY_TABLE),
        ledger,
        rules: currentRules,
        names,
        ...surroundings,
      },
      names,
      ...surroundings,
    };
  },
});
