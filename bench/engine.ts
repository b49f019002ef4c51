import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { synthIfStale } from '../infra/synth-if-stale.ts';
import { startDynamoDbEngine } from '../local/engines/dynamodb-engine.ts';
import { ensureTable } from '../local/engines/tables.ts';
import { readAssembly, type Assembly } from '../local/template/assembly.ts';
import { readStack } from '../local/template/stack-model.ts';

const STAGE = 'local';
const REGION = 'us-east-1';

/** The only engine whose request units are DynamoDB's, also for transactions. */
const COUNTING_ENGINE = 'dynoxide';

/** The physical name of a table, by its role. */
export type Tables = (role: string) => string;

export type BenchEngine = {
  readonly endpoint: string;
  /** A client of its own each time; they end with the engine. */
  client(): DynamoDBClient;
  /** The template's tables, empty, under names that no other set has. */
  createTables(): Promise<Tables>;
  stop(): Promise<void>;
};

export const benchAssembly = async (): Promise<Assembly> =>
  readAssembly(await synthIfStale({ stage: STAGE }), `Laurel-${STAGE}`);

/** An engine in memory. */
export async function startBenchEngine(): Promise<BenchEngine> {
  const { tables: models } = readStack(await benchAssembly(), {
    region: REGION,
    accountId: '000000000000',
    awsEndpoint: 'http://127.0.0.1',
    streamArnOf: (table) => `arn:aws:dynamodb:${REGION}:000000000000:table/${table}/stream/none`,
  });
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
        // Nothing here reads a stream, it costs no units, and the engine gets slower with every record that is in one.
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

/** Runs the work on an engine of its own. */
export async function withEngine<Value>(work: (engine: BenchEngine) => Promise<Value>): Promise<Value> {
  const engine = await startBenchEngine();
  try {
    return await work(engine);
  } finally {
    await engine.stop();
  }
}
