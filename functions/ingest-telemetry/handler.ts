import { rulebook } from '../../domain/rules/current-rules.ts';
import { rememberingChunks } from '../../domain/telemetry/closed-chunks.ts';
import { dynamoAccountNames } from '../adapters/dynamodb/identity/accounts.ts';
import { dynamoAuthenticator } from '../adapters/dynamodb/identity/credentials.ts';
import { dynamoDeviceStore } from '../adapters/dynamodb/telemetry/device-store.ts';
import { dynamoGrantLedger } from '../adapters/dynamodb/grants/grant-ledger.ts';
import { dynamoPulls } from '../adapters/dynamodb/registry/pulls.ts';
import { A_MOMENT_AGO, getFromTables, getGathered } from '../adapters/dynamodb/shared/gather.ts';
import { dynamoFirstNames } from '../adapters/dynamodb/telemetry/first-names.ts';
import { keptHours } from '../../domain/telemetry/kept-hours.ts';
import { dynamoTrustedFacts } from '../adapters/dynamodb/telemetry/trusted-facts.ts';
import { sqsSender } from '../adapters/sqs/queue.ts';
import { dynamodbClient, sqsClient } from '../runtime/aws-clients.ts';
import { random, randomToken, sha256, sleep, surroundings } from '../runtime/environment.ts';
import { httpFunction } from '../runtime/http-function.ts';
import { logConflict } from '../runtime/log-conflict.ts';
import { IngestTelemetryEnv } from './env.ts';
import { routes } from './routes.ts';

export const handler = httpFunction({
  routes,
  wire: () => {
    const env = IngestTelemetryEnv.parse(process.env);
    const dynamodb = dynamodbClient('api');
    const deps = { random, sleep, randomToken };
    const telemetryItem = getGathered(dynamodb, env.TELEMETRY_TABLE);
    const seenIn = getFromTables(dynamodb, A_MOMENT_AGO);
    const devices = dynamoDeviceStore(dynamodb, env.TELEMETRY_TABLE, deps, telemetryItem, seenIn(env.TELEMETRY_TABLE));
    return {
      authenticate: dynamoAuthenticator(dynamodb, env, surroundings, seenIn(env.ACCOUNTS_TABLE)),
      devices: keptHours(rememberingChunks(devices), surroundings),
      firstNames: dynamoFirstNames(dynamodb, env.TELEMETRY_TABLE, telemetryItem),
      pulls: dynamoPulls(dynamodb, env.REGISTRY_TABLE, deps),
      trustedFacts: dynamoTrustedFacts(dynamodb, env.TELEMETRY_TABLE, deps),
      requestRefreshes: sqsSender(sqsClient('api'), env.SCORE_REFRESH_QUEUE_URL, deps),
      grants: {
        ledger: dynamoGrantLedger(dynamodb, env.GRANTS_TABLE, getGathered(dynamodb, env.GRANTS_TABLE)),
        rules: rulebook,
        reportConflict: logConflict,
        sha256,
        ...deps,
      },
      names: dynamoAccountNames(dynamodb, env.ACCOUNTS_TABLE, surroundings),
      ...surroundings,
    };
  },
});
