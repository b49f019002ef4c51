/**
 * Errors that an engine returns only under load, simulated by the names that AWS documents. The tests do not check an
 * engine's own texts.
 */
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  TransactionCanceledException,
  TransactionConflictException,
  TransactionInProgressException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { BackfillRun } from '../../domain/backfill/backfill-run.ts';
import { dynamoBackfillRuns } from '../../functions/adapters/dynamodb/backfill/backfill-runs.ts';
import { dynamoCredentials } from '../../functions/adapters/dynamodb/identity/credentials.ts';
import { dynamoDeviceStore } from '../../functions/adapters/dynamodb/telemetry/device-store.ts';
import { getAll } from '../../functions/adapters/dynamodb/shared/get-all.ts';
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
  dynamodb.on(GetItemCommand).resolves({});
  pauses = [];
});
afterAll(() => {
  dynamodb.restore();
  sqs.restore();
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
    ['too many requests for the table', ['ProvisionedThroughputExceeded', 'None']],
    ['too many requests for the account', ['RequestLimitExceeded', 'None']],
    ['a failed condition beside a conflict', ['ConditionalCheckFailed', 'TransactionConflict']],
    ['a failed condition beside throttling', ['ConditionalCheckFailed', 'ThrottlingError']],
  ])('that is cancelled for %s is retried after a pause', async (_why, codes) => {
    dynamodb
      .on(TransactWriteItemsCommand)
      .rejectsOnce(cancelled(...codes))
      .resolves({});

    expect(await store.bind('d1', ada, AT)).toBe('bound');
    expect(pauses).toHaveLength(1);
  });

  it('whose only failure is its condition finds the device owned', async () => {
    dynamodb.on(TransactWriteItemsCommand).rejects(cancelled('ConditionalCheckFailed', 'None'));

    expect(await store.bind('d1', ada, AT)).toBe('already-owned');
    expect(pauses).toEqual([]);
  });

  it.each([
    ['an invalid item', cancelled('None', 'ValidationError')],
    ['an item that is too large', cancelled('ItemCollectionSizeLimitExceeded', 'None')],
    ['a missing reason', cancelled()],
    ['an unknown reason', named('AccessDeniedException')],
  ])('that fails for %s throws', async (_why, error) => {
    dynamodb.on(TransactWriteItemsCommand).rejects(error);

    await expect(store.bind('d1', ada, AT)).rejects.toMatchObject({ name: error.name });
  });

  it('gives up at last, with pauses that grow up to a limit', async () => {
    dynamodb.on(TransactWriteItemsCommand).rejects(cancelled('None', 'TransactionConflict'));

    await expect(store.bind('d1', ada, AT)).rejects.toMatchObject({ name: 'TransactionCanceledException' });
    expect(pauses.length).toBeGreaterThan(3);
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    expect(Math.max(...pauses)).toBeLessThanOrEqual(500);
  });
});

