/** What an engine answers only on its bad days. Told by the names that AWS documents; the engines' own words do not count. */
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  DynamoDBClient,
  PutItemCommand,
  TransactionCanceledException,
  TransactionConflictException,
  TransactionInProgressException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import type { BackfillRun } from '../../domain/backfill/backfill-run.ts';
import { dynamoBackfillRuns } from '../../functions/adapters/dynamodb/backfill/backfill-runs.ts';
import { dynamoCredentials } from '../../functions/adapters/dynamodb/identity/credentials.ts';
import { dynamoDeviceStore } from '../../functions/adapters/dynamodb/telemetry/device-store.ts';
import { getAll } from '../../functions/adapters/dynamodb/metrics/hour-index.ts';
import { chunkItem } from '../../functions/adapters/dynamodb/telemetry/telemetry.items.ts';
import { writeTogether } from '../../functions/adapters/dynamodb/shared/write-together.ts';
import { sqsSender } from '../../functions/adapters/sqs/queue.ts';
import { aChunk, anEntry } from '../builders/device-hour.ts';
import { aUsername } from '../builders/identity.ts';

const AT = '2026-08-21T12:00:00.000Z';
const HOUR = '2026-08-21T12';
const ada = aUsername('ada');
const dynamodb = mockClient(DynamoDBClient);
const sqs = mockClient(SQSClient);
let pauses: number[];
const deps = {
  random: () => 0.5,
  sleep: async (ms: number) => void pauses.push(ms),
  randomToken: () => 'ours',
};
const store = dynamoDeviceStore(new DynamoDBClient(), 'telemetry', deps);
beforeEach(() => {
  dynamodb.reset();
  sqs.reset();
  pauses = [];
});

const meta = { $metadata: {}, message: '' };
const cancelled = (...codes: string[]) =>
  new TransactionCanceledException({ ...meta, CancellationReasons: codes.map((Code) => ({ Code })) });
const conflict = () => new TransactionConflictException(meta);
const conditionFailed = (Item?: ReturnType<typeof chunkItem>) =>
  new ConditionalCheckFailedException({ ...meta, ...(Item === undefined ? {} : { Item }) });
const named = (name: string) => Object.assign(new Error(name), { name });

describe('a binding', () => {
  it.each([
    ['a conflict', ['None', 'TransactionConflict']],
    ['throttling', ['ThrottlingError', 'None']],
    ['too much for the table', ['ProvisionedThroughputExceeded', 'None']],
    ['too much for the account', ['RequestLimitExceeded', 'None']],
    ['a failed condition beside a conflict', ['ConditionalCheckFailed', 'TransactionConflict']],
    ['a failed condition beside throttling', ['ConditionalCheckFailed', 'ThrottlingError']],
  ])('that is cancelled for %s is sent again, after a pause', async (_why, codes) => {
    dynamodb
      .on(TransactWriteItemsCommand)
      .rejectsOnce(cancelled(...codes))
      .resolves({});

    expect(await store.bind('d1', ada, AT)).toBe('bound');
    expect(pauses).toHaveLength(1);
  });

  it('whose condition failed, and nothing else, finds the device owned', async () => {
    dynamodb.on(TransactWriteItemsCommand).rejects(cancelled('ConditionalCheckFailed', 'None'));

    expect(await store.bind('d1', ada, AT)).toBe('already-owned');
    expect(pauses).toEqual([]);
  });

  it.each([
    ['an invalid item', cancelled('None', 'ValidationError')],
    ['an item that grew too large', cancelled('ItemCollectionSizeLimitExceeded', 'None')],
    ['no reason at all', cancelled()],
    ['something else altogether', named('AccessDeniedException')],
  ])('that fails for %s throws', async (_why, error) => {
    dynamodb.on(TransactWriteItemsCommand).rejects(error);

    await expect(store.bind('d1', ada, AT)).rejects.toMatchObject({ name: error.name });
  });

  it('gives up in the end, with pauses that grow to a bound', async () => {
    dynamodb.on(TransactWriteItemsCommand).rejects(cancelled('None', 'TransactionConflict'));

    await expect(store.bind('d1', ada, AT)).rejects.toMatchObject({ name: 'TransactionCanceledException' });
    expect(pauses.length).toBeGreaterThan(3);
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    expect(Math.max(...pauses)).toBeLessThanOrEqual(500);
  });
});

