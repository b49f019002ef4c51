import { DeleteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { marshall } from '@aws-sdk/util-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { startFunctionEngine } from './function-under-test.ts';

const MINUTE_MS = 60_000;
/** Sleep takes no time; it only advances the clock. */
const time = vi.hoisted(() => ({ slept: 0 }));
vi.mock('../../functions/runtime/environment.ts', async (original) => ({
  ...(await original<object>()),
  clock: () => Date.now() + time.slept,
  sleep: async (milliseconds: number) => void (time.slept += milliseconds),
}));
const sqs = mockClient(SQSClient);
let world: Awaited<ReturnType<typeof startFunctionEngine>>;
let handler: (event: unknown, context: unknown) => Promise<unknown>;
let printed: string[];

beforeAll(async () => {
  world = await startFunctionEngine();
  vi.stubEnv('AWS_LAMBDA_LOG_LEVEL', 'WARN');
  ({ handler } = await import('../../functions/check-conservation/handler.ts'));
});
beforeEach(() => {
  sqs.reset();
  const none = { ApproximateNumberOfMessages: '0', ApproximateNumberOfMessagesNotVisible: '0' };
  sqs.on(GetQueueAttributesCommand).resolves({ Attributes: { ...none, ApproximateNumberOfMessagesDelayed: '0' } });
  printed = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
});
afterAll(async () => {
  vi.restoreAllMocks();
  sqs.restore();
  await world.stop();
});

const check = (event: object | null, minutesLeft = 15) =>
  handler(event, { getRemainingTimeInMillis: () => minutesLeft * MINUTE_MS });

const scoreOf = (username: string) => ({
  TableName: world.tables.user_scores,
  Key: marshall({ pk: `USER#${username}`, sk: 'SCORE' }),
});
/** Makes a user's score unreadable. */
async function spoil(username: string): Promise<void> {
  const { TableName, Key } = scoreOf(username);
  await world.client.send(new PutItemCommand({ TableName, Item: { ...Key, scoreShard: { S: 'SHARD#0' } } }));
}

const Line = z.looseObject({ level: z.string().optional(), message: z.string().optional() });
const lines = () => printed.map((line) => Line.parse(JSON.parse(line)));
/** The metrics that went to CloudWatch. */
const published = (): object =>
  Object.fromEntries(
    lines().flatMap((line) => Object.entries(line).filter(([name]) => /^Conservation[A-Z]/u.test(name))),
  );
const logged = () =>
  lines()
    .filter(({ level }) => level !== undefined)
    .map(({ level, message }) => [level, message]);

describe('the function of the consistency check', () => {
  it('publishes that it ran, and that nothing differs', async () => {
    expect(await check({})).toMatchObject({ sample: 'hour', checked: 0, complete: true, ok: true });

    expect(published()).toEqual({ ConservationChecked: 0, ConservationDifferent: 0, ConservationUnsettled: 0 });
    expect(logged()).toEqual([]);
  });

  it.each([
    ['a meaningless value', { sample: 'some' }, /^sample: /u],
    ['a cursor that no answer returned', { sample: 'all', from: 'anywhere' }, /^from: /u],
    ['nothing at all', null, /^event: /u],
  ])('refuses %s by name, so that its caller can see it', async (_what, event, sentence) => {
    await expect(check(event)).rejects.toMatchObject({
      name: 'InvalidEvent',
      message: expect.stringMatching(sentence),
    });

    expect(published()).toEqual({});
  });

  it('logs a difference, and users who cannot be read, and sets off no alarm if told how long it must last', async () => {
    await spoil('ada');
    expect(await check({ standingSeconds: 0 })).toMatchObject({ checked: 1, different: 1, ok: false });

    expect(published()).toEqual({});
    expect(logged()).toEqual([
      ['WARN', 'user could not be read'],
      ['ERROR', 'conservation'],
    ]);
  });

  it('publishes a user who differs until the same user is right, even if others were found right', async () => {
    await check({});
    expect(published()).toEqual({ ConservationChecked: 1, ConservationDifferent: 1, ConservationUnsettled: 0 });

    printed.length = 0;
    await check({ usernames: ['bob'] }); // does not count as the hourly check
    expect(published()).toEqual({ ConservationDifferent: 1, ConservationUnsettled: 0 });

    printed.length = 0;
    await world.client.send(new DeleteItemCommand(scoreOf('ada')));
    await check({ usernames: ['ada'] });
    expect(published()).toEqual({ ConservationDifferent: 0, ConservationUnsettled: 0 });
    await spoil('ada');
  });

  it('takes two quiet minutes, or eight after a late stream or with a queued backfill', async () => {
    const minutesTaken = async () => {
      const before = time.slept;
      expect(await check({ usernames: ['ada'] })).toMatchObject({ different: 1 });
      return (time.slept - before) / MINUTE_MS;
    };
    expect(await minutesTaken()).toBeLessThan(3);

    const TableName = world.tables.backfill_runs;
    const Key = marshall({ pk: 'CHECK', sk: 'STREAMS' });
    const lateAt = new Date(Date.now() + 600 * MINUTE_MS).toISOString();
    await world.client.send(new PutItemCommand({ TableName, Item: { ...Key, ...marshall({ lateAt }) } }));
    expect(await minutesTaken()).toBeGreaterThan(7);
    await world.client.send(new DeleteItemCommand({ TableName, Key }));

    const QueueUrl = process.env.BACKFILL_QUEUE_URL!;
    const some = { ApproximateNumberOfMessagesNotVisible: '1', ApproximateNumberOfMessagesDelayed: '0' };
    const Attributes = { ApproximateNumberOfMessages: '0', ...some };
    sqs.on(GetQueueAttributesCommand, { QueueUrl }).resolves({ Attributes });
    expect(await minutesTaken()).toBeGreaterThan(7);
  });

  it('starts with no new users after three and a half of its fifteen minutes', async () => {
    expect(await check({ usernames: ['ada', 'bob'], standingSeconds: 0 }, 11.4)).toMatchObject({ complete: true });
    expect(await check({ standingSeconds: 0 }, 11.6)).toMatchObject({ complete: true });
    expect(await check({ standingSeconds: 0 }, 11.4)).toMatchObject({ complete: false });
  });

  it('ends before the twelfth minute, with the unsettled users', async () => {
    expect(await check({ usernames: ['ada'], standingSeconds: 0 }, 3.3)).toMatchObject({ different: 1, unsettled: 0 });
    expect(await check({ usernames: ['ada'] }, 3.2)).toMatchObject({ different: 0, unsettled: 1 });
    expect(published()).toMatchObject({ ConservationUnsettled: 1 });
  });
});
