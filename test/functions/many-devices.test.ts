import { BatchWriteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refreshScore, type Refresh } from '../../domain/scoring/refresh-score.ts';
import { MAX_DEVICES } from '../../domain/telemetry/device-id.ts';
import type { IngestReport } from '../../domain/telemetry/ingest-telemetry.ts';
import { anHttpRequest } from '../builders/http-request.ts';
import { aUsername } from '../builders/identity.ts';
import { aRawEvent, invocationOf } from '../builders/telemetry.ts';
import { startFunctionEngine, type Answer } from './function-under-test.ts';

const ada = aUsername('ada');
const timestamp = new Date().toISOString();
let world: Awaited<ReturnType<typeof startFunctionEngine>>;
let ingest: (event: unknown) => Promise<Answer>;
let key: string;

beforeAll(async () => {
  world = await startFunctionEngine();
  ({ handler: ingest } = await import('../../functions/ingest-telemetry/handler.ts'));
  key = (await world.aKey({ kind: 'personal', username: ada })).key;
});
afterAll(() => world.stop());

type Sent = readonly [device: string, id: string];
const events = (sent: readonly Sent[]) =>
  sent.map(([distinct_id, insert_id]) =>
    aRawEvent({ distinct_id, insert_id, timestamp, properties: invocationOf('model') }),
  );
const send = async (key: string | undefined, ...sent: readonly Sent[]) => {
  const { body } = await ingest(anHttpRequest({ key, body: { events: events(sent) } }));
  return (JSON.parse(body) as IngestReport).results.map(({ status, code }) => code ?? status);
};
const link = (user: string, device: string) => ({ pk: `USER#${user}`, sk: `DEVICE#${device}`, owned: true });
const put = (item: object) =>
  world.client.send(new PutItemCommand({ TableName: world.tables.telemetry, Item: marshall(item) }));

/** A refresh, and how many calls it made. */
async function refresh(asked: Refresh) {
  let calls = 0;
  const client = world.engine.client();
  client.middlewareStack.add(
    (next) => (args) => {
      calls += 1;
      return next(args);
    },
    { step: 'initialize' },
  );
  const { refreshDeps } = await import('../../bench/wiring.ts'); // its logger reads the environment
  const tables = (role: string) => (world.tables as Record<string, string>)[role]!;
  await refreshScore(refreshDeps({ client, tables, clock: () => Date.now() }), asked);
  const stored = await world.itemsOf(world.tables.user_scores);
  return { calls, score: stored.find(({ pk, sk }) => pk === `USER#${asked.username}` && sk === 'SCORE') };
}

it('what an account sends from devices beyond the bound is accepted, stored once, and counts', async () => {
  await put({ pk: 'USER#ada', sk: 'LINKS', devices: MAX_DEVICES - 1 });

  const sent = [
    ['d1', 'a'],
    ['d2', 'b'],
    ['d3', 'c'],
    ['d3', 'b'],
  ] as const satisfies readonly Sent[];
  expect(await send(key, ...sent)).toEqual(['accepted', 'accepted', 'accepted', 'duplicate']);
  expect(await send(key, ...sent)).toEqual(['duplicate', 'duplicate', 'duplicate', 'duplicate']);
  expect(await send(undefined, ['d1', 'anonymous 1'], ['d3', 'anonymous 3'])).toEqual(['accepted', 'accepted']);

  const items = await world.itemsOf(world.tables.telemetry);
  const owners = items.filter(({ sk }) => sk === 'DEVICE').map(({ pk, owner }) => [pk, owner]);
  expect(owners).toEqual([
    ['DEVICE#d1', 'ada'],
    ['DEVICE#d3', undefined],
  ]);
  const { score } = await refresh({ username: ada, days: null });
  // Four of `model` at 10 points: one each of d1, d2 and d3, and the anonymous one of d1, on one active date.
  expect(score).toMatchObject({ canonicalScore: Math.floor(((40 + 50) * 10_100 * 10_178) / 100_000_000) });
});

