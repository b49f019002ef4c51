import {
  ConditionalCheckFailedException,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { meterCapacity, type CapacityMeter } from '../../bench/capacity-meter.ts';
import { startBenchEngine, type BenchEngine } from '../../bench/engine.ts';
import { itemSize, writeUnitsOf } from '../../bench/item-size.ts';
import { dynoxideBinary } from '../../local/engines/dynamodb-engine.ts';

const key = (pk: string) => ({ pk: { S: pk }, sk: { S: 'KEY' } });
const ofSize = (pk: string, bytes: number) => ({ ...key(pk), filler: { S: 'x'.repeat(bytes) } });
const IF_ABSENT = { ConditionExpression: 'attribute_not_exists(pk)' };

describe.skipIf(dynoxideBinary() === undefined)('the meter of request units', () => {
  let engine: BenchEngine;
  let client: DynamoDBClient;
  let meter: CapacityMeter;
  let TableName: string;

  beforeAll(async () => {
    engine = await startBenchEngine();
    client = engine.client();
    TableName = (await engine.createTables())('user_scores');
    meter = meterCapacity(client);
  });
  afterAll(() => engine.stop());

  it('sums the units of writes and reads by table', async () => {
    const usage = await meter.during(async () => {
      await client.send(new PutItemCommand({ TableName, Item: ofSize('a', 1_500) }));
      await client.send(new GetItemCommand({ TableName, Key: key('a'), ConsistentRead: true }));
      const query = { KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': { S: 'a' } } };
      await client.send(new QueryCommand({ TableName, ConsistentRead: true, ...query }));
    });

    expect(usage).toMatchObject({ writeUnits: 2, readUnits: 2, requests: 3, transactions: 0 });
    expect(usage.byTarget).toEqual(new Map([[TableName, 4]]));
  });

  it('counts a write with a failed condition by the size of the existing item', async () => {
    await client.send(new PutItemCommand({ TableName, Item: ofSize('b', 2_500) }));

    const usage = await meter.during(async () => {
      const put = new PutItemCommand({ TableName, Item: key('b'), ...IF_ABSENT });
      await expect(client.send(put)).rejects.toBeInstanceOf(ConditionalCheckFailedException);
    });

    expect(usage).toMatchObject({ writeUnits: 3, readUnits: 0, requests: 1 });
  });

  it('counts each item of a transaction twice', async () => {
    const puts = ['c', 'd'].map((pk) => ({ Put: { TableName, Item: key(pk), ...IF_ABSENT } }));

    const usage = await meter.during(() => client.send(new TransactWriteItemsCommand({ TransactItems: puts })));

    expect(usage).toMatchObject({ writeUnits: 4, transactions: 1 });
  });

  it('counts a cancelled transaction by its items, including the items that made it fail', async () => {
    await client.send(new PutItemCommand({ TableName, Item: ofSize('e', 1_500) }));
    const puts = ['e', 'f'].map((pk) => ({ Put: { TableName, Item: key(pk), ...IF_ABSENT } }));

    const usage = await meter.during(async () => {
      const transaction = new TransactWriteItemsCommand({ TransactItems: puts });
      await expect(client.send(transaction)).rejects.toBeInstanceOf(TransactionCanceledException);
    });

    expect(usage).toMatchObject({ writeUnits: 6, transactions: 1 });
  });

  it('counts each piece of work separately', async () => {
    const write = () => client.send(new PutItemCommand({ TableName, Item: key('g') }));
    await meter.during(write);

    expect(await meter.during(write)).toMatchObject({ writeUnits: 1, requests: 1 });
  });
});

describe("an item's size", () => {
  it.each([
    ['counts names and texts in bytes', { pk: { S: 'añ' } }, 2 + 3],
    ['counts bytes as they are', { b: { B: new Uint8Array(10) } }, 1 + 10],
    ['counts two digits of a number as one byte, plus one', { n: { N: '12345' } }, 1 + 4],
    ['counts a sign', { n: { N: '-12' } }, 1 + 3],
    ['counts a boolean as a byte', { f: { BOOL: true } }, 1 + 1],
    ['counts lists as three bytes plus one per member', { l: { L: [{ S: 'ab' }, { S: 'c' }] } }, 1 + 3 + 2 + 3],
    ['counts maps in the same way, with their names', { m: { M: { ab: { S: 'c' } } } }, 1 + 3 + 1 + 3],
  ])('%s', (_rule, item, bytes) => {
    expect(itemSize(item)).toBe(bytes);
  });

  it('is written in whole units of 1 KB, at least one', () => {
    expect([0, 1, 1_024, 1_025].map(writeUnitsOf)).toEqual([1, 1, 1, 2]);
  });
});
