import * as z from 'zod/mini';
import { Busy } from '../../domain/shared/until-saved.ts';
import type { Reply } from '../../functions/runtime/problems.ts';
import type { RouteContext } from '../../functions/runtime/route.ts';
import { anHttpRequest } from '../builders/http-request.ts';
import type { UserTelemetry } from '../../domain/telemetry/user-telemetry.port.ts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

vi.hoisted(() => {
  process.env.AWS_LAMBDA_LOG_LEVEL = 'FATAL'; // metrics alone
});
const printed: string[] = [];
vi.spyOn(process.stdout, 'write').mockImplementation((line) => printed.push(String(line)) > 0);
beforeEach(() => void printed.splice(0));
/** The CloudWatch metrics, with the function as their only dimension. */
const failedItems = () =>
  printed
    .map((line) => JSON.parse(line))
    .filter(({ _aws }) => _aws.CloudWatchMetrics[0].Dimensions[0].join() === 'service')
    .map(({ FailedItems }) => FailedItems);
const { sqsBatch } = await import('../../functions/runtime/sqs-batch.ts');
const { stoppedInTime } = await import('../../functions/runtime/deadline.ts');
const { streamBatch } = await import('../../functions/runtime/stream-batch.ts');
const { readStreamRecord } = await import('../../functions/adapters/dynamodb/change-feed/stream-record.ts');
const { httpFunction } = await import('../../functions/runtime/http-function.ts');
const { route } = await import('../../functions/runtime/route.ts');
const { once } = await import('../../functions/runtime/once.ts');

/** The facts of devices with endless hours. */
const neverEnding = (onHour = () => {}): UserTelemetry => ({
  linksOf: async () => [],
  reportsOf: async () => new Map(),
  async *hoursOf(deviceId) {
    for (;;) {
      onHour();
      yield { deviceId, hour: '2026-08-21T12', events: [] };
    }
  },
});

describe('a batch of messages', () => {
  const Message = z.object({ about: z.string(), value: z.number() });
  const handled: unknown[] = [];
  let wired = 0;
  beforeEach(() => {
    handled.length = 0;
    wired = 0;
  });
  const handler = () =>
    sqsBatch({
      message: Message,
      about: ({ about }) => about,
      parallel: 2,
      wire: () => (wired += 1),
      async onMessages(_deps, messages) {
        if (messages[0].about === 'broken') throw new Error('broken');
        handled.push(messages.map(({ value }) => value));
      },
    });
  const record = (messageId: string, body: unknown) => ({
    messageId,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

  it('handles messages about the same thing together, once', async () => {
    const Records = [
      record('1', { about: 'a', value: 1 }),
      record('2', { about: 'b', value: 2 }),
      record('3', { about: 'a', value: 3 }),
    ];

    expect(await handler()({ Records })).toEqual({ batchItemFailures: [] });
    expect(handled).toEqual(expect.arrayContaining([[1, 3], [2]]));
  });

  it.each<[what: string, body: unknown]>([
    ['no JSON', '{'],
    ['an empty body', ''],
    ['null', 'null'],
    ['a missing field', { about: 'a' }],
    ['a wrong type', { about: 'a', value: '1' }],
    ['fields in the prototype', '{"__proto__":{"about":"a","value":1}}'],
  ])('returns a message with %s as failed, and handles the others', async (_what, body) => {
    const Records = [record('bad', body), record('good', { about: 'a', value: 1 })];

    expect(await handler()({ Records })).toEqual({ batchItemFailures: [{ itemIdentifier: 'bad' }] });
    expect(handled).toEqual([[1]]);
  });

  it('returns all messages about the failed thing, and only those', async () => {
    const Records = [
      record('1', { about: 'broken', value: 1 }),
      record('2', { about: 'a', value: 2 }),
      record('3', { about: 'broken', value: 3 }),
    ];

    const { batchItemFailures } = await handler()({ Records });

    expect(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier).sort()).toEqual(['1', '3']);
    expect(handled).toEqual([[2]]);
  });

  it('publishes the number of failed messages, unread or unhandled, and nothing without failures', async () => {
    await handler()({ Records: [record('1', { about: 'a', value: 1 })] });
    expect(failedItems()).toEqual([]);

    await handler()({ Records: [record('1', 'null'), record('2', { about: 'broken', value: 2 })] });
    expect(failedItems()).toEqual([2]);
  });

  it('stops before the timeout, and returns only unfinished messages', async () => {
    let left = 60_000;
    const context = { getRemainingTimeInMillis: () => left };
    const done: string[] = [];
    const handle = sqsBatch({
      message: Message,
      about: ({ about }) => about,
      parallel: 1,
      wire: () => ({ telemetry: neverEnding(() => void (left -= 1_000)), sleep: async () => {} }),
      async onMessages(deps, [{ about }], isTimeUp) {
        const { telemetry } = stoppedInTime(deps, isTimeUp);
        const hours = telemetry.hoursOf('d')[Symbol.asyncIterator]();
        while (about === 'long') await hours.next();
        done.push(about);
      },
    });
    const Records = ['first', 'long', 'last'].map((about, index) => record(`${index}`, { about, value: 1 }));

    const { batchItemFailures } = await handle({ Records }, context);

    expect(done).toEqual(['first']);
    expect(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)).toEqual(['1', '2']);
    expect(left).toBeGreaterThan(15_000);
  });

  it('stops waiting at the time limit', async () => {
    const { sleep } = stoppedInTime({ telemetry: neverEnding(), sleep: async (_ms: number) => {} }, () => true);

    await expect(sleep(1)).rejects.toThrow('cut off');
  });

  it('is wired once, and not for a batch that it cannot read', async () => {
    const handle = handler();
    await handle({ Records: [record('1', 'null')] });
    expect(wired).toBe(0);

    for (const value of [1, 2]) await handle({ Records: [record('1', { about: 'a', value })] });
    expect(wired).toBe(1);
  });
});

