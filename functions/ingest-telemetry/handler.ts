import { authenticator } from '../../domain/identity/authenticate.ts';
import { resolveUsername } from '../../domain/identity/username.ts';
import { currentRules } from '../../domain/rules/current-rules.ts';
import { dynamoCredentials } from '../adapters/dynamodb/identity/credentials.ts';
import { dynamoDeviceStore } from '../adapters/dynamodb/telemetry/device-store.ts';
import { dynamoGrantLedger } from '../adapters/dynamodb/grants/grant-ledger.ts';
import { dynamoPulls } from '../adapters/dynamodb/registry/pulls.ts';
import { dynamoTrustedFacts } from '../adapters/dynamodb/telemetry/trusted-facts.ts';
import { sqsSender } from '../adapters/sqs/queue.ts';
import { dynamodbClient, sqsClient } from '../runtime/aws-clients.ts';
import { clock, random, randomToken, sha256, sleep } from '../runtime/environment.ts';
import { httpFunction } from '../runtime/http-function.ts';
import { logConflict } from '../runtime/log-conflict.ts';
import { IngestTelemetryEnv } from './env.ts';
import { routes } from './routes.ts';

export const handler = httpFunction({
  routes,
  wire: () => {
    const env = IngestTelemetryEnv.parse(process.env);
    const dynamodb = dynamodbClient('api');
    return {
      authenticate: authenticator({ credentials: dynamoCredentials(dynamodb, env.CREDENTIALS_TABLE), clock, sha256 }),
      devices: dynamoDeviceStore(dynamodb, env.TELEMETRY_TABLE, { random, sleep, randomToken }),
      pulls: dynamoPulls(dynamodb, env.REGISTRY_TABLE, randomToken),
      trustedFacts: dynamoTrustedFacts(dynamodb, env.TELEMETRY_TABLE, randomToken),
      requestRefreshes: sqsSender(sqsClient('api'), env.SCORE_REFRESH_QUEUE_URL, { random, sleep }),
      grants: {
        ledger: dynamoGrantLedger(dynamodb, env.GRANTS_TABLE),
        rules: currentRules,
        reportConflict: logConflict,
        random,
        randomToken,
        sha256,
        sleep,
      },
      resolveUsername,
      clock,
      random,
      sleep,
      sha256,
    };
  },
});
