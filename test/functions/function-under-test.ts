import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { randomBytes } from 'node:crypto';
import { vi } from 'vitest';
import { createKey, newKeyOf, type CreateKeyRequest } from '../../domain/identity/create-key.ts';
import { dynamoAccountNames } from '../../functions/adapters/dynamodb/identity/accounts.ts';
import { dynamoCredentials } from '../../functions/adapters/dynamodb/identity/credentials.ts';
import { namesAsIds, sha256 } from '../builders/identity.ts';
import { startTestEngine } from '../support/engines.ts';

export type Answer = { readonly statusCode: number; readonly headers: Record<string, string>; readonly body: string };

/**
 * An engine with tables, and the environment that Lambda gives to the functions. Import a handler after this, because
 * its logger reads the environment when it is created.
 */
export async function startFunctionEngine({ hasAccounts = false } = {}) {
  // Else the ids of accounts are their names, so that tests read what is stored without looking names up.
  if (!hasAccounts) {
    vi.doMock('../../functions/adapters/dynamodb/identity/accounts.ts', async (original) => ({
      ...(await original<object>()),
      dynamoAccountNames: () => namesAsIds,
    }));
  }
  const engine = await startTestEngine();
  const tables = await engine.createTables();
  const environment = {
    ACCOUNTS_TABLE: tables.accounts,
    TELEMETRY_TABLE: tables.telemetry,
    SCORES_TABLE: tables.user_scores,
    GRANTS_TABLE: tables.score_grants,
    REGISTRY_TABLE: tables.registry,
    CREDENTIALS_TABLE: tables.credentials,
    ROLLUPS_TABLE: tables.metric_rollup_hour,
    LEADERBOARDS_TABLE: tables.leaderboards,
    HOOK_SOURCES_TABLE: tables.hook_sources,
    RUNS_TABLE: tables.backfill_runs,
    SCORE_REFRESH_QUEUE_URL: 'http://127.0.0.1:9/000000000000/score-refresh', // nothing listens there
    BACKFILL_QUEUE_URL: 'http://127.0.0.1:9/000000000000/backfill',
    ERASE_QUEUE_URL: 'http://127.0.0.1:9/000000000000/erase',
    ROLL_UP_QUEUE_URL: 'http://127.0.0.1:9/000000000000/roll-up',
    AWS_ENDPOINT_URL_DYNAMODB: engine.endpoint,
    AWS_ENDPOINT_URL_SQS: 'http://127.0.0.1:9',
    AWS_REGION: engine.region,
    AWS_ACCESS_KEY_ID: engine.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: engine.credentials.secretAccessKey,
    AWS_LAMBDA_LOG_LEVEL: 'SILENT',
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const client = engine.client();

  return {
    engine,
    tables,
    client,
    /** All items of a table, sorted. */
    async itemsOf(table: string): Promise<Record<string, any>[]> {
      const { Items = [] } = await client.send(new ScanCommand({ TableName: table, ConsistentRead: true }));
      return Items.map((item) => unmarshall(item)).sort((a, b) => (a.pk + a.sk < b.pk + b.sk ? -1 : 1));
    },
    /** Creates a key and returns its secret. */
    async aKey(request: CreateKeyRequest): Promise<{ readonly id: string; readonly key: string }> {
      const credentials = dynamoCredentials(client, tables.credentials);
      const randomToken = (bytes: number) => randomBytes(bytes).toString('base64url');
      const deps = { clock: () => Date.now(), random: Math.random, sleep: async () => {}, randomToken };
      const names = hasAccounts ? dynamoAccountNames(client, tables.accounts, deps) : namesAsIds;
      return createKey({ credentials, ...deps, sha256 }, await newKeyOf(names, request));
    },
    async stop(): Promise<void> {
      vi.unstubAllEnvs();
      await engine.stop();
    },
  };
}

type Handler = (event: unknown) => Promise<Answer>;

/** The functions of tests about accounts. Import them after the engine has started: they read the environment. */
export const accountHandlers = async (): Promise<
  Record<'accounts' | 'award' | 'exports' | 'ingest' | 'keys' | 'publish', Handler>
> => ({
  accounts: (await import('../../functions/manage-accounts/handler.ts')).handler,
  award: (await import('../../functions/record-award/handler.ts')).handler,
  exports: (await import('../../functions/export-account/handler.ts')).handler,
  ingest: (await import('../../functions/ingest-telemetry/handler.ts')).handler,
  keys: (await import('../../functions/manage-keys/handler.ts')).handler,
  publish: (await import('../../functions/confirm-publish/handler.ts')).handler,
});
