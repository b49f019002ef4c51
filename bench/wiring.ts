import { randomBytes } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createKey, type NewKey } from '../domain/identity/create-key.ts';
import { AccountId } from '../domain/identity/account.ts';
import type { Pulls } from '../domain/registry/registry.port.ts';
import type { RefreshDeps } from '../domain/scoring/refresh-score.ts';
import { currentRules, rulebook } from '../domain/rules/current-rules.ts';
import type { IngestDeps } from '../domain/telemetry/ingest-telemetry.ts';
import { rememberingChunks } from '../domain/telemetry/closed-chunks.ts';
import type { Clock } from '../domain/shared/environment.ts';
import { dynamoAccountNames } from '../functions/adapters/dynamodb/identity/accounts.ts';
import { dynamoCollectives } from '../functions/adapters/dynamodb/identity/collectives.ts';
import { dynamoAuthenticator, dynamoCredentials } from '../functions/adapters/dynamodb/identity/credentials.ts';
import { dynamoDeviceStore } from '../functions/adapters/dynamodb/telemetry/device-store.ts';
import { dynamoGrantLedger } from '../functions/adapters/dynamodb/grants/grant-ledger.ts';
import { dynamoGrantLines } from '../functions/adapters/dynamodb/grants/grant-lines.ts';
import { dynamoPulls } from '../functions/adapters/dynamodb/registry/pulls.ts';
import { dynamoRegistry } from '../functions/adapters/dynamodb/registry/registry.ts';
import { A_MOMENT_AGO, getFromTables } from '../functions/adapters/dynamodb/shared/gather.ts';
import { dynamoRollUp } from '../functions/adapters/dynamodb/metrics/roll-up.ts';
import { dynamoScoreStore } from '../functions/adapters/dynamodb/scoring/score-store.ts';
import { dynamoFirstNames } from '../functions/adapters/dynamodb/telemetry/first-names.ts';
import { keptHours } from '../domain/telemetry/kept-hours.ts';
import { dynamoTrustedFacts } from '../functions/adapters/dynamodb/telemetry/trusted-facts.ts';
import { dynamoUserRegistry } from '../functions/adapters/dynamodb/registry/user-registry.ts';
import { dynamoKeptChunks, dynamoUserTelemetry } from '../functions/adapters/dynamodb/telemetry/user-telemetry.ts';
import { routes } from '../functions/ingest-telemetry/routes.ts';
import { random, sha256, sleep } from '../functions/runtime/environment.ts';
import { httpFunction } from '../functions/runtime/http-function.ts';
import { logDateAhead } from '../functions/runtime/log-date-ahead.ts';
import { logConflict } from '../functions/runtime/log-conflict.ts';
import type { Tables } from './engine.ts';

/**
 * The functions' routes, use cases and adapters, wired as in their handlers. Only the client is metered or stubbed, and
 * the clock can pass years in seconds.
 */
export type Surroundings = { readonly client: DynamoDBClient; readonly tables: Tables; readonly clock: Clock };

export const namesOf = ({ client, tables, clock }: Surroundings) =>
  dynamoAccountNames(client, tables('accounts'), { clock, random, randomToken, sleep });

export const rollUpDeps = ({ client, tables, clock }: Surroundings) =>
  dynamoRollUp(
    client,
    {
      accounts: tables('accounts'),
      telemetry: tables('telemetry'),
      grants: tables('score_grants'),
      registry: tables('registry'),
      scores: tables('user_scores'),
      rollups: tables('metric_rollup_hour'),
    },
    { clock, random, sleep, sha256 },
  );

/** The variables of a function that answers reads. */
export const readEnv = (tables: Tables) => ({
  ACCOUNTS_TABLE: tables('accounts'),
  SCORES_TABLE: tables('user_scores'),
  GRANTS_TABLE: tables('score_grants'),
  ROLLUPS_TABLE: tables('metric_rollup_hour'),
  LEADERBOARDS_TABLE: tables('leaderboards'),
});

const randomToken = (bytes: number): string => randomBytes(bytes).toString('base64url');

export type IngestHandler = ReturnType<typeof ingestHandler>;

export const grantDeps = ({ client, tables, clock }: Surroundings) => ({
  ledger: dynamoGrantLedger(client, tables('score_grants')),
  lines: dynamoGrantLines(client, tables('score_grants')),
  rules: rulebook,
  reportConflict: logConflict,
  clock,
  random,
  randomToken,
  sha256,
  sleep,
});

export function ingestHandler(surroundings: Surroundings) {
  const { client, tables, clock } = surroundings;
  const seenIn = getFromTables(client, A_MOMENT_AGO);
  return httpFunction({
    routes,
    wire: () => ({
      authenticate: dynamoAuthenticator(
        client,
        { CREDENTIALS_TABLE: tables('credentials'), ACCOUNTS_TABLE: tables('accounts') },
        { clock, sha256 },
        seenIn(tables('accounts')),
      ),
      ...ingestDeps(surroundings, seenIn),
    }),
  });
}

export const ingestDeps = (
  surroundings: Surroundings,
  seenIn = getFromTables(surroundings.client, A_MOMENT_AGO),
): IngestDeps => {
  const { client, tables, clock } = surroundings;
  const table = tables('telemetry');
  const devices = dynamoDeviceStore(client, table, { random, sleep, randomToken }, undefined, seenIn(table));
  return {
    devices: keptHours(rememberingChunks(devices), { clock }),
    firstNames: dynamoFirstNames(client, tables('telemetry')),
    trustedFacts: dynamoTrustedFacts(client, tables('telemetry'), { random, sleep, randomToken }),
    pulls: pullDeps(surroundings),
    requestRefreshes: async () => {
      throw new Error('an event of the benchmark may not ask for a refresh');
    },
    grants: grantDeps(surroundings),
    names: namesOf(surroundings),
    clock,
    random,
    sleep,
    sha256,
  };
};

export const pullDeps = ({ client, tables }: Surroundings): Pulls =>
  dynamoPulls(client, tables('registry'), { random, sleep, randomToken });

export const confirmDeps = (surroundings: Surroundings) => {
  const { client, tables } = surroundings;
  return {
    ...grantDeps(surroundings),
    rules: currentRules,
    registry: dynamoRegistry(client, { registry: tables('registry'), grants: tables('score_grants') }),
    collectives: dynamoCollectives(client, tables('registry')),
    names: namesOf(surroundings),
  };
};

export const refreshDeps = (surroundings: Surroundings): RefreshDeps => {
  const { client, tables, clock } = surroundings;
  return {
    telemetry: dynamoUserTelemetry(client, tables('telemetry')),
    keepChunks: dynamoKeptChunks(client, tables('telemetry')),
    registry: dynamoUserRegistry(client, tables('registry')),
    scores: dynamoScoreStore(client, tables('user_scores')),
    grants: grantDeps(surroundings),
    clock,
    random,
    sleep,
    sha256,
    reportDateAhead: logDateAhead,
  };
};

/** Creates a key and returns its secret. */
export async function keyOf({ client, tables, clock }: Surroundings, asked: NewKey): Promise<string> {
  const credentials = dynamoCredentials(client, tables('credentials'));
  return (await createKey({ credentials, clock, randomToken, sha256 }, asked)).key;
}
export const personalKey = (surroundings: Surroundings, username: string): Promise<string> =>
  keyOf(surroundings, { kind: 'personal', account: AccountId.parse(username) });