describe('a batch of stream records', () => {
  const announced: unknown[] = [];
  const lateness: string[] = [];
  beforeEach(() => {
    announced.length = 0;
    lateness.length = 0;
  });
  const handler = streamBatch({
    lateness: () => ({
      read: async (oldest) => void lateness.push(`oldest of ${new Date(oldest).toISOString()}`),
      failed: async () => void lateness.push('failed'),
    }),
    wire: () => undefined,
    read: (raw) =>
      readStreamRecord(raw, ({ keys, after }) => {
        if (keys.pk?.S === 'unreadable') throw new Error('unreadable');
        return keys.pk?.S === 'of no matter' ? undefined : { pk: keys.pk?.S, bytes: after?.bytes?.B };
      }),
    async onChanges(_deps, changes) {
      if (changes.some(({ change }) => change.pk === 'broken')) throw new Error('broken');
      announced.push(...changes);
    },
  });
  const record = (SequenceNumber: string, pk: string, NewImage?: object) => ({
    eventName: 'INSERT',
    eventSourceARN: 'arn:aws:dynamodb:us-east-1:000000000000:table/facts/stream/now',
    dynamodb: { SequenceNumber, ApproximateCreationDateTime: 1_787_313_600, Keys: { pk: { S: pk } }, NewImage },
  });

  it('decodes bytes from base64, as a Lambda gets them, and the time of the commit', async () => {
    const image = { bytes: { B: Buffer.from([1, 2, 255]).toString('base64') } };

    await handler({ Records: [record('1', 'a', image)] });

    expect(announced).toEqual([
      { change: { pk: 'a', bytes: new Uint8Array([1, 2, 255]) }, committedAt: '2026-08-21T12:00:00.000Z' },
    ]);
  });

  it('reads every type of attribute', async () => {
    const NewImage = {
      bytes: { B: '' },
      any: {
        L: [{ NULL: true }, { BOOL: false }, { N: '1' }, { M: { x: { SS: ['s'] } } }, { NS: ['1'] }, { BS: ['AA=='] }],
      },
    };

    expect(await handler({ Records: [record('1', 'a', NewImage)] })).toEqual({ batchItemFailures: [] });
  });

  it('reports the first unreadable record, and announces all others', async () => {
    const Records = [record('1', 'a'), record('2', 'unreadable'), record('3', 'b'), record('4', 'unreadable')];

    expect(await handler({ Records })).toEqual({ batchItemFailures: [{ itemIdentifier: '2' }] });
    expect(announced).toMatchObject([{ change: { pk: 'a' } }, { change: { pk: 'b' } }]);
    expect(failedItems()).toEqual([2]); // the metric that an alarm watches, in the same form as for failed messages
  });

  it('reports a record without a sequence number by its position', async () => {
    const Records = [{ dynamodb: { SequenceNumber: '7', Keys: 'none' } }, record('8', 'b')];

    expect(await handler({ Records })).toEqual({ batchItemFailures: [{ itemIdentifier: '7' }] });
    expect(announced).toHaveLength(1);
  });

  it('leaves out records that affect nobody', async () => {
    await handler({ Records: [record('1', 'of no matter')] });

    expect(announced).toEqual([]);
  });

  it('fails as a whole if an announcement fails, and the mapping delivers it again', async () => {
    await expect(handler({ Records: [record('1', 'broken')] })).rejects.toThrow('broken');
  });

  it.each([
    ['all is well', ['a'], []],
    ['announcing fails', ['broken'], ['failed']],
    ['a record cannot be read', ['a', 'unreadable'], ['failed']],
  ])('reports the age of its oldest record, and whether it failed: %s', async (_what, pks, told) => {
    const Records = pks.map((pk, index) => {
      const made = record(`${index}`, pk);
      return { ...made, dynamodb: { ...made.dynamodb, ApproximateCreationDateTime: 1_787_313_600 - index } };
    });
    await handler({ Records }).catch(() => undefined);

    const oldest = new Date((1_787_313_600 - pks.length + 1) * 1_000).toISOString();
    expect(lateness).toEqual([`oldest of ${oldest}`, ...told]);
  });
});

