import { dynamoAccountNames } from '../adapters/dynamodb/identity/accounts.ts';
import { dynamoAuthenticator } from '../adapters/dynamodb/identity/credentials.ts';
import { dynamoDeviceStore } from '../adapters/dynamodb/telemetry/device-store.ts';
import { dynamodbClient } from '../runtime/aws-clients.ts';
import { clock, random, randomToken, sleep, surroundings } from '../runtime/environment.ts';
import { httpFunction } from '../runtime/http-function.ts';
import { ManageDevicesEnv } from './env.ts';
import { routes } from './routes.ts';

/** A function of its own: the one place that may take a device away from its owner, and it may do nothing else. */
export const handler = httpFunction({
  routes,
  wire: () => {
    const env = ManageDevicesEnv.parse(process.env);
    const dynamodb = dynamodbClient('api');
    return {
      authenticate: dynamoAuthenticator(dynamodb, env, surroundings),
      clock,
      names: dynamoAccountNames(dynamodb, env.ACCOUNTS_TABLE, surroundings),
      devices: dynamoDeviceStore(dynamodb, env.TELEMETRY_TABLE, { random, sleep, randomToken }),
    };
  },
});
