import { afterEach, describe, expect, it } from 'vitest';
import { awsCaller } from '../../local/aws-client.ts';
import { failedItems } from '../../local/events/item-failures.ts';
import { startTestStack, type TestStack, until } from '../support/stack.ts';
import { aFunction, aQueue, tinyAssembly } from './tiny-stack.ts';

let stack: TestStack | undefined;
afterEach(async () => {
  await stack?.stop();
  stack = undefined;
});

/**
 * A queue, its dead letters, and a function that drains it. A message comes back when the test says so (`comeBack`), not when a
 * second is over: a slow machine would need longer for its function.
 */
async function aDrainedQueue(handler: string, mapping: Record<string, unknown> = {}) {
  const arn = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });
  const { assembly, notes } = tinyAssembly({
    DeadLetters: aQueue('jobs-dlq'),
    Jobs: aQueue('jobs', {
      VisibilityTimeout: 300,
      RedrivePolicy: { deadLetterTargetArn: arn('DeadLetters'), maxReceiveCount: 2 },
    }),
    ...aFunction('worker', {
      handler,
      timeout: 300,
      allow: [['sqs:*', arn('Jobs')]],
    }),
    Mapping: {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: {
        FunctionName: { Ref: 'worker' },
        EventSourceArn: arn('Jobs'),
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        ...mapping,
      },
    },
  });
  stack = await startTestStack({ assembly });
  const call = awsCaller(stack.sqsEndpoint, 'operator');
  return {
    notes,
    send: (...bodies: readonly string[]) =>
      call('AmazonSQS.SendMessageBatch', {
        QueueUrl: stack!.queues.jobs,
        Entries: bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody })),
      }),
    comeBack: (ReceiptHandle: string) =>
      call('AmazonSQS.ChangeMessageVisibility', { QueueUrl: stack!.queues.jobs, ReceiptHandle, VisibilityTimeout: 0 }),
    deadLetters: async () => {
      const answer = await call('AmazonSQS.ReceiveMessage', {
        QueueUrl: stack!.queues['jobs-dlq'],
        MaxNumberOfMessages: 10,
        VisibilityTimeout: 1,
      });
      return ((answer as any).Messages ?? []).map(({ Body }: any) => Body);
    },
  };
}
const bodies = (batches: readonly (readonly string[])[]) => batches.flat().toSorted();

it('delays no refreshes until a load is scored', async () => {
  const { assembly } = tinyAssembly(
    aFunction('announcer', {
      handler: 'export const handler = () => process.env.REFRESH_DELAY_SECONDS',
      environment: { REFRESH_DELAY_SECONDS: '4' },
    }),
  );
  const delay = async () => stack!.invoke('announcer', {});
  stack = await startTestStack({ assembly, load: async () => undefined });
  expect(await delay()).toMatchObject({ payload: '"0"' });
  await stack.loaded();
  expect(await delay()).toMatchObject({ payload: '"4"' });
});

