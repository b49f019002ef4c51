import { beforeAll, describe, expect, it, vi } from 'vitest';
import { aName, NOON, VERSION, world } from './publishing-under-test.ts';

let importHistory: Parameters<typeof world.call>[0];
beforeAll(async () => {
  importHistory = (await import('../../functions/import-history/handler.ts')).handler;
});

const LAST_YEAR = '2025-08-21T11:30:00.000Z';
const send = (events: readonly unknown[], more: object = {}) =>
  world.call(importHistory, 'POST', '/v1/import', { key: world.keys.admin, body: { events, ...more } });
const ingest = (key: string, ...events: readonly unknown[]) =>
  world.call(world.ingest, 'POST', '/ingest', { key, body: { events } });
const outcomes = ({ body }: { body: any }) => body.results.map(({ status, code }: any) => code ?? status);

let ids = 0;
const anId = () => `old-${(ids += 1)}`;
const invocation = (distinct_id: string, timestamp = LAST_YEAR, properties: object = { username: 'ada' }) => ({
  event: 'cli_invocation',
  distinct_id,
  insert_id: `${distinct_id} ${timestamp}`,
  timestamp,
  properties,
});
const trusted = (event: string, properties: object, timestamp = LAST_YEAR) => ({
  event,
  distinct_id: 'import',
  timestamp,
  properties,
});
const version = (extension_name: string, publisher: object = { username: 'ada' }, more: object = {}) =>
  trusted('extension_published', { extension_name, version: VERSION, ...publisher, ...more });