describe('a write of a device or link during a binding', () => {
  it.each([
    ['register', () => store.register('d1', AT)],
    ['link', () => store.link('~ada', ada)],
  ])('waits for it: %s', async (_what, write) => {
    dynamodb.on(PutItemCommand).rejectsOnce(conflict()).rejectsOnce(conflict()).resolves({});

    await write();

    expect(pauses).toHaveLength(2);
  });

  it.each([
    ['register', () => store.register('d1', AT)],
    ['link', () => store.link('~ada', ada)],
  ])('may find the item stored already: %s', async (_what, write) => {
    dynamodb.on(PutItemCommand).rejects(conditionFailed());

    await expect(write()).resolves.not.toBe('full');
  });

  it('throws any other error, and a conflict that does not end', async () => {
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

  it('was saved if the stored chunk is this very write, whose answer was lost', async () => {
    dynamodb.on(PutItemCommand).rejects(standing('ours'));

    expect(await save()).toBe('saved');
  });

  it.each([
    ['somebody else’s write', () => standing('theirs')],
    ['nothing', () => conditionFailed()],
  ])('is stale if the stored chunk is %s', async (_what, error) => {
    dynamodb.on(PutItemCommand).rejects(error());

    expect(await save()).toBe('stale');
  });

  it('throws after any other failure', async () => {
    dynamodb.on(PutItemCommand).rejects(named('ProvisionedThroughputExceededException'));

    await expect(save()).rejects.toMatchObject({ name: 'ProvisionedThroughputExceededException' });
  });
});

describe('a key', () => {
  const keys = dynamoCredentials(new DynamoDBClient(), 'credentials');

  it('distinguishes a missing item from one that could not be written', async () => {
    dynamodb.on(UpdateItemCommand).rejectsOnce(conditionFailed()).rejects(named('ThrottlingException'));

    expect(await keys.revoke('id', AT)).toBe(false);
    await expect(keys.revoke('id', AT)).rejects.toMatchObject({ name: 'ThrottlingException' });
  });
});

describe('a write of several items together', () => {
  const actions = [{ Put: { TableName: 'any', Item: { pk: { S: 'a' } } } }];
  const write = () => writeTogether(new DynamoDBClient(), actions);

  it.each([
    ['a failed condition', () => cancelled('ConditionalCheckFailed', 'None')],
    ['a conflict', () => cancelled('None', 'TransactionConflict')],
    ['throttling', () => cancelled('ThrottlingError')],
    ['too many requests for the table', () => cancelled('ProvisionedThroughputExceeded', 'ConditionalCheckFailed')],
    ['a timeout, whether it was written or not', () => named('TimeoutError')],
    ['a first attempt that is still running', () => new TransactionInProgressException({ ...meta, Message: '' })],
  ])('is decided again after %s', async (_why, error) => {
    dynamodb.on(TransactWriteItemsCommand).rejects(error());

    expect(await write()).toBe(false);
  });

  it.each([
    ['an unknown cause', () => cancelled('ValidationError', 'None')],
    [
      'an unknown cause beside a failed condition',
      () => cancelled('ConditionalCheckFailed', 'ItemCollectionSizeLimitExceeded'),
    ],
    ['a missing cause', () => cancelled('None')],
    ['a refusal', () => named('AccessDeniedException')],
  ])('throws %s', async (_why, error) => {
    dynamodb.on(TransactWriteItemsCommand).rejects(error());

    await expect(write()).rejects.toBeInstanceOf(Error);
  });
});

describe('unprocessed items of a store', () => {
  const key = (n: string) => ({ pk: n, sk: n });
  const items = ['1', '2', '3'].map((n) => ({ pk: { S: n }, sk: { S: n } }));

  it('of a plan are sent again, and no others, until all are stored', async () => {
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

  it('of a read are read again, and not treated as missing', async () => {
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

  it('are sent ten per request', async () => {
    sqs.on(SendMessageBatchCommand).resolves({});

    await send(messages);

    expect(sent().map((bodies) => bodies.length)).toEqual([10, 2]);
    expect(sent().flat()).toEqual(messages.map((message) => JSON.stringify(message)));
    for (const { args } of sqs.commandCalls(SendMessageBatchCommand)) {
      const ids = args[0].input.Entries!.map(({ Id }) => Id);
      expect(new Set(ids).size).toBe(ids.length);
    }
  });

  it('that failed are sent again after a pause, and no others', async () => {
    sqs.on(SendMessageBatchCommand).resolvesOnce(failed('1', '2')).resolvesOnce(failed('2')).resolves({});

    await send(messages.slice(0, 3));

    expect(sent()).toEqual([['{"n":0}', '{"n":1}', '{"n":2}'], ['{"n":1}', '{"n":2}'], ['{"n":2}']]);
    expect(pauses).toHaveLength(2);
  });

  it('that fail permanently make the whole send fail, so that none is lost silently', async () => {
    sqs.on(SendMessageBatchCommand).resolves(failed('0'));

    await expect(send(messages.slice(0, 1))).rejects.toThrow('could not be queued');
  });

  it('that could not be sent throw an error', async () => {
    sqs.on(SendMessageBatchCommand).rejects(named('QueueDoesNotExist'));

    await expect(send(messages)).rejects.toMatchObject({ name: 'QueueDoesNotExist' });
  });

  it('of an empty list make no request', async () => {
    await send([]);

    expect(sent()).toEqual([]);
  });
});