describe('a device, or a link, written while a binding is under way', () => {
  it.each([
    ['register', () => store.register('d1', AT)],
    ['link', () => store.link('d1', ada)],
  ])('waits for it: %s', async (_what, write) => {
    dynamodb.on(PutItemCommand).rejectsOnce(conflict()).rejectsOnce(conflict()).resolves({});

    await write();

    expect(pauses).toHaveLength(2);
  });

  it.each([
    ['register', () => store.register('d1', AT)],
    ['link', () => store.link('d1', ada)],
  ])('may be there already: %s', async (_what, write) => {
    dynamodb.on(PutItemCommand).rejects(conditionFailed());

    await expect(write()).resolves.toBeUndefined();
  });

  it('throws whatever else happens, and a conflict that does not end', async () => {
    dynamodb.on(PutItemCommand).rejects(named('AccessDeniedException'));
    await expect(store.register('d1', AT)).rejects.toMatchObject({ name: 'AccessDeniedException' });

    dynamodb.on(PutItemCommand).rejects(conflict());
    await expect(store.register('d1', AT)).rejects.toMatchObject({ name: 'TransactionConflictException' });
  });
});

describe('a chunk whose condition failed', () => {
  const chunk = aChunk({ revision: 3, events: [anEntry('a')] });
  const save = () => store.saveChunk('d1', HOUR, chunk);
  const standing = (writeId: string) => conditionFailed(chunkItem('d1', HOUR, chunk, writeId));

  it('was saved, where what stands there is this very write: its answer was lost', async () => {
    dynamodb.on(PutItemCommand).rejects(standing('ours'));

    expect(await save()).toBe('saved');
  });

  it.each([
    ['somebody else’s write', () => standing('theirs')],
    ['nothing', () => conditionFailed()],
  ])('is stale, where what stands there is %s', async (_what, error) => {
    dynamodb.on(PutItemCommand).rejects(error());

    expect(await save()).toBe('stale');
  });

  it('throws where it failed for anything else', async () => {
    dynamodb.on(PutItemCommand).rejects(named('ProvisionedThroughputExceededException'));

    await expect(save()).rejects.toMatchObject({ name: 'ProvisionedThroughputExceededException' });
  });
});

describe('a key', () => {
  const keys = dynamoCredentials(new DynamoDBClient(), 'credentials');

  it('that is not there is told from one that could not be written', async () => {
    dynamodb.on(UpdateItemCommand).rejectsOnce(conditionFailed()).rejects(named('ThrottlingException'));

    expect(await keys.revoke('id', AT)).toBe(false);
    await expect(keys.revoke('id', AT)).rejects.toMatchObject({ name: 'ThrottlingException' });
  });
});

describe('what is written together', () => {
  const actions = [{ Put: { TableName: 'any', Item: { pk: { S: 'a' } } } }];
  const write = () => writeTogether(new DynamoDBClient(), actions);

  it.each([
    ['a failed condition', () => cancelled('ConditionalCheckFailed', 'None')],
    ['a conflict', () => cancelled('None', 'TransactionConflict')],
    ['throttling', () => cancelled('ThrottlingError')],
    ['too much for the table', () => cancelled('ProvisionedThroughputExceeded', 'ConditionalCheckFailed')],
    ['no answer in time, be it written or not', () => named('TimeoutError')],
    ['a first send that is still under way', () => new TransactionInProgressException({ ...meta, Message: '' })],
  ])('is decided again after %s', async (_why, error) => {
    dynamodb.on(TransactWriteItemsCommand).rejects(error());

    expect(await write()).toBe(false);
  });

  it.each([
    ['a cause that nobody knows', () => cancelled('ValidationError', 'None')],
    [
      'such a one beside a failed condition',
      () => cancelled('ConditionalCheckFailed', 'ItemCollectionSizeLimitExceeded'),
    ],
    ['no cause at all', () => cancelled('None')],
    ['a refusal', () => named('AccessDeniedException')],
  ])('throws %s', async (_why, error) => {
    dynamodb.on(TransactWriteItemsCommand).rejects(error());

    await expect(write()).rejects.toBeInstanceOf(Error);
  });
});