it('a refresh reads at most 200 devices, also of an account that had more before', async () => {
  const user = aUsername('older');
  const puts = Array.from({ length: 250 }, (_, n) => ({ PutRequest: { Item: marshall(link('older', `o${n}`)) } }));
  for (let from = 0; from < puts.length; from += 25) {
    const RequestItems = { [world.tables.telemetry]: puts.slice(from, from + 25) };
    await world.client.send(new BatchWriteItemCommand({ RequestItems }));
  }

  expect((await refresh({ username: user, days: null })).calls).toBeLessThanOrEqual(200 + 15);
  const days = [0, 3, 7, 12, 20, 30].map((ago) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10));
  expect((await refresh({ username: user, days })).calls).toBeLessThanOrEqual(4 * 200 + 15);
});

it('what older code bound to a placeholder credits its owner no more', async () => {
  const user = aUsername('early');
  for (const device of ['undefined', '[object Object]', '0']) {
    // As older code stored it: an owner, a link, and hours that name the sender.
    expect(await send((await world.aKey({ kind: 'personal', username: user })).key, [device, 'x'])).toEqual([
      'accepted',
    ]);
    await put({ pk: `DEVICE#${device}`, sk: 'DEVICE', owner: 'early', boundAt: timestamp, createdAt: timestamp });
    await put(link('early', device));
  }

  expect((await refresh({ username: user, days: null })).score?.canonicalScore ?? 0).toBe(0);
});

describe('an address of Lambda', () => {
  /** What a function gets from its own address, as the developer guide shows it. The path is as the client sent it. */
  const fromUrl = (body: object, { path = '/ingest', key: sent = key, isZipped = false } = {}) => {
    const [text, urlId] = [JSON.stringify(body), 'abcdefghijklmnopqrstuvwxyz012345'];
    const domainName = `${urlId}.lambda-url.us-east-1.on.aws`;
    return {
      ...{ version: '2.0', routeKey: '$default', rawPath: path, rawQueryString: '', cookies: ['a=b'] },
      headers: {
        ...{
          host: domainName,
          'content-type': 'application/json',
          'x-api-key': sent,
          'x-forwarded-for': '203.0.113.7',
        },
        ...(isZipped ? { 'content-encoding': 'gzip' } : {}),
      },
      requestContext: {
        ...{ accountId: 'anonymous', apiId: urlId, domainName, domainPrefix: urlId, routeKey: '$default' },
        http: { method: 'POST', path, protocol: 'HTTP/1.1', sourceIp: '203.0.113.7', userAgent: 'tool/1.0' },
        ...{ requestId: '3c5d1c3e-8f0f-4b5e-9a86-5d1d3b8e2c11', stage: '$default', timeEpoch: Date.now() },
        time: '29/Nov/2026:12:00:00 +0000',
      },
      body: isZipped ? gzipSync(text).toString('base64') : text,
      isBase64Encoded: isZipped,
    };
  };
  const answer = async (event: object) => {
    const { statusCode, body } = await ingest(event);
    return { status: statusCode, ...(JSON.parse(body) as object) };
  };

  it('takes events as the gateway does, and checks the key itself', async () => {
    const [one, two] = events([
      ['by-url', 'url 1'],
      ['by-url', 'url 2'],
    ]);
    const zipped = fromUrl({ events: [one, two] }, { isZipped: true, path: '//ingest' });

    expect(await answer(fromUrl(one!))).toMatchObject({ status: 202, accepted: 1 });
    expect(await answer(zipped)).toMatchObject({ status: 202, accepted: 1, duplicates: 1 });
    expect(await answer(fromUrl(two!, { key: 'lrl_nobody' }))).toMatchObject({ status: 401, code: 'unknown_key' });
    expect(await answer(fromUrl(two!, { path: '/v1/awards' }))).toMatchObject({ status: 404, code: 'not_found' });
  });
});