describe('once', () => {
  it('keeps a created value, and nothing after a failure', () => {
    let calls = 0;
    const make = once(() => {
      calls += 1;
      if (calls === 1) throw new Error('not yet');
      return calls;
    });

    expect(make).toThrow('not yet');
    expect([make(), make()]).toEqual([2, 2]);
  });
});

/** A function with one route, `GET /any`, that anyone may call. */
const aFunction = (handle: (headers: RouteContext['headers']) => Promise<Reply>) =>
  httpFunction({
    wire: () => ({ authenticate: async () => undefined }),
    routes: [
      route({
        method: 'GET',
        path: '/any',
        summary: 'Any',
        access: 'anyone',
        request: z.object({}),
        answers: {},
        handle: (_sent, _deps, { headers }) => handle(headers),
      }),
    ],
  });

describe('a request that loses to other requests', () => {
  const answerTo = (error: Error) =>
    aFunction(() => Promise.reject(error))(anHttpRequest({ method: 'GET', path: '/any' }));

  it('is told to retry, and when; any other fault is an internal error', async () => {
    const { statusCode, headers, body } = await answerTo(new Busy('other requests came first 9 times'));

    expect(statusCode).toBe(503);
    expect(headers['retry-after']).toBe('1');
    expect(JSON.parse(body)).toEqual({
      error: 'other requests came first 9 times: send the same request again',
      code: 'busy',
    });
    expect((await answerTo(new Error('secret'))).statusCode).toBe(500);
  });
});

describe('a function behind CloudFront', () => {
  afterEach(() => vi.unstubAllEnvs());
  const SECRET = 's'.repeat(43);
  const behind = (secret: string | undefined) => {
    vi.stubEnv('ORIGIN_SECRET', secret);
    vi.stubEnv('PUBLIC_HOST', secret && 'd1.cloudfront.net');
    return aFunction(async ({ host }) => ({ status: 200, body: { host } }));
  };

  it.each([
    ['with the secret', SECRET, { 'x-laurel-origin': SECRET }, 200, { host: 'd1.cloudfront.net' }],
    ['without it', SECRET, {}, 403, { code: 'wrong_address' }],
    ['with another', SECRET, { 'x-laurel-origin': SECRET.replace(/s$/u, 't') }, 403, { code: 'wrong_address' }],
    ['with none of its length', SECRET, { 'x-laurel-origin': 's' }, 403, { code: 'wrong_address' }],
    ['if there is no CloudFront', undefined, {}, 200, { host: 'a1.execute-api' }],
  ])('answers a request %s', async (_which, secret, headers, status, body) => {
    const answer = await behind(secret)(
      anHttpRequest({ method: 'GET', path: '/any', headers: { host: 'a1.execute-api', ...headers } }),
    );

    expect([answer.statusCode, JSON.parse(answer.body)]).toEqual([status, expect.objectContaining(body)]);
    if (status === 403) expect(answer.headers).toMatchObject({ 'cache-control': 'no-store' });
  });

  it('does not look a path up for a request around it', async () => {
    vi.stubEnv('ORIGIN_SECRET', SECRET);
    vi.stubEnv('FUNCTION_NAME_PREFIX', 'laurel-prod-');
    const { handler } = await import('../../functions/forward-request/handler.ts');
    const status = async (headers: Record<string, string>) =>
      (await handler(anHttpRequest({ method: 'GET', path: '/nothing', headers }))).statusCode;

    expect([await status({}), await status({ 'x-laurel-origin': SECRET })]).toEqual([403, 404]);
  });
});