describe('a queue mapping', () => {
  it('passes the records to the function as Lambda does, and deletes handled ones', async () => {
    const { send, notes } = await aDrainedQueue(`export const handler = async (event) => note(event.Records)`);
    await send('one');
    await stack!.drain();
    expect(notes()).toMatchObject([
      [
        {
          body: 'one',
          eventSource: 'aws:sqs',
          eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:tiny-jobs',
          awsRegion: 'us-east-1',
          attributes: { ApproximateReceiveCount: '1' },
        },
      ],
    ]);
  });

  it('gathers a batch within its window, up to its size', async () => {
    const { send, notes } = await aDrainedQueue(
      `export const handler = async (event) => note(event.Records.map(({ body }) => body))`,
      { BatchSize: 15, MaximumBatchingWindowInSeconds: 1 },
    );
    await send(...Array.from({ length: 10 }, (_, index) => `a${index}`));
    await send(...Array.from({ length: 10 }, (_, index) => `b${index}`));
    await until(() => bodies(notes()).length === 20);
    expect(notes()[0].length).toBeGreaterThan(10);
    expect(Math.max(...notes().map(({ length }) => length))).toBeLessThanOrEqual(15);
    expect(new Set(bodies(notes())).size).toBe(20);
  });

  it('does not make a drain of the stack wait for its window, and gathers all that is there', async () => {
    const { send, notes } = await aDrainedQueue(
      `export const handler = async (event) => note(event.Records.map(({ body }) => body))`,
      { BatchSize: 15, MaximumBatchingWindowInSeconds: 300 },
    );
    await send(...Array.from({ length: 10 }, (_, index) => `a${index}`));
    await send('last');
    await stack!.drain();
    expect(notes().map(({ length }) => length)).toEqual([11]);
  });

  it('hands out again only what was reported, and gives it up to the dead letters', async () => {
    const { send, notes, comeBack, deadLetters } = await aDrainedQueue(`export const handler = async ({ Records }) => {
      note(Records.map(({ body, receiptHandle }) => ({ body, receiptHandle })));
      const bad = Records.filter(({ body }) => body === 'bad');
      return { batchItemFailures: bad.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    }`);
    await send('good', 'bad');
    let dead: readonly string[] = [];
    let back = 0;
    const bad = () => notes().flat().filter(({ body }) => body === 'bad'); // prettier-ignore
    await until(async () => {
      for (; back < bad().length; back += 1) await comeBack(bad()[back].receiptHandle);
      return (dead = await deadLetters()).length > 0;
    });
    expect(dead).toEqual(['bad']);
    expect(notes().flat().map(({ body }) => body).toSorted()).toEqual(['bad', 'bad', 'good']); // prettier-ignore
  });

  it('hands out the whole batch again where the function fails or its report is malformed', async () => {
    const { send, notes, comeBack } = await aDrainedQueue(`let count = 0;
      export const handler = async ({ Records }) => {
        note(Records.map(({ body, receiptHandle }) => ({ body, receiptHandle })));
        if (++count === 1) return { batchItemFailures: [{ itemIdentifier: 'not one of these' }] };
      }`);
    await send('one', 'two');
    await until(() => notes().length > 0);
    for (const { receiptHandle } of notes()[0]) await comeBack(receiptHandle);
    await stack!.drain();
    expect(notes().flat().map(({ body }) => body).toSorted()).toEqual(['one', 'one', 'two', 'two']); // prettier-ignore
  });

  it('runs at most MaximumConcurrency batches at once', async () => {
    const { send, notes } = await aDrainedQueue(
      `export const handler = async () => {
         note('start'); await new Promise((resolve) => setTimeout(resolve, 200)); note('end');
       }`,
      { BatchSize: 1, ScalingConfig: { MaximumConcurrency: 2 } },
    );
    await send('1', '2', '3', '4', '5');
    await stack!.drain();
    let running = 0;
    const most = Math.max(...notes().map((what) => (running += what === 'start' ? 1 : -1)));
    expect(notes()).toHaveLength(10);
    expect(most).toBe(2);
  });
});

describe('a batch report', () => {
  const ok = (payload: unknown) => ({ ok: true, requestId: 'r', payload: JSON.stringify(payload) }) as const;
  const failed = { ok: false, requestId: 'r', failure: { errorType: 'E', errorMessage: '' } } as const;
  it.each([
    ['nothing', ok(null), true, []],
    ['an empty list', ok({ batchItemFailures: [] }), true, []],
    ['null for the list', ok({ batchItemFailures: null }), true, []],
    ['one of two', ok({ batchItemFailures: [{ itemIdentifier: 'a' }] }), true, ['a']],
    ['an unknown item', ok({ batchItemFailures: [{ itemIdentifier: 'x' }] }), true, ['a', 'b']],
    ['an empty item', ok({ batchItemFailures: [{ itemIdentifier: '' }] }), true, ['a', 'b']],
    ['another form', ok({ batchItemFailures: 'a' }), true, ['a', 'b']],
    ['an error', failed, true, ['a', 'b']],
    ['one of two, with reports disabled', ok({ batchItemFailures: [{ itemIdentifier: 'a' }] }), false, []],
  ])('with %s', (_what, result, reports, expected) => {
    expect([...failedItems(result, ['a', 'b'], reports)]).toEqual(expected);
  });
});
