import { describe, expect, it, vi } from 'vitest';
import { aName, NOON, VERSION, world } from './publishing-under-test.ts';

describe('PUT /v1/collectives/{slug}', () => {
  let slugs = 0;
  const aSlug = () => `team-${(slugs += 1)}`;
  const put = (slug: string, body: unknown, key = world.keys.admin) =>
    world.call(world.publish, 'PUT', `/v1/collectives/${slug}`, { key, body });
  const organizations = async (key: string) =>
    (await world.call(world.manageKeys, 'GET', '/api/whoami', { key })).body.organizations.map(({ slug }: any) => slug);

  it('names the accounts that are credited from now on, and keeps the earlier ones', async () => {
    const slug = aSlug();
    const created = { kind: 'collective', slug, members: ['erin', 'finn'] };
    const { body } = await world.call(world.manageKeys, 'POST', '/v1/keys', { key: world.keys.admin, body: created });
    const name = await world.published(body.key);
    vi.setSystemTime(NOON + 60_000);

    expect(await put(slug, { members: ['Finn', 'gwen', 'gwen'] })).toMatchObject({
      status: 200,
      body: { slug, members: ['finn', 'gwen'], since: '2026-08-21T12:01:00.000Z' },
    });
    await world.confirm({ name, version: '2026.08.21.2' }, body.key);
    const credited = (version: string) =>
      Promise.all(
        ['erin', 'finn', 'gwen'].map(async (user) => (await world.grantOf(name, version, user)) !== undefined),
      );
    expect(await credited(VERSION)).toEqual([true, true, false]);
    expect(await credited('2026.08.21.2')).toEqual([false, true, true]);

    const history = (await world.registry()).filter(
      ({ pk, sk }) => pk === `COLLECTIVE#${slug}` && sk.startsWith('MEMBERS#'),
    );
    expect(history.map(({ members }) => members)).toEqual([
      ['erin', 'finn'],
      ['finn', 'gwen'],
    ]);
  });

  it('adds no line to the history for the same members', async () => {
    const slug = aSlug();
    await put(slug, { members: ['bob', 'cy'] });
    vi.setSystemTime(NOON + 60_000);

    expect((await put(slug, { members: ['cy', 'bob'] })).body.since).toBe('2026-08-21T12:00:00.000Z');
    expect(
      (await world.registry()).filter(({ pk, sk }) => pk.endsWith(slug) && sk.startsWith('MEMBERS#')),
    ).toHaveLength(1);
  });

  it('shows its members in whoami, but not those who left', async () => {
    const slug = aSlug();
    await put(slug, { members: ['bob'] });
    expect(await organizations(world.keys.bob)).toContain(slug);

    await put(slug, { members: ['cy'] });
    expect(await organizations(world.keys.bob)).not.toContain(slug);
  });

  it('are returned to the collective’s own key: the members of the key until others are set', async () => {
    const slug = aSlug();
    const created = { kind: 'collective', slug, members: ['erin', 'Finn'] };
    const { body } = await world.call(world.manageKeys, 'POST', '/v1/keys', { key: world.keys.admin, body: created });
    const whoami = async (key: string) => (await world.call(world.manageKeys, 'GET', '/api/whoami', { key })).body;

    expect((await whoami(body.key)).collective).toEqual({ slug, members: ['erin', 'finn'] });
    await put(slug, { members: ['gwen'] });
    expect(await whoami(body.key)).toMatchObject({ username: slug, collective: { slug, members: ['gwen'] } });
    expect((await whoami(world.keys.guild)).collective).toEqual({ slug: 'guild', members: ['ada', 'cy'] });
    expect(await whoami(world.keys.bob)).not.toHaveProperty('collective');
  });

  it.each<[what: string, members: unknown]>([
    ['none', []],
    ['thirty-one', Array.from({ length: 31 }, (_, n) => `m-${n}`)],
    ['a slug that is not one', ['a/b']],
    ['no array', 'bob'],
    ['nothing', undefined],
  ])('refuses members: %s', async (_what, members) => {
    expect(await put(aSlug(), { members })).toMatchObject({ status: 422, body: { code: 'invalid_body' } });
  });

  it('needs keys:manage', async () => {
    expect(await put(aSlug(), { members: ['bob'] }, world.keys.guild)).toMatchObject({
      status: 403,
      body: { code: 'missing_scope' },
    });
  });
});

describe('extension_pulled', () => {
  const pull = async (properties: object, device = 'device-1') => {
    const event = { event: 'extension_pulled', distinct_id: device, properties };
    return (await world.call(world.ingest, 'POST', '/ingest', { key: world.keys.service, body: event })).body;
  };
  const rows = async (name: string) =>
    (await world.registry())
      .filter(({ sk }) => sk.startsWith(`PULL#${name}@`))
      .map(({ pk, sk }) => `${pk} ${sk.split('#')[2]}`);

  it('is credited to the accounts in the registry, once per puller', async () => {
    const name = await world.published(world.keys.guild);
    const of = { extension_name: name, version: VERSION };
    const sends = [
      [of, 'd1', 'accepted'],
      [of, 'd1', 'duplicate'],
      [{ ...of, username: 'Bob' }, 'd1', 'accepted'],
      [{ ...of, username: 'bob' }, 'd2', 'duplicate'],
      [{ ...of, author: 'mallory', publisher: 'mallory' }, '~d#1', 'accepted'],
    ] as const;
    for (const [properties, device, status] of sends) {
      expect((await pull(properties, device)).results).toMatchObject([{ status }]);
    }

    expect(await rows(name)).toEqual(
      ['ada', 'cy'].flatMap((author) => ['device:d1', 'device:~~d', 'user:bob'].map((by) => `AUTHOR#${author} ${by}`)),
    );
  });

  it.each([
    ['an extension', async () => ({ extension_name: aName(), version: VERSION })],
    ['a version', async () => ({ extension_name: await world.published(), version: '2026.08.21.99' })],
  ])('of %s that nobody has published is rejected, also a repeat, and stores nothing', async (_what, properties) => {
    const event = { event: 'extension_pulled', distinct_id: 'd1', properties: await properties() };
    const before = await world.registry();
    const { status, body } = await world.call(world.ingest, 'POST', '/ingest', {
      key: world.keys.service,
      body: { events: [event, event] },
    });

    expect(status).toBe(400);
    expect(body.results).toMatchObject([
      { status: 'rejected', code: 'unknown_extension' },
      { status: 'rejected', code: 'unknown_extension' },
    ]);
    expect(await world.registry()).toEqual(before);
  });

  it.each([
    [{ extension_name: '@acme/Net', version: VERSION }],
    [{ extension_name: '@acme/net', version: '1' }],
    [{ version: VERSION }],
    [{ extension_name: '@acme/net', version: VERSION, username: 'a/b' }],
  ])('with %j is rejected as an invalid event', async (properties) => {
    expect((await pull(properties)).results).toMatchObject([{ status: 'rejected', code: 'invalid_event' }]);
  });
});