describe('what a store put off', () => {
  const key = (n: string) => ({ pk: n, sk: n });
  const items = ['1', '2', '3'].map((n) => ({ pk: { S: n }, sk: { S: n } }));

  it('of a plan is sent again, and only that, until all of it is there', async () => {
    const runs = dynamoBackfillRuns(new DynamoDBClient(), 'runs', deps);
    const run = {
      runId: 'r',
      order: { mode: 'all', usernames: null, dryRun: false },
      startedAt: AT,
      status: 'running',
    };
    const left = { PutRequest: { Item: { pk: { S: 'left' } } } };
    dynamodb
      .on(BatchWriteItemCommand)
      .resolvesOnce({ UnprocessedItems: { runs: [left] } })
      .resolves({});

    await runs.plan(run as BackfillRun, [ada, aUsername('bob')]);

    const sent = dynamodb.commandCalls(BatchWriteItemCommand).map(({ args }) => args[0].input.RequestItems?.runs);
    expect(sent.map((requests) => requests?.length)).toEqual([2, 1]);
    expect(sent[1]).toEqual([left]);
    expect(pauses).toHaveLength(1);

    dynamodb.on(BatchWriteItemCommand).resolves({ UnprocessedItems: { runs: [left] } });
    await expect(runs.plan(run as BackfillRun, [ada])).rejects.toThrow();
  });

  it('of a read is read again, and nothing is taken for gone', async () => {
    dynamodb
      .on(BatchGetItemCommand)
      .resolvesOnce({ Responses: { facts: items.slice(0, 1) }, UnprocessedKeys: { facts: { Keys: items.slice(1) } } })
      .resolves({ Responses: { facts: items.slice(1) } });

    const found = await getAll(new DynamoDBClient(), 'facts', ['1', '2', '3'].map(key), deps);

    expect(found).toEqual(items);
    dynamodb.on(BatchGetItemCommand).resolves({ UnprocessedKeys: { facts: { Keys: items } } });
    await expect(getAll(new DynamoDBClient(), 'facts', [key('1')], deps)).rejects.toThrow();
  });
});

describe('messages', () => {
  const send = sqsSender(new SQSClient(), 'http://127.0.0.1/queue', deps);
  const messages = Array.from({ length: 12 }, (_, n) => ({ n }));
  const failed = (...ids: string[]) => ({
    Failed: ids.map((Id) => ({ Id, Code: 'InternalError', SenderFault: false })),
    Successful: [],
  });
  const sent = () =>
    sqs
      .commandCalls(SendMessageBatchCommand)
      .map((call) => call.args[0].input.Entries!.map((entry) => entry.MessageBody));

  it('go ten to a request', async () => {
    sqs.on(SendMessageBatchCommand).resolves({});

    await send(messages);

    expect(sent().map((bodies) => bodies.length)).toEqual([10, 2]);
    expect(sent().flat()).toEqual(messages.map((message) => JSON.stringify(message)));
    for (const { args } of sqs.commandCalls(SendMessageBatchCommand)) {
      const ids = args[0].input.Entries!.map(({ Id }) => Id);
      expect(new Set(ids).size).toBe(ids.length);
    }
  });

  it('that failed go again, and only those, after a pause', async () => {
    sqs.on(SendMessageBatchCommand).resolvesOnce(failed('1', '2')).resolvesOnce(failed('2')).resolves({});

    await send(messages.slice(0, 3));

    expect(sent()).toEqual([['{"n":0}', '{"n":1}', '{"n":2}'], ['{"n":1}', '{"n":2}'], ['{"n":2}']]);
    expect(pauses).toHaveLength(2);
  });

  it('that fail for good make the whole send fail: none is lost in silence', async () => {
    sqs.on(SendMessageBatchCommand).resolves(failed('0'));

    await expect(send(messages.slice(0, 1))).rejects.toThrow('could not be queued');
  });

  it('that could not be sent at all throw', async () => {
    sqs.on(SendMessageBatchCommand).rejects(named('QueueDoesNotExist'));

    await expect(send(messages)).rejects.toMatchObject({ name: 'QueueDoesNotExist' });
  });

  it('none of them make no request', async () => {
    await send([]);

    expect(sent()).toEqual([]);
  });
});
