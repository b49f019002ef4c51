import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { leanCalls } from '../../functions/runtime/lean-calls.ts';
import { defaultEngine, type EngineName, startDynamoDbEngine } from '../../local/engines/dynamodb-engine.ts';
import { authorizationOf } from '../../local/aws-client.ts';
import { createTable } from '../../local/engines/tables.ts';
import { readAssembly } from '../../local/template/assembly.ts';
import { readStack } from '../../local/template/stack-model.ts';
import { EngineWires, handlerBy } from '../../proof/simulator/engine-wire.ts';
import { assemblyOfRun } from './assembly.ts';

export type TestEngine = {
  readonly engine: EngineName;
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** A new client, by default with the SDK's own retries. It closes with the engine. */
  client(options?: Pick<DynamoDBClientConfig, 'retryStrategy'>): DynamoDBClient;
  /** The template's tables with new names, so that tests share an engine but no data. */
  createTables(roles?: readonly TableRole[]): Promise<Record<TableRole, string>>;
  stop(): Promise<void>;
};

const TABLE_ROLES = [
  'accounts',
  'telemetry',
  'user_scores',
  'credentials',
  'score_grants',
  'backfill_runs',
  'registry',
  'metric_rollup_hour',
  'leaderboards',
  'hook_sources',
] as const;
type TableRole = (typeof TABLE_ROLES)[number];

/** DynamoDB Local is Amazon's own engine and needs Java. Without Java its tests are skipped with a message. */
export const hasJava = (): boolean => spawnSync('java', ['-version']).status === 0;

/** Names the caller without a signature. No engine checks one, and signing is a quarter of a request's cost here. */
const unsigned = (accessKeyId: string, region: string): NonNullable<Parameters<typeof leanCalls>[2]> => ({
  async sign<Request extends { headers: Record<string, string> }>(request: Request): Promise<Request> {
    Object.assign(request.headers, authorizationOf(accessKeyId, region));
    return request;
  },
});

/**
 * An engine in memory for the tests of one file, with their own tables. Start it in `beforeAll`. dynoxide starts in 30
 * ms; Amazon's engine is shared by all files of a run.
 */
export async function startTestEngine(options: { readonly engine?: EngineName } = {}): Promise<TestEngine> {
  const kind = options.engine ?? defaultEngine();
  const { name, endpoint, stop } = await (kind === 'dynoxide' ? startDynamoDbEngine(kind) : sharedEngine());
  const region = 'us-east-1';
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const signer = unsigned(credentials.accessKeyId, region);
  const wires = kind === 'dynoxide' ? new EngineWires(endpoint) : undefined;
  const by = wires === undefined ? {} : { requestHandler: handlerBy(wires.post) };
  const clients: DynamoDBClient[] = [];
  const client = (given = {}) => {
    const made = new DynamoDBClient({ endpoint, region, credentials, cacheMiddleware: true, ...by, ...given });
    leanCalls(made, 'DynamoDB_20120810', signer);
    if (wires === undefined) clients.push(made); // else all share the engine's connections
    return made;
  };
  const admin = client();
  const models = await tableModels();
  const owner = randomUUID().slice(0, 8); // separates the tables of test files on a shared engine
  let sets = 0;

  return {
    engine: name,
    endpoint,
    region,
    credentials,
    client,
    async createTables(roles = TABLE_ROLES) {
      sets += 1;
      const names = {
        accounts: '',
        telemetry: '',
        user_scores: '',
        credentials: '',
        score_grants: '',
        backfill_runs: '',
        registry: '',
        metric_rollup_hour: '',
        leaderboards: '',
        hook_sources: '',
      };
      for (const role of roles) {
        const model = models.find((table) => table.role === role);
        if (model === undefined) throw new Error(`The template has no table ${role}`);
        names[role] = `${model.name}-${owner}-${sets}`;
        await createTable(admin, { ...model, name: names[role] });
      }
      return names;
    },
    async stop() {
      for (const made of clients) made.destroy();
      wires?.close();
      await stop();
    },
  };
}

async function sharedEngine() {
  const { inject } = await import('vitest'); // loaded only in a test, because other programs use this module as well
  const answer = await fetch(`${inject('services')}/engine`);
  const endpoint = await answer.text();
  if (!answer.ok) throw new Error(endpoint);
  return { name: 'dynamodb-local', endpoint, stop: async () => {} } as const;
}

async function tableModels() {
  return readStack(readAssembly(await assemblyOfRun(), 'Laurel-local'), {
    region: 'us-east-1',
    accountId: '000000000000',
    awsEndpoint: 'http://127.0.0.1',
    streamArnOf: (table) => `arn:aws:dynamodb:us-east-1:000000000000:table/${table}/stream/none`,
  }).tables;
}
