import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { IngestReport } from '../../domain/telemetry/ingest-telemetry.ts';
import { aGzippedRequest, anHttpRequest, type RequestDraft } from '../builders/http-request.ts';
import { aUsername } from '../builders/identity.ts';
import { aRawEvent, withoutFields, type RawEvent } from '../builders/telemetry.ts';
import { startFunctionEngine, type Answer } from './function-under-test.ts';

const NOW = Date.parse('2026-08-21T12:00:00.000Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MIB = 1024 * 1024;
const at = (fromNow: number) => new Date(NOW + fromNow).toISOString();

let world: Awaited<ReturnType<typeof startFunctionEngine>>;
let handler: (event: unknown) => Promise<Answer>;
let keys: Record<'ada' | 'noScope' | 'service' | 'guild', string>;

beforeAll(async () => {
  world = await startFunctionEngine();
  ({ handler } = await import('../../functions/ingest-telemetry/handler.ts'));
  vi.useFakeTimers({ toFake: ['Date'], now: NOW });
  const ada = aUsername('ada');
  keys = {
    ada: (await world.aKey({ kind: 'personal', username: ada })).key,
    noScope: (await world.aKey({ kind: 'personal', username: ada, scopes: ['extensions:push'] })).key,
    service: (await world.aKey({ kind: 'service' })).key,
    guild: (await world.aKey({ kind: 'collective', slug: aUsername('guild'), members: [ada] })).key,
  };
});
afterAll(async () => {
  vi.useRealTimers();
  await world.stop();
});

/** Every test uses its own devices, so that one engine serves all tests. */
let device = '';
let devices = 0;
beforeEach(() => {
  devices += 1;
  device = `device-${devices}`;
});
const anEvent = (change: Partial<RawEvent> = {}): RawEvent => aRawEvent({ distinct_id: device, ...change });

async function send(event: object) {
  const { statusCode: status, headers, body } = await handler(event);
  return { status, headers, body: JSON.parse(body) as IngestReport & { error?: string; code?: string } };
}
const post = (body: unknown, draft: RequestDraft = {}) => send(anHttpRequest({ ...draft, body }));

const stored = async () => world.itemsOf(world.tables.telemetry);
const deviceItems = async () => (await stored()).filter(({ pk }) => pk === `DEVICE#${device}`);
const storedEvents = async () =>
  (await deviceItems()).reduce((sum, { events }) => sum + (events === undefined ? 0 : events.length / 10), 0);

/** Sends a request that must be refused, and checks that it stored nothing. */
async function refused(request: object) {
  const before = await stored();
  const answer = await send(request);
  expect(await stored()).toEqual(before);
  return answer;
}

describe('a refused request stores nothing', () => {
  const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
  const bomb = gzipSync(Buffer.alloc(17 * MIB, ' '));
  const padded = (bytes: number) => {
    const text = JSON.stringify(anEvent());
    return `${text}${' '.repeat(bytes - text.length)}`;
  };

  it.each<[what: string, request: () => object, status: number, code: string]>([
    ['no body', () => anHttpRequest(), 400, 'invalid_json'],
    ['invalid JSON', () => anHttpRequest({ body: '{"event":' }), 400, 'invalid_json'],
    ['JSON that is not an object', () => anHttpRequest({ body: '"event"' }), 400, 'invalid_body'],
    ['null', () => anHttpRequest({ body: 'null' }), 400, 'invalid_body'],
    ['a bare array', () => anHttpRequest({ body: [anEvent()] }), 400, 'invalid_body'],
    ['an empty object', () => anHttpRequest({ body: {} }), 400, 'invalid_body'],
    ['empty events', () => anHttpRequest({ body: { events: [] } }), 400, 'invalid_body'],
    ['events that are not an array', () => anHttpRequest({ body: { events: { 0: anEvent() } } }), 400, 'invalid_body'],
    [
      'an event in the prototype',
      () => anHttpRequest({ body: `{"__proto__":${JSON.stringify(anEvent())}}` }),
      400,
      'invalid_body',
    ],
    [
      'events in the prototype',
      () => anHttpRequest({ body: `{"__proto__":{"events":[${JSON.stringify(anEvent())}]}}` }),
      400,
      'invalid_body',
    ],
    ['4 MB and a byte', () => anHttpRequest({ body: padded(4 * MIB + 1) }), 413, 'too_large'],
    ['a gzip bomb', () => anHttpRequest({ body: bomb, contentEncoding: 'gzip' }), 413, 'too_large'],
    [
      '2,001 events',
      () =>
        anHttpRequest({ body: { events: Array.from({ length: 2_001 }, (_, n) => anEvent({ insert_id: `e${n}` })) } }),
      413,
      'too_large',
    ],
    [
      'other bytes with content-encoding gzip',
      () => anHttpRequest({ body: JSON.stringify(anEvent()), contentEncoding: 'gzip' }),
      400,
      'invalid_json',
    ],
    ['half a gzip', () => anHttpRequest({ body: bomb.subarray(0, 100), contentEncoding: 'gzip' }), 400, 'invalid_json'],
    [
      'an unknown encoding',
      () => anHttpRequest({ body: anEvent(), contentEncoding: 'br' }),
      415,
      'unsupported_encoding',
    ],
    ['an unknown key', () => anHttpRequest({ body: anEvent(), key: `lrl_${'x'.repeat(43)}` }), 401, 'unknown_key'],
    ['an empty key', () => anHttpRequest({ body: anEvent(), key: '' }), 401, 'unknown_key'],
    [
      'a key without telemetry:write',
      () => anHttpRequest({ body: anEvent(), key: keys.noScope }),
      403,
      'missing_scope',
    ],
    ['an unknown path', () => anHttpRequest({ body: anEvent(), path: '/ingest/more' }), 404, 'not_found'],
    ['a wrong method', () => anHttpRequest({ body: anEvent(), method: 'PUT' }), 405, 'method_not_allowed'],
  ])('%s', async (_what, request, status, code) => {
    const answer = await refused(request());

    expect(answer).toMatchObject({ status, body: { code, error: expect.any(String) } });
  });

  it.each([
    ['as UTF-8', 'utf8'],
    ['byte by byte', 'latin1'],
  ] as const)('explains how to send gzip that the gateway treated as text, %s', async (_how, encoding) => {
    const body = gzipSync(JSON.stringify(anEvent())).toString(encoding);

    expect(await refused(anHttpRequest({ body, contentEncoding: 'gzip' }))).toMatchObject({
      status: 415,
      body: { code: 'unsupported_encoding', error: expect.stringContaining('application/octet-stream') },
    });
  });

  it('names the allowed methods of a path', async () => {
    const { headers } = await refused(anHttpRequest({ method: 'GET' }));

    expect(headers.allow).toBe('POST, OPTIONS');
  });

  it.each<[what: string, event: () => unknown, code: string]>([
    ['a number', () => 7, 'invalid_event'],
    ['null', () => null, 'invalid_event'],
    ['an array', () => [anEvent()], 'invalid_event'],
    ['no name', () => withoutFields(anEvent(), 'event'), 'invalid_event'],
    ['a name in upper case', () => anEvent({ event: 'Cli_Invocation' }), 'invalid_event'],
    ['a name of 65 characters', () => anEvent({ event: 'a'.repeat(65) }), 'invalid_event'],
    ['__proto__ as its name', () => anEvent({ event: '__proto__' }), 'invalid_event'],
    ['no device', () => withoutFields(anEvent(), 'distinct_id'), 'invalid_event'],
    ['an empty device', () => anEvent({ distinct_id: '' }), 'invalid_event'],
    ['a device that is a number', () => ({ ...anEvent(), distinct_id: 1 }), 'invalid_event'],
    ['a device of 129 characters', () => anEvent({ distinct_id: 'd'.repeat(129) }), 'invalid_event'],
    ['a device with a control character', () => anEvent({ distinct_id: 'd\u0000' }), 'invalid_event'],
    ['half a surrogate pair as its id', () => anEvent({ insert_id: '\ud800' }), 'invalid_event'],
    ['properties that are text', () => ({ ...anEvent(), properties: 'model' }), 'invalid_event'],
    ['properties that are an array', () => ({ ...anEvent(), properties: [] }), 'invalid_event'],
    ['an invalid time', () => anEvent({ timestamp: 'yesterday' }), 'invalid_event'],
    ['a time in epoch milliseconds', () => ({ ...anEvent(), timestamp: NOW }), 'invalid_event'],
    ['a day that does not exist in its month', () => anEvent({ timestamp: '2026-08-32T00:00:00Z' }), 'invalid_event'],
    ['a body nested 65 deep', () => ({ ...anEvent(), properties: JSON.parse(nested(64)) }), 'invalid_event'],
    ['33 KB', () => anEvent({ properties: { note: 'x'.repeat(33 * 1024) } }), 'event_too_large'],
    ['a time 25 h ahead', () => anEvent({ timestamp: at(25 * HOUR) }), 'timestamp_in_future'],
    ['a time a millisecond more than 24 h ahead', () => anEvent({ timestamp: at(DAY + 1) }), 'timestamp_in_future'],
    ['a time 36 days ago', () => anEvent({ timestamp: at(-36 * DAY) }), 'timestamp_too_old'],
    [
      'a time a millisecond more than 35 days ago',
      () => anEvent({ timestamp: at(-35 * DAY - 1) }),
      'timestamp_too_old',
    ],
    ['no time at all', () => withoutFields(anEvent(), 'timestamp'), 'timestamp_missing'],
    [
      'its time in the prototype of its properties',
      () =>
        JSON.parse(
          JSON.stringify(withoutFields(anEvent(), 'timestamp')).replace(
            '}',
            `,"properties":{"__proto__":{"startedAt":"${at(0)}"}}}`,
          ),
        ),
      'timestamp_missing',
    ],
    ['a trusted name without the scope', () => anEvent({ event: 'award' }), 'missing_scope'],
  ])('an event with %s', async (_what, event, code) => {
    const { status, body } = await refused(anHttpRequest({ body: { events: [event()] }, key: keys.ada }));

    expect(status).toBe(400);
    expect(body).toMatchObject({ accepted: 0, duplicates: 0, rejected: 1 });
    expect(body.results).toMatchObject([{ index: 0, status: 'rejected', code, error: expect.any(String) }]);
  });

  it('a body nested a hundred thousand levels deep', async () => {
    const deep = `{"event":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;

    expect(await refused(anHttpRequest({ body: deep }))).toMatchObject({ status: 400, body: { code: 'invalid_json' } });
  });

  it('16 MB that consist of elements only', async () => {
    const flat = `{"events":[${'0,'.repeat(8 * MIB - 50)}0]}`;

    const { status } = await refused(aGzippedRequest({}, flat));

    expect(status).toBe(413);
  });

  it('one event of 16 MB that consists of elements only', async () => {
    const flat = JSON.stringify({ ...anEvent(), properties: { list: [] } }).replace(
      '[]',
      `[${'0,'.repeat(8 * MIB - 500)}0]`,
    );

    const { body } = await refused(aGzippedRequest({}, flat));

    expect(body.results).toMatchObject([{ code: 'event_too_large' }]);
  });
});

describe('an accepted request', () => {
  it.each<[what: string, request: () => object]>([
    ['one event', () => anHttpRequest({ body: anEvent() })],
    ['a batch', () => anHttpRequest({ body: { events: [anEvent()] } })],
    ['gzip', () => aGzippedRequest({}, JSON.stringify(anEvent()))],
    ['base64', () => anHttpRequest({ body: Buffer.from(JSON.stringify(anEvent())) })],
    ['an endpoint with a slash at its end', () => anHttpRequest({ body: anEvent(), path: '//ingest' })],
    ['a time exactly 24 h ahead', () => anHttpRequest({ body: anEvent({ timestamp: at(DAY) }) })],
    ['a time exactly 35 days ago', () => anHttpRequest({ body: anEvent({ timestamp: at(-35 * DAY) }) })],
    [
      'its time in properties.startedAt',
      () => anHttpRequest({ body: { ...withoutFields(anEvent(), 'timestamp'), properties: { startedAt: at(0) } } }),
    ],
    ['a time in another time zone', () => anHttpRequest({ body: anEvent({ timestamp: '2026-08-21T13:30:00+02:00' }) })],
    [
      'an id of 128 characters with two code units each',
      () => anHttpRequest({ body: anEvent({ insert_id: '🌿'.repeat(128) }) }),
    ],
    [
      '__proto__ among the properties',
      () => anHttpRequest({ body: JSON.stringify(anEvent({ properties: {} })).replace('{}', '{"__proto__":{"a":1}}') }),
    ],
    ['4 MB exactly', () => anHttpRequest({ body: JSON.stringify(anEvent()).padEnd(4 * MIB) })],
    ['a service key', () => anHttpRequest({ body: anEvent(), key: keys.service })],
    ['a collective key', () => anHttpRequest({ body: anEvent(), key: keys.guild })],
    ['a personal key', () => anHttpRequest({ body: anEvent(), key: keys.ada })],
  ])('is answered 202 and stored: %s', async (_what, request) => {
    const { status, body } = await send(request());

    expect({ status, ...body }).toMatchObject({ status: 202, accepted: 1, rejected: 0 });
    expect(await storedEvents()).toBe(1);
  });

  it('counts an event of 32 KB, and refuses one that is a byte larger', async () => {
    const size = (event: RawEvent) => Buffer.byteLength(JSON.stringify(event));
    const room = 32 * 1024 - size(anEvent({ properties: { note: '' } }));

    const { body } = await post({
      events: [room, room + 1].map((length) =>
        anEvent({ insert_id: 'event-1', properties: { note: 'x'.repeat(length) } }),
      ),
    });

    expect(body.results).toMatchObject([{ status: 'accepted' }, { status: 'rejected', code: 'event_too_large' }]);
  });

  it('stores the valid events if one of 25 is invalid, and answers in the order sent', async () => {
    const events: unknown[] = Array.from({ length: 25 }, (_, n) => anEvent({ insert_id: `e${n}` }));
    events[12] = { ...anEvent({ insert_id: 'bad' }), event: 'NO' };

    const { status, body } = await post({ events });

    expect({ status, ...body }).toMatchObject({ status: 202, accepted: 24, duplicates: 0, rejected: 1 });
    expect(body.results.map(({ index }) => index)).toEqual(events.map((_, n) => n));
    expect(body.results[12]).toMatchObject({ insert_id: 'bad', status: 'rejected', code: 'invalid_event' });
    expect(await storedEvents()).toBe(24);
  });

  it('accepts 2,000 events at once', async () => {
    const events = Array.from({ length: 2_000 }, (_, n) => anEvent({ insert_id: `e${n}` }));

    const { status, body } = await post({ events });

    expect({ status, accepted: body.accepted }).toEqual({ status: 202, accepted: 2_000 });
    expect(await storedEvents()).toBe(2_000);
  });

  it('reports a duplicate of an event that this device sent before, also within one request', async () => {
    const first = await post({ events: [anEvent(), anEvent()] });
    const again = await post({ events: [anEvent(), anEvent({ insert_id: 'event-2' })] });

    expect(first.body.results.map(({ status }) => status)).toEqual(['accepted', 'duplicate']);
    expect(again.body.results.map(({ status }) => status)).toEqual(['duplicate', 'accepted']);
    expect(again.status).toBe(202);
  });

  it('answers 202 if all events are duplicates', async () => {
    await post(anEvent());

    expect((await post(anEvent())).status).toBe(202);
  });

  it('derives an id from the content, whatever the order of its keys', async () => {
    const event = withoutFields(anEvent({ properties: { a: 1, b: { c: 2, d: 3 } } }), 'insert_id');
    const reordered = { properties: { b: { d: 3, c: 2 }, a: 1 }, ...withoutFields(event as RawEvent, 'properties') };

    const [first, again, other] = [
      await post(event),
      await post(reordered),
      await post({ ...event, properties: { a: 2 } }),
    ].map(({ body }) => body.results[0]!);

    expect(first).toMatchObject({ status: 'accepted', insert_id: expect.any(String) });
    expect(again).toEqual({ ...first, status: 'duplicate' });
    expect(other!.status).toBe('accepted');
  });

  it('binds the device for a personal key, and for no other kind', async () => {
    await post(anEvent());
    await post(anEvent({ insert_id: 'event-2' }), { key: keys.guild });
    const unbound = (await deviceItems()).find(({ sk }) => sk === 'DEVICE');
    await post(anEvent({ insert_id: 'event-3' }), { key: keys.ada });
    const bound = (await deviceItems()).find(({ sk }) => sk === 'DEVICE');

    expect(unbound).not.toHaveProperty('owner');
    expect(bound).toMatchObject({ owner: 'ada', createdAt: unbound!.createdAt });
  });

  it('lets nobody name a username without the scope', async () => {
    await post(anEvent({ properties: { username: 'eve' } }), { key: keys.ada });

    expect((await stored()).filter(({ pk }) => pk === 'USER#eve')).toEqual([]);
  });

  it('stores only names from a client: no properties, no ids', async () => {
    await post(anEvent({ insert_id: 'secret-id', properties: { note: 'secret-note' } }));

    expect(JSON.stringify(await deviceItems())).not.toContain('secret');
  });
});

describe('an internal error', () => {
  it('is answered with the request id and no details', async () => {
    vi.stubEnv('TELEMETRY_TABLE', 'no-such-table');
    vi.resetModules();
    const broken = (await import('../../functions/ingest-telemetry/handler.ts')).handler;

    const { statusCode, body } = await broken(anHttpRequest({ body: anEvent() }));

    expect(statusCode).toBe(500);
    expect(JSON.parse(body)).toEqual({ code: 'internal', error: expect.stringContaining('request-1') });
    expect(body).not.toMatch(/no-such-table|ResourceNotFound| at /);
  });
});

describe('a request that names many devices', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, n) => aRawEvent({ distinct_id: `${device}-of-many-${n}`, insert_id: `${n}` }));
  const written = async () => (await stored()).filter(({ pk, sk }) => `${pk} ${sk}`.includes(`${device}-of-many`));

  // Each device costs its own item, the link of its sender, and an item per hour: this is the maximum of one request.
  it.each<[string, () => string | undefined, number, number]>([
    ['without a key', () => undefined, 10, 2],
    ['with a personal key', () => keys.ada, 25, 3],
    ["with a collective's key", () => keys.guild, 25, 2],
    ['with a service key', () => keys.service, 500, 2],
  ])('%s is stored up to its budget, and the rest is refused', async (_who, key, devices, itemsOfEach) => {
    const { status, body } = await post({ events: many(510) }, { key: key() });

    expect(status).toBe(202);
    expect([body.accepted, body.rejected]).toEqual([devices, 510 - devices]);
    expect(new Set(body.results.slice(devices).map(({ code }) => code))).toEqual(new Set(['too_many_devices']));
    expect(await written()).toHaveLength(devices * itemsOfEach);
  });

  it('is also stored up to its budget of hours', async () => {
    const events = Array.from({ length: 101 }, (_, n) => anEvent({ insert_id: `${n}`, timestamp: at(-n * HOUR) }));
    const { body } = await post({ events });

    expect([body.accepted, body.results.at(-1)?.code]).toEqual([100, 'too_many_hours']);
  });

  it('that was completely over budget can be sent again unchanged, and is stored', async () => {
    const events = many(12);
    await post({ events });

    expect((await post({ events: events.slice(10) })).body.accepted).toBe(2);
  });
});