describe('POST /v1/import', () => {
  it('stores facts of every kind with their own past times, and each of them once', async () => {
    const [device, name, id] = [anId(), aName(), anId()];
    const events = [
      trusted('extension_pulled', { extension_name: name, version: VERSION, username: 'bob' }),
      invocation(device),
      version(name),
      trusted('issue_created', { issue_id: id, username: 'ada' }),
      trusted('daily_sign_in', { username: 'ada' }),
      trusted('feed_post_created', { post_id: id, username: 'ada' }),
      trusted('award', { award_id: id, username: 'ada', points: 50, reason: 'Helped' }),
      trusted('badge_granted', { badge_id: id, username: 'ada', points: 5 }),
    ];

    expect(outcomes(await send(events))).toEqual(events.map(() => 'accepted'));
    expect(outcomes(await send(events.toReversed()))).toEqual(events.map(() => 'duplicate'));
    const telemetry = await world.telemetry();
    expect(telemetry).toContainEqual(
      expect.objectContaining({ pk: `DEVICE#${device}`, owner: 'ada', createdAt: '2025-08-21T11:00:00.000Z' }),
    );
    expect(telemetry).toContainEqual(
      expect.objectContaining({ pk: `DEVICE#${device}`, sk: 'HOUR#2025-08-21T11#0000', senders: ['ada'] }),
    );
    expect(telemetry).toContainEqual(expect.objectContaining({ pk: 'USER#ada', sk: 'SIGNIN#2025-08-21' }));
    expect(await world.grantOf(name, VERSION, 'ada')).toMatchObject({ grantedAt: LAST_YEAR });
    expect(await world.registry()).toContainEqual(
      expect.objectContaining({ pk: `EXTENSION#${name}`, publishedAt: LAST_YEAR, isImported: true }),
    );
  });

  it('makes the same facts as clients and servers do', async () => {
    const [device, name] = [anId(), aName()];
    const recent = '2026-08-20T11:30:00.000Z';
    const award = trusted('award', { award_id: device, username: 'ada', points: 50, reason: 'Helped' }, recent);
    const own = invocation(device, recent, {});
    await world.confirm({ name, version: VERSION, contentHash: 'abc' }, world.keys.ada);
    await ingest(world.keys.ada, own);
    await ingest(world.keys.service, award);

    const imported = [
      invocation(device, recent),
      award,
      version(name),
      version(name, {}, { username: 'ada', content_hash: 'abc' }),
    ];
    expect(outcomes(await send(imported))).toEqual(imported.map(() => 'duplicate'));
    expect(outcomes(await send([version(name, {}, { username: 'ada', content_hash: 'x' })]))).toEqual([
      'version_conflict',
    ]);
  });

  it('is a duplicate for the client that reports later', async () => {
    const [device, name] = [anId(), aName()];
    const recent = '2026-08-20T11:30:00.000Z';
    await send([invocation(device, recent), version(name)]);

    expect(outcomes(await ingest(world.keys.ada, invocation(device, recent, {})))).toEqual(['duplicate']);
    expect(await world.confirm({ name, version: VERSION, contentHash: 'abc' }, world.keys.ada)).toMatchObject({
      status: 200,
    });
    expect(await world.confirm({ name, version: VERSION }, world.keys.bob)).toMatchObject({ status: 409 });
  });

  it('binds a device to the first account that it names, and links the others', async () => {
    const device = anId();
    const of = (username: string, minute: string) =>
      invocation(device, `2025-08-21T11:${minute}:00.000Z`, { username });

    expect(outcomes(await send([of('bob', '10'), of('ada', '20'), of('bob', '30')]))).toEqual(
      Array(3).fill('accepted'),
    );
    const telemetry = await world.telemetry();
    expect(telemetry).toContainEqual(expect.objectContaining({ pk: `DEVICE#${device}`, sk: 'DEVICE', owner: 'bob' }));
    expect(telemetry).toContainEqual(expect.objectContaining({ pk: 'USER#ada', sk: `DEVICE#${device}`, owned: false }));
    expect(telemetry).toContainEqual(
      expect.objectContaining({ sk: 'HOUR#2025-08-21T11#0000', pk: `DEVICE#${device}`, senders: ['bob', 'ada'] }),
    );
  });

  it('credits a version of a collective to the members of its time', async () => {
    const slug = anId();
    const members = (...names: string[]) =>
      world.call(world.publish, 'PUT', `/v1/collectives/${slug}`, { key: world.keys.admin, body: { members: names } });
    const credited = async (day: string) => {
      const name = aName();
      const report = await send([{ ...version(name, { collective: slug }), timestamp: `${day}T12:00:00.000Z` }]);
      const users = ['ada', 'bob', 'cy'];
      const grants = await Promise.all(users.map((user) => world.grantOf(name, VERSION, user)));
      return [...outcomes(report), ...users.filter((_, index) => grants[index] !== undefined)];
    };

    expect(await credited('2025-08-21')).toEqual(['unknown_collective']);
    await members('ada', 'bob');
    vi.setSystemTime(NOON + 86_400_000);
    await members('bob', 'cy');
    vi.setSystemTime(NOON + 2 * 86_400_000);
    expect(await credited('2025-08-21')).toEqual(['accepted', 'ada', 'bob']);
    expect(await credited('2026-08-21')).toEqual(['accepted', 'ada', 'bob']);
    expect(await credited('2026-08-22')).toEqual(['accepted', 'bob', 'cy']);
  });

  it.each<[what: string, event: object, code: string, error: RegExp]>([
    ['no time', { ...invocation('d'), timestamp: null }, 'timestamp_missing', /^timestamp: missing/],
    [
      'no time of a reported fact',
      { ...trusted('daily_sign_in', { username: 'ada' }), timestamp: null },
      'timestamp_missing',
      /^timestamp: missing/,
    ],
    [
      'a time without a zone',
      invocation('d', '2025-08-21T11:30:00'),
      'invalid_event',
      /^timestamp: expected an ISO 8601 time with Z or an offset/,
    ],
    [
      'a time before 2000',
      invocation('d', '1999-12-31T23:59:59Z'),
      'timestamp_too_old',
      /^timestamp: before the year 2000/,
    ],
    [
      'a time in the future',
      invocation('d', '2026-08-23T12:00:01Z'),
      'timestamp_in_future',
      /^timestamp: more than 24 hours/,
    ],
    [
      'two publishers',
      version('two', { username: 'ada', collective: 'guild' }),
      'invalid_event',
      /^properties.username: expected a username or a collective/,
    ],
    [
      'no publisher',
      version('two', {}),
      'invalid_event',
      /^properties.username: .*expected a username or a collective/,
    ],
    [
      'a pull of nothing',
      trusted('extension_pulled', { extension_name: 'none', version: VERSION }),
      'unknown_extension',
      /nobody has published/,
    ],
  ])('refuses an event with %s', async (_what, event, code, error) => {
    const report = await send([event]);

    expect(report).toMatchObject({ status: 400, body: { results: [{ code, error: expect.stringMatching(error) }] } });
  });

  it('refuses a version of a name that another account owns', async () => {
    const name = aName();
    await send([version(name)]);

    expect(
      outcomes(
        await send([
          {
            ...version(name, { username: 'bob' }),
            properties: { extension_name: name, version: '2026.08.21.2', username: 'bob' },
          },
        ]),
      ),
    ).toEqual(['not_owner']);
  });

  it('takes at most a hundred versions in a request, and refuses the others by name', async () => {
    const name = aName();
    const versions = Array.from({ length: 101 }, (_, n) => ({
      ...version(name),
      properties: { extension_name: name, version: `2025.08.21.${n}`, username: 'ada' },
    }));

    const found = outcomes(await send(versions));
    expect([found.filter((each: string) => each === 'accepted').length, found.at(-1)]).toEqual([
      100,
      'too_many_versions',
    ]);
  });

  it('stores nothing in a dry run', async () => {
    const before = [await world.telemetry(), await world.registry()];

    const report = await send([invocation(anId()), version(aName()), { event: 'X' }], { dryRun: true });
    expect(outcomes(report)).toEqual(['accepted', 'accepted', 'invalid_event']);
    expect([await world.telemetry(), await world.registry()]).toEqual(before);
    expect(await send([invocation('d')], { dryRun: 'yes' })).toMatchObject({
      status: 422,
      body: { details: [{ field: 'dryRun' }] },
    });
  });
});

it('only an import changes days that are sealed', async () => {
  expect(outcomes(await ingest(world.keys.ada, invocation(anId())))).toEqual(['timestamp_too_old']);
  expect(outcomes(await ingest(world.keys.service, trusted('daily_sign_in', { username: 'ada' })))).toEqual([
    'timestamp_too_old',
  ]);
});
