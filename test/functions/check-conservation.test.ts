import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { marshall } from '@aws-sdk/util-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { startFunctionEngine } from './function-under-test.ts';

const MINUTE_MS = 60_000;
const sqs = mockClient(SQSClient);
let world: Awaited<ReturnType<typeof startFunctionEngine>>;
let handler: (event: unknown, context: unknown) => Promise<unknown>;
let printed: string[];

beforeAll(async () => {
  world = await startFunctionEngine();
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'WARN');
  vi.stubEnv('POWERTOOLS_DEV', 'true'); // prints by the console, where a test can see it
  ({ handler } = await import('../../functions/check-conservation/handler.ts'));
});
beforeEach(() => {
  sqs.reset();
  const none = { ApproximateNumberOfMessages: '0', ApproximateNumberOfMessagesNotVisible: '0' };
  sqs.on(GetQueueAttributesCommand).resolves({ Attributes: { ...none, ApproximateNumberOfMessagesDelayed: '0' } });
  printed = [];
  for (const level of ['log', 'warn', 'error'] as const) {
    vi.spyOn(console, level).mockImplementation((text: string) => void printed.push(text));
  }
});
afterAll(async () => {
  vi.restoreAllMocks();
  sqs.restore();
  await world.stop();
});

const check = (event: object | null, minutesLeft = 15) =>
  handler(event, { getRemainingTimeInMillis: () => minutesLeft * MINUTE_MS });

/** A user whose score cannot be read. */
async function spoil(username: string): Promise<void> {
  const Item = marshall({ pk: `USER#${username}`, sk: 'SCORE', scoreShard: 'SHARD#0' });
  await world.client.send(new PutItemCommand({ TableName: world.tables.user_scores, Item }));
}

const Line = z.looseObject({ level: z.string().optional(), message: z.string().optional() });
const lines = () => printed.map((line) => Line.parse(JSON.parse(line)));
/** The figures that went to CloudWatch. */
const published = (): object =>
  Object.fromEntries(
    lines().flatMap((line) => Object.entries(line).filter(([name]) => /^Conservation[A-Z]/u.test(name))),
  );
const logged = () =>
  lines()
    .filter(({ level }) => level !== undefined)
    .map(({ level, message }) => [level, message]);

describe('the function of the consistency check', () => {
  it('publishes that it has run, and that nothing differs', async () => {
    expect(await check({})).toMatchObject({ sample: 'hour', checked: 0, complete: true, ok: true });

    expect(published()).toEqual({ ConservationChecked: 0, ConservationDifferent: 0, ConservationUnsettled: 0 });
    expect(logged()).toEqual([]);
  });

  it.each([
    ['what makes no sense', { sample: 'some' }, /^sample: /u],
    ['what an answer never gave', { sample: 'all', from: 'anywhere' }, /^from: /u],
    ['nothing at all', null, /^event: /u],
  ])('refuses %s by name, so that whoever invoked it can tell', async (_what, event, sentence) => {
    await expect(check(event)).rejects.toMatchObject({
      name: 'InvalidEvent',
      message: expect.stringMatching(sentence),
    });

    expect(published()).toEqual({});
  });

  it('publishes and logs a difference, whoever cannot be read among them', async () => {
    await spoil('ada');
    expect(await check({ standingSeconds: 0 })).toMatchObject({ checked: 1, different: 1, ok: false });

    expect(published()).toMatchObject({ ConservationChecked: 1, ConservationDifferent: 1 });
    expect(logged()).toEqual([
      ['WARN', 'user could not be read'],
      ['ERROR', 'conservation'],
    ]);
  });

  it('does not pass for the hourly check where only some users are named', async () => {
    await check({ usernames: ['bob'] });

    expect(published()).toEqual({ ConservationDifferent: 0, ConservationUnsettled: 0 });
  });

  it('begins with nobody new after three and a half of its fifteen minutes', async () => {
    expect(await check({ usernames: ['ada', 'bob'], standingSeconds: 0 }, 11.4)).toMatchObject({ complete: true });
    expect(await check({ standingSeconds: 0 }, 11.6)).toMatchObject({ complete: true });
    expect(await check({ standingSeconds: 0 }, 11.4)).toMatchObject({ complete: false });
  });

  it('ends before the twelfth, with what has not been settled', async () => {
    expect(await check({ usernames: ['ada'], standingSeconds: 0 }, 3.3)).toMatchObject({ different: 1, unsettled: 0 });
    expect(await check({ usernames: ['ada'], standingSeconds: 0 }, 3.2)).toMatchObject({ different: 0, unsettled: 1 });
    expect(published()).toMatchObject({ ConservationUnsettled: 1 });
  });
});
