import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { leanCalls } from '../../functions/runtime/lean-calls.ts';
import { dynoxideBinary, startDynamoDbEngine } from '../../local/engines/dynamodb-engine.ts';
import { ensureTable } from '../../local/engines/tables.ts';
import { RETRY_AT_ONCE } from '../faults.ts';
import type { Item } from '../model/stored.ts';
import { EngineWire, handlerBy } from './engine-wire.ts';
import { tablesOfTemplate } from './template.ts';

const DYNAMODB = 'DynamoDB_20120810';
const STREAMS = 'DynamoDBStreams_20120810';
const MAX_WRITES = 25;

/** An item in the service's own JSON, with binary values as base64 text. */
const Attribute = z.record(z.string(), z.unknown());
export const WireItem = z.record(z.string(), Attribute);
export type WireItem = z.infer<typeof WireItem>;

/** A value without its type. The service's JSON has bytes as base64 text. */
function valueOf(attribute: Record<string, unknown>): unknown {
  const [[type, value] = []] = Object.entries(attribute);
  switch (type) {
    case undefined:
      throw new Error('an attribute without a type');
    case 'N':
      return Number(value);
    case 'B':
      return new Uint8Array(Buffer.from(z.string().parse(value), 'base64'));
    case 'NULL':
      return null;
    case 'L':
      return z.array(Attribute).parse(value).map(valueOf);
    case 'M':
      return itemOf(WireItem.parse(value));
    default:
      return value;
  }
}
export const itemOf = (item: WireItem): Item =>
  Object.fromEntries(Object.entries(item).map(([name, attribute]) => [name, valueOf(attribute)]));

// The engine's own word: whole tables are read many times, and a check of each attribute costs more than the rest of it.
const Items = z.object({ Items: z.array(z.custom<WireItem>()), LastEvaluatedKey: z.custom<WireItem>().optional() });
const StreamRecord = z.looseObject({
  eventName: z.string(),
  dynamodb: z.looseObject({ SequenceNumber: z.string() }),
});
export type WireRecord = z.infer<typeof StreamRecord>;
const Records = z.object({ Records: z.array(StreamRecord), NextShardIterator: z.string() });

/** The tables of the synthesized template on an engine in memory. They are emptied between schedules. */
export class Engine {
  /** The client of the functions. */
  readonly client: DynamoDBClient;
  /** Physical names by role. */
  readonly tables: ReadonlyMap<string, string>;
  readonly #wire: EngineWire;
  readonly #stop: () => Promise<void>;
  readonly #iterators: Map<string, string>;
  /** Tables with writes since they were last emptied. */
  readonly #written = new Set<string>();

  private constructor(
    client: DynamoDBClient,
    wire: EngineWire,
    tables: ReadonlyMap<string, string>,
    iterators: Map<string, string>,
    stop: () => Promise<void>,
  ) {
    this.client = client;
    this.#wire = wire;
    this.tables = tables;
    this.#iterators = iterators;
    this.#stop = stop;
  }

  static async start(): Promise<Engine> {
    if (dynoxideBinary() === undefined) throw new Error('there is no embedded engine for this platform');
    const models = await tablesOfTemplate();
    const { endpoint, stop } = await startDynamoDbEngine('dynoxide');
    const region = 'us-east-1';
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const admin = new DynamoDBClient({ endpoint, region, credentials });
    const wire = new EngineWire(endpoint);
    const tables = new Map(models.map(({ role, name }) => [role, name]));
    const iterators = new Map<string, string>();
    for (const model of models) {
      const streamArn = await ensureTable(admin, model);
      if (streamArn !== undefined) iterators.set(model.name, await newestOf(wire, streamArn));
    }
    admin.destroy();
    const client = new DynamoDBClient({
      endpoint,
      region,
      credentials,
      retryStrategy: RETRY_AT_ONCE,
      signer: { sign: async (request) => request },
      requestHandler: handlerBy((target, body) => wire.post(target, body)),
    });
    leanCalls(client, 'DynamoDB_20120810');
    return new Engine(client, wire, tables, iterators, stop);
  }

  async stop(): Promise<void> {
    this.client.destroy();
    this.#wire.close();
    await this.#stop();
  }

  table(role: string): string {
    const name = this.tables.get(role);
    if (name === undefined) throw new Error(`the template has no table ${role}`);
    return name;
  }

  /** All items of a table. */
  async scan(role: string): Promise<readonly WireItem[]> {
    const items: WireItem[] = [];
    let from: WireItem | undefined;
    do {
      const page = await this.#scanPage(this.table(role), from === undefined ? {} : { ExclusiveStartKey: from });
      items.push(...page.Items);
      from = page.LastEvaluatedKey;
    } while (from !== undefined);
    return items;
  }

  /** The same, as the model reads them: without attribute types, and with bytes. */
  async items(role: string): Promise<readonly Item[]> {
    return (await this.scan(role)).map(itemOf);
  }

  #scanPage(TableName: string, more: object) {
    return this.#wire.call(`${DYNAMODB}.Scan`, { TableName, ConsistentRead: true, ...more }, Items);
  }

  /** Writes without a function: puts items, or deletes keys. */
  async write(role: string, requests: readonly object[]): Promise<void> {
    const table = this.table(role);
    this.#written.add(table);
    for (let from = 0; from < requests.length; from += MAX_WRITES) {
      const RequestItems = { [table]: requests.slice(from, from + MAX_WRITES) };
      await this.#wire.call(`${DYNAMODB}.BatchWriteItem`, { RequestItems }, z.object({}));
    }
  }

  noteWrite(table: string): void {
    this.#written.add(table);
  }

  hasStream(table: string): boolean {
    return this.#iterators.has(table);
  }

  /** The new records of a table's stream. */
  async newRecords(table: string): Promise<readonly WireRecord[]> {
    const ShardIterator = this.#iterators.get(table);
    if (ShardIterator === undefined) return [];
    const found = await this.#wire.call(`${STREAMS}.GetRecords`, { ShardIterator, Limit: 1_000 }, Records);
    this.#iterators.set(table, found.NextShardIterator);
    return found.Records;
  }

  /** Resets all tables to the initial state. */
  async clear(): Promise<void> {
    for (const [role, table] of this.tables) {
      if (!this.#written.has(table)) continue;
      const items = await this.scan(role);
      await this.write(
        role,
        items.map(({ pk, sk }) => ({ DeleteRequest: { Key: { pk, sk } } })),
      );
      while ((await this.newRecords(table)).length > 0);
    }
    this.#written.clear();
  }
}

const Description = z.object({ StreamDescription: z.object({ Shards: z.array(z.object({ ShardId: z.string() })) }) });
const Iterator = z.object({ ShardIterator: z.string() });

async function newestOf(wire: EngineWire, StreamArn: string): Promise<string> {
  const { StreamDescription } = await wire.call(`${STREAMS}.DescribeStream`, { StreamArn }, Description);
  const ShardId = StreamDescription.Shards.at(-1)?.ShardId;
  const at = { StreamArn, ShardId, ShardIteratorType: 'LATEST' };
  return (await wire.call(`${STREAMS}.GetShardIterator`, at, Iterator)).ShardIterator;
}
