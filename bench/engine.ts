import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { synthIfStale } from '../infra/synth-if-stale.ts';
import { startDynamoDbEngine } from '../local/engines/dynamodb-engine.ts';
import { ensureTable } from '../local/engines/tables.ts';
import { readAssembly, type Assembly } from '../local/template/assembly.ts';
import { readStack, type StackModel } from '../local/template/stack-model.ts';

const STAGE = 'local';
const REGION = 'us-east-1';

/** The only engine with the same request units as DynamoDB, also for transactions. */
const COUNTING_ENGINE = 'dynoxide';

/** Maps a table's role to its physical name. */
export type Tables = (role: string) => string;

export type BenchEngine = {
  readonly endpoint: string;
  /** Returns a new client. It closes with the engine. */
  client(): DynamoDBClient;
  /** Creates the template's tables, empty, under new names. */
  createTables(): Promise<Tables>;
  stop(): Promise<void>;
};

export const benchAssembly = async (): Promise<Assembly> =>
  readAssembly(await synthIfStale({ stage: STAGE }), `Laurel-${STAGE}`);

export const benchStack = async (): Promise<StackModel> =>
  readStack(await benchAssembly(), {
    region: REGION,
    accountId: '000000000000',
    awsEndpoint: 'http://127.0.0.1',
    streamArnOf: (table) => `arn:aws:dynamodb:${REGION}:000000000000:table/${table}/stream/none`,
  });

/** Starts an engine in memory. */
export async function startBenchEngine(): Promise<BenchEngine> {
  const { tables: models } = await benchStack();
  const { endpoint, stop } = await startDynamoDbEngine(COUNTING_ENGINE);
  const clients: DynamoDBClient[] = [];
  let sets = 0;

  const client = () => {
    const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench' };
    const made = new DynamoDBClient({ endpoint, region: REGION, credentials });
    clients.push(made);
    return made;
  };
  const admin = client();
  return {
    endpoint,
    client,
    async createTables() {
      sets += 1;
      const names = new Map(models.map(({ role, name }) => [role, `${name}-${sets}`]));
      const tableOf: Tables = (role) => {
        const name = names.get(role);
        if (name === undefined) throw new Error(`The template has no table with the role ${role}`);
        return name;
      };
      for (const { role, definition, timeToLiveAttribute } of models) {
        // Streams are left out: the benchmark does not read them, they cost no units, and each record makes the engine
        // slower.
        const { StreamSpecification: _, ...table } = definition;
        await ensureTable(admin, { name: tableOf(role), definition: table, timeToLiveAttribute });
      }
      return tableOf;
    },
    async stop() {
      for (const made of clients) made.destroy();
      await stop();
    },
  };
}

/** Runs the work on a new engine. */
export async function withEngine<Value>(work: (engine: BenchEngine) => Promise<Value>): Promise<Value> {
  const engine = await startBenchEngine();
  try {
    return await work(engine);
  } finally {
    await engine.stop();
  }
}
