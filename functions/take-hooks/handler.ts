import { rulebook, settings } from '../../domain/rules/current-rules.ts';
import { reportedKindsOf } from '../../domain/rules/reported-kinds.ts';
import { dynamoGrantLedger } from '../adapters/dynamodb/grants/grant-ledger.ts';
import { dynamoAccountNames } from '../adapters/dynamodb/identity/accounts.ts';
import { dynamoHookSecrets } from '../adapters/dynamodb/hooks/hook-sources.ts';
import { dynamoFirstNames } from '../adapters/dynamodb/telemetry/first-names.ts';
import { dynamoLogins } from '../adapters/dynamodb/telemetry/logins.ts';
import { dynamoTrustedFacts } from '../adapters/dynamodb/telemetry/trusted-facts.ts';
import { dynamodbClient } from '../runtime/aws-clients.ts';
import { random, randomToken, sleep, surroundings } from '../runtime/environment.ts';
import { httpFunction } from '../runtime/http-function.ts';
import { logConflict } from '../runtime/log-conflict.ts';
import { TakeHooksEnv } from './env.ts';
import { routes } from './routes.ts';

/** GitHub gives up after ten seconds. The reads and the write of a hook, one after the other, end before that. */
const PATIENCE = { connectionTimeout: 500, requestTimeout: 800 };

export const handler = httpFunction({
  routes,
  wire: () => {
    const env = TakeHooksEnv.parse(process.env);
    const dynamodb = dynamodbClient('api', PATIENCE);
    const deps = { random, sleep, randomToken };
    return {
      authenticate: async () => undefined, // a signature takes the place of a key
      secretsOf: dynamoHookSecrets(dynamodb, env.HOOK_SOURCES_TABLE),
      hooks: settings.hooks ?? {},
      kinds: reportedKindsOf(rulebook),
      logins: dynamoLogins(dynamodb, env.TELEMETRY_TABLE),
      firstNames: dynamoFirstNames(dynamodb, env.TELEMETRY_TABLE),
      trustedFacts: dynamoTrustedFacts(dynamodb, env.TELEMETRY_TABLE, deps),
      grants: {
        ledger: dynamoGrantLedger(dynamodb, env.GRANTS_TABLE),
        rules: rulebook,
        reportConflict: logConflict,
        ...surroundings,
      },
      names: dynamoAccountNames(dynamodb, env.ACCOUNTS_TABLE, surroundings),
      ...surroundings,
    };
  },
});
