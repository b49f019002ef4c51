import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { rmSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { awsCaller } from '../../local/aws-client.ts';
import { TableChangedError } from '../../local/engines/tables.ts';
import { readFilters } from '../../local/events/event-filter.ts';
import { type BatchDelivery, deliverBatch } from '../../local/events/stream-batch.ts';
import type { StreamRecord } from '../../local/events/stream-shard.ts';
import { UnsupportedTemplateError } from '../../local/template/unsupported.ts';
import { hasJava } from '../support/engines.ts';
import { startTestStack, temporaryDirectory, type TestStack } from '../support/stack.ts';
import { aFunction, aQueue, aTable, tinyAssembly } from './tiny-stack.ts';

/** Delivers the records '0', '1', … to a function. `fails` decides the result of each batch. */
async function deliver(
  count: number,
  fails: (ids: readonly string[]) => 'throws' | readonly string[] | undefined,
  mapping: Partial<BatchDelivery['mapping']> = {},
  ages: readonly number[] = [],
  isStoppedMeanwhile = false,
) {
  const records = Array.from({ length: count }, (_, index): StreamRecord => ({
    dynamodb: { SequenceNumber: String(index), ApproximateCreationDateTime: 1000 - (ages[index] ?? 0), Keys: {} },
  }));
  const idsOf = (batch: readonly StreamRecord[]) => batch.map(({ dynamodb }) => dynamodb.SequenceNumber);
  const seen = { invocations: [] as string[], givenUp: [] as unknown[], done: [] as string[], backOffs: 0 };
  const now = () => 1_000_000 + seen.backOffs * 60_000; // a minute passes before each retry
  const delivery: BatchDelivery = {
    mapping: { bisects: true, maxRetries: 1, maxRecordAgeMs: 60_000, reportsItemFailures: true, ...mapping },
    invoke: async (batch) => {
      seen.invocations.push(idsOf(batch).join(' '));
      const answer = fails(idsOf(batch));
      if (answer === 'throws') return { ok: false, requestId: '', failure: { errorType: 'E', errorMessage: '' } };
      const batchItemFailures = (answer ?? []).map((itemIdentifier) => ({ itemIdentifier }));
      return { ok: true, requestId: '', payload: JSON.stringify({ batchItemFailures }) };
    },
    giveUp: async (batch, condition, invocations) => {
      seen.givenUp.push([idsOf(batch).join(' '), condition, invocations]);
    },
    done: ({ dynamodb }) => seen.done.push(dynamodb.SequenceNumber),
    backOff: async () => {
      seen.backOffs += 1;
    },
    isStopping: () => isStoppedMeanwhile && seen.invocations.length > 0,
    clock: now,
  };
  return { isDone: await deliverBatch(delivery, records), ...seen };
}

describe('delivery of a stream batch', () => {
  it('is one invocation if it succeeds', async () => {
    expect(await deliver(3, () => undefined)).toMatchObject({ isDone: true, invocations: ['0 1 2'], done: ['2'] });
  });

  it('continues at the first reported record', async () => {
    let calls = 0;
    const { invocations, done } = await deliver(4, () => (++calls === 1 ? ['3', '2'] : undefined));
    expect(invocations).toEqual(['0 1 2 3', '2 3']);
    expect(done).toEqual(['1', '3']);
  });

  it('halves a failing batch until the bad record is alone, then gives up only that one', async () => {
    const { invocations, givenUp, done } = await deliver(4, (ids) => (ids.includes('2') ? 'throws' : undefined));
    expect(invocations).toEqual(['0 1 2 3', '0 1', '2 3', '2', '2', '3']);
    expect(givenUp).toEqual([['2', 'RetryAttemptsExhausted', 2]]);
    expect(done).toEqual(['1', '2', '3']);
  });

  it('retries a bad record without a limit of retries until it is too old, and delivers all others', async () => {
    const bounds = { maxRetries: Infinity, maxRecordAgeMs: 6 * 3_600_000 };
    const isBad = (ids: readonly string[]) => (ids.includes('2') ? 'throws' : undefined);
    // the last one came a minute later
    const { givenUp, done, backOffs } = await deliver(4, isBad, bounds, [0, 0, 0, -60]);
    expect(givenUp).toEqual([['2', 'RecordAgeExceeded', 361]]);
    expect(done).toEqual(['1', '2', '3']);
    expect(backOffs).toBe(361);
  });

  it('gives up a whole batch without bisection', async () => {
    const { invocations, givenUp } = await deliver(2, () => 'throws', { bisects: false });
    expect(invocations).toEqual(['0 1', '0 1']);
    expect(givenUp).toEqual([['0 1', 'RetryAttemptsExhausted', 2]]);
  });

  it('treats reports as success if the mapping does not ask for them', async () => {
    const { invocations } = await deliver(2, () => ['0'], { reportsItemFailures: false });
    expect(invocations).toEqual(['0 1']);
  });

  it('gives up nothing because of a stop', async () => {
    const { isDone, givenUp, done } = await deliver(2, () => 'throws', { maxRetries: 0, bisects: false }, [], true);
    expect([isDone, givenUp, done]).toEqual([false, [], []]);
  });

  it('gives up records that are too old before it invokes the function', async () => {
    const { invocations, givenUp, done } = await deliver(3, () => undefined, {}, [61, 61, 0]);
    expect(givenUp).toEqual([['0 1', 'RecordAgeExceeded', 0]]);
    expect(invocations).toEqual(['2']);
    expect(done).toEqual(['1', '2']);
  });
});

describe('the filters of a mapping', () => {
  const changeOf = (sk: string) => ({ eventName: 'MODIFY', dynamodb: { Keys: { sk: { S: sk } } } });
  const scores = JSON.stringify({ dynamodb: { Keys: { sk: { S: ['SCORE', 'PROFILE'] } } } });
  const inserts = JSON.stringify({ eventName: ['INSERT'], dynamodb: { Keys: { sk: { S: ['METRICS'] } } } });

  it.each([
    ['a value that is in a pattern', [scores], changeOf('PROFILE'), true],
    ['a value that is in no pattern', [scores], changeOf('METRICS'), false],
    ['a change without the attribute', [scores], { dynamodb: { Keys: {} } }, false],
    ['a change that one of several patterns matches', [inserts, scores], changeOf('SCORE'), true],
    ['a partial match of a pattern', [inserts], changeOf('METRICS'), false],
    ['any change without filters', [], changeOf('METRICS'), true],
  ])('judge %s', (_what, patterns, change, expected) => {
    expect(readFilters('Mapping', patterns)(change)).toBe(expected);
  });

  it.each(['no JSON', '"text"', '{"a": [{"prefix": "S"}]}', '{"a": []}'])('stop at %s', (pattern) => {
    expect(() => readFilters('Mapping', [pattern])).toThrow(UnsupportedTemplateError);
  });
});

let running: TestStack | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

function aStreamedTable(handler: string, mapping: Record<string, unknown> = {}, table: Record<string, unknown> = {}) {
  const arn = (id: string, name = 'Arn') => ({ 'Fn::GetAtt': [id, name] });
  return tinyAssembly({
    Facts: aTable('facts', { StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' }, ...table }),
    Failures: aQueue('failures'),
    ...aFunction('listener', {
      handler,
      timeout: 1,
      allow: [
        ['dynamodb:*', arn('Facts', 'StreamArn')],
        ['sqs:SendMessage', arn('Failures')],
      ],
    }),
    Mapping: {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: {
        FunctionName: { Ref: 'listener' },
        EventSourceArn: arn('Facts', 'StreamArn'),
        StartingPosition: 'TRIM_HORIZON',
        MaximumRetryAttempts: 0,
        BisectBatchOnFunctionError: true,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        DestinationConfig: { OnFailure: { Destination: arn('Failures') } },
        ...mapping,
      },
    },
  });
}
const NOTE_KEYS = `export const handler = async ({ Records }) => {
  const keys = Records.map(({ dynamodb }) => dynamodb.Keys.pk.S);
  note(keys);
  if (keys.includes('bad')) throw new Error('bad');
}`;

async function put(stack: TestStack, ...keys: readonly string[]) {
  const credentials = { accessKeyId: 'operator', secretAccessKey: 'x' };
  const client = new DynamoDBClient({ endpoint: stack.dynamodbEndpoint, region: stack.region, credentials });
  for (const pk of keys) {
    await client.send(new PutItemCommand({ TableName: stack.tables.facts!, Item: { pk: { S: pk }, sk: { S: 'x' } } }));
  }
  client.destroy();
}

describe('a stream mapping', () => {
  it.for(['dynoxide', 'dynamodb-local'] as const)(
    'delivers each change once and in order, and continues after a restart (%s)',
    async (engine, { skip }) => {
      skip(engine === 'dynamodb-local' && !hasJava(), 'DynamoDB Local needs Java');
      const dataDirectory = temporaryDirectory();
      const { assembly, notes } = aStreamedTable(NOTE_KEYS);
      for (const keys of [['a', 'b'], ['c']]) {
        running = await startTestStack({ assembly, dataDirectory, engine });
        await put(running, ...keys);
        await running.drain();
        await running.stop();
        running = undefined;
      }
      expect(notes().flat()).toEqual(['a', 'b', 'c']);
      rmSync(dataDirectory, { recursive: true, force: true });
    },
  );

  it('starts from the beginning on a fresh data directory, but first refuses a table with another shape', async () => {
    const dataDirectory = temporaryDirectory();
    const { assembly, notes } = aStreamedTable(NOTE_KEYS);
    running = await startTestStack({ assembly, dataDirectory });
    await put(running, 'a');
    await running.drain();
    await running.stop();
    const changed = aStreamedTable(NOTE_KEYS, {}, { StreamSpecification: { StreamViewType: 'KEYS_ONLY' } });
    await expect(startTestStack({ ...changed, dataDirectory })).rejects.toThrow(TableChangedError);

    running = await startTestStack({ ...changed, dataDirectory, fresh: true });
    await put(running, 'b');
    await running.drain();
    expect([...notes(), ...changed.notes()].flat()).toEqual(['a', 'b']);
  });

  it('sends the positions of given-up records to the failure queue, with the function’s role, without data', async () => {
    const { assembly, notes } = aStreamedTable(NOTE_KEYS, { MaximumBatchingWindowInSeconds: 1 });
    running = await startTestStack({ assembly });
    await put(running, 'good', 'bad', 'fine');
    await running.drain();

    const answer: any = await awsCaller(running.sqsEndpoint, 'operator')('AmazonSQS.ReceiveMessage', {
      QueueUrl: running.queues.failures,
      MaxNumberOfMessages: 10,
    });
    const messages = answer.Messages.map(({ Body }: any) => JSON.parse(Body));
    expect(messages).toMatchObject([
      {
        requestContext: { condition: 'RetryAttemptsExhausted' },
        DDBStreamBatchInfo: { batchSize: 1, streamArn: expect.stringContaining('table/tiny-facts/stream/') },
      },
    ]);
    expect(JSON.stringify(messages)).not.toContain('"bad"');
    expect(notes().flat()).toContain('fine');
  });

  it('delivers only changes that match its filters, and continues after others', async () => {
    const Pattern = JSON.stringify({ dynamodb: { Keys: { pk: { S: ['b', 'd'] } } } });
    const dataDirectory = temporaryDirectory();
    const { assembly, notes } = aStreamedTable(NOTE_KEYS, { FilterCriteria: { Filters: [{ Pattern }] } });
    for (const keys of [
      ['a', 'b', 'c'],
      ['d', 'e'],
    ]) {
      running = await startTestStack({ assembly, dataDirectory });
      await put(running, ...keys);
      await running.drain();
      await running.stop();
      running = undefined;
    }
    expect(notes().flat()).toEqual(['b', 'd']);
    rmSync(dataDirectory, { recursive: true, force: true });
  });

  it('gathers a batch within its window, but does not make a drain of the stack wait for it', async () => {
    const { assembly, notes } = aStreamedTable(NOTE_KEYS, { MaximumBatchingWindowInSeconds: 300 });
    running = await startTestStack({ assembly });
    await put(running, 'a', 'b', 'c');
    await running.drain();
    expect(notes()).toEqual([['a', 'b', 'c']]);
  });

  it('keeps the order of a key with several lanes', async () => {
    const { assembly, notes } = aStreamedTable(NOTE_KEYS, { ParallelizationFactor: 3, BatchSize: 2 });
    running = await startTestStack({ assembly });
    const keys = 'a b c d e f g h i j'.split(' ');
    await put(running, ...keys);
    await running.drain();
    expect(notes().flat().toSorted()).toEqual(keys);
  });
});
