import { describe, expect, it } from 'vitest';
import { aName, encoded, VERSION, world } from './publishing-under-test.ts';

describe('GET …/latest', () => {
  it('returns the newest version by its numbers, with both forms of the path', async () => {
    const name = await world.published(world.keys.ada, [
      '2026.08.21.9',
      '2026.08.21.10',
      '2025.12.31.11',
      '2026.08.03.200',
    ]);
    const newest = { version: '2026.08.21.10', publishedAt: '2026-08-21T12:00:00.000Z', publisher: 'ada' };

    for (const path of [encoded(name), name, name.replace('/', '%2F'), name.replace('@', '%40')]) {
      expect(await world.latest(path)).toMatchObject({
        status: 200,
        headers: { 'access-control-allow-origin': '*', 'cache-control': 'public, max-age=5' },
        body: { name, latestVersion: newest.version, publishedAt: newest.publishedAt, latestVersionDetail: newest },
      });
    }
  });

  it.each([
    ['2026.08.21.9007199254740993', '2026.08.21.9007199254740992'],
    ['2026.08.21.10', '2026.08.21.9'],
    ['2026.08.21.010', '2026.08.21.9'],
    ['2026.08.22.0', '2026.08.21.99999999999999999999'],
    ['2026.08.21.1', '2026.08.21.0'],
  ])('orders %s after %s', async (newer, older) => {
    for (const order of [
      [newer, older],
      [older, newer],
    ]) {
      const name = await world.published(world.keys.ada, order);
      expect((await world.latest(encoded(name))).body.latestVersion).toBe(newer);
    }
  });

  it('skips yanked versions; 404 if none is left or none was ever published', async () => {
    const name = await world.published(world.keys.ada, ['2026.08.21.1', '2026.08.21.2']);
    await world.post(`${encoded(name, '2026.08.21.2')}/yank`, { reason: 'broken' });
    expect((await world.latest(encoded(name))).body.latestVersion).toBe('2026.08.21.1');

    await world.post(`${encoded(name)}/yank`, { reason: 'all' });
    for (const path of [encoded(name), encoded(aName()), 'Net', '%40acme', '%252540acme%25252Fnet', '..%2F..']) {
      expect((await world.latest(path)).status).toBe(404);
    }
  });
});

describe('channels', () => {
  const STORY = ['2026.08.21.1', '2026.08.22.1 beta', '2026.08.23.1', '2026.08.24.1 rc-1'];
  const story = async () => {
    const name = aName();
    for (const [version, channel] of STORY.map((each) => each.split(' '))) {
      await world.confirm({ name, version, channel });
    }
    return name;
  };
  const newest = async (name: string) =>
    Promise.all(
      ['', '?channel=stable', '?channel=beta', '?channel=rc-1', '?channel=other'].map(async (query) => {
        const [path = '', text = ''] = `/api/v1/extensions/${encoded(name)}/latest${query}`.split('?');
        const { status, body } = await world.call(world.publish, 'GET', path, { key: undefined, query: text });
        return status === 200 ? body.latestVersion : status;
      }),
    );

  it('each have a newest version; the default is `stable`', async () => {
    const beta = '2026.08.22.1';

    expect(await newest(await story())).toEqual(['2026.08.23.1', '2026.08.23.1', beta, '2026.08.24.1', 404]);
  });

  it.each<[target: string | undefined, body: object, left: readonly (string | number)[]]>([
    [undefined, { channel: 'beta' }, ['2026.08.23.1', '2026.08.23.1', 404, '2026.08.24.1', 404]],
    [undefined, { channel: 'stable' }, [404, 404, '2026.08.22.1', '2026.08.24.1', 404]],
    [undefined, { channel: null }, [404, 404, 404, 404, 404]],
    [undefined, {}, [404, 404, 404, 404, 404]],
    ['2026.08.23.1', {}, ['2026.08.21.1', '2026.08.21.1', '2026.08.22.1', '2026.08.24.1', 404]],
    // A version is named by its number, so a wrong channel beside it is ignored.
    ['2026.08.23.1', { channel: 'beta' }, ['2026.08.21.1', '2026.08.21.1', '2026.08.22.1', '2026.08.24.1', 404]],
  ])('a yank and an unyank of %s with %j change only the named versions', async (version, body, left) => {
    const name = await story();
    const before = await newest(name);

    expect((await world.post(`${encoded(name, version)}/yank`, { reason: 'r', ...body })).status).toBe(200);
    expect(await newest(name)).toEqual(left);
    await world.post(`${encoded(name)}/yank`, { reason: 'all' });
    expect((await world.post(`${encoded(name, version)}/unyank`, body)).status).toBe(200);
    const restored = await newest(name);
    expect(
      restored.map((each, n) => each === 404 || left[n] !== before[n] || left.every((one) => one === 404)),
    ).toEqual(restored.map(() => true));
    await world.post(`${encoded(name)}/unyank`);
    expect(await newest(name)).toEqual(before);
  });

  it('without a version are unknown; an invalid channel is refused, and nothing is changed', async () => {
    const name = await story();
    const before = await newest(name);

    for (const step of ['yank', 'unyank']) {
      const ask = (channel: unknown) => world.post(`${encoded(name)}/${step}`, { reason: 'r', channel });
      expect(await ask('other')).toMatchObject({ status: 404, body: { code: 'unknown_extension' } });
      for (const channel of ['Beta', '', 7, ['beta']]) {
        expect(await ask(channel)).toMatchObject({ status: 422, body: { details: [{ field: 'channel' }] } });
      }
    }
    expect(await world.post(`${encoded(name)}/unyank`, '{"channel": "be')).toMatchObject({ status: 400 });
    const latest = { key: undefined, query: 'channel=Beta' };
    expect(await world.call(world.publish, 'GET', `/api/v1/extensions/${encoded(name)}/latest`, latest)).toMatchObject({
      status: 400,
      body: { code: 'invalid_query' },
    });
    expect(await newest(name)).toEqual(before);
  });
});

describe('yank and unyank', () => {
  const rowOf = async (name: string, username: string) =>
    (await world.registry()).find(
      ({ pk, sk }) => pk === `PUBLISHER#${username}` && sk === `VERSION#${name}@${VERSION}`,
    )!;

  it('yank a version and restore it, each also twice, for all accounts that it counts for', async () => {
    const name = await world.published(world.keys.guild);
    const target = encoded(name, VERSION);
    const steps = [
      ['yank', { reason: 'CVE-2026-1 – 💥', channel: 'rc' }, true],
      ['yank', { reason: 'again' }, true],
      ['unyank', undefined, false],
      ['unyank', { reason: 'fixed' }, false],
    ] as const;
    for (const [step, body, isYanked] of steps) {
      expect(await world.post(`${target}/${step}`, body, world.keys.guild)).toMatchObject({
        status: 200,
        body: { message: expect.any(String) },
      });
      for (const member of ['ada', 'cy']) expect((await rowOf(name, member)).yanked).toBe(isYanked);
    }
    expect((await world.grantOf(name, VERSION, 'cy'))!.amount).toBe(500);
  });

  it('keep the first reason', async () => {
    const name = await world.published();
    await world.post(`${encoded(name, VERSION)}/yank`, { reason: 'first' });
    await world.post(`${encoded(name, VERSION)}/yank`, { reason: 'second' });

    const [version] = (await world.registry()).filter(({ pk, sk }) => pk.endsWith(name) && sk.startsWith('VERSION#'));
    expect(version).toMatchObject({ yankReason: 'first', yankedAt: '2026-08-21T12:00:00.000Z' });
  });

  it('of a whole extension affect all its versions', async () => {
    const versions = Array.from({ length: 25 }, (_, n) => `2026.08.21.${n}`);
    const name = await world.published(world.keys.ada, versions);
    const yanked = async () =>
      (await world.registry()).filter(
        ({ pk, sk, yanked: is }) => pk === 'PUBLISHER#ada' && sk.includes(`#${name}@`) && is,
      );

    await world.post(`${encoded(name, versions[3])}/yank`, { reason: 'one' });
    expect((await world.post(`${encoded(name)}/yank`, { reason: 'all' })).status).toBe(200);
    expect(await yanked()).toHaveLength(25);
    expect((await world.post(`${encoded(name)}/unyank`)).status).toBe(200);
    expect(await yanked()).toHaveLength(0);
  });

  it.each(['yank', 'unyank'])('%s is refused to others, and to keys without scope or account', async (step) => {
    const name = await world.published(world.keys.ada);
    for (const target of [encoded(name, VERSION), encoded(name)]) {
      const refusals = [world.keys.bob, world.keys.guild, world.keys.yanker, world.keys.reader, 'lrl_unknown'].map(
        async (key) => {
          const { status, body } = await world.post(`${target}/${step}`, { reason: 'r' }, key);
          return [status, body.code];
        },
      );
      expect(await Promise.all(refusals)).toEqual([
        [403, 'not_owner'],
        [403, 'not_owner'],
        [403, 'no_account'],
        [403, 'missing_scope'],
        [401, 'unknown_key'],
      ]);
    }
    expect((await world.post(`${encoded(name)}/${step}`, { reason: 'r' }, world.keys.admin)).status).toBe(200);
  });

  it.each([
    ['an unknown extension', () => encoded('@acme/nobody')],
    ['a version of it', () => encoded('@acme/nobody', VERSION)],
    ['an unknown version', async () => encoded(await world.published(), '2026.08.21.99')],
    ['an invalid version', async () => encoded(await world.published(), '1.0')],
    ['an empty version', async () => `${encoded(await world.published())}@`],
    ['an invalid name', () => encoded('@acme/Net')],
  ])('of %s is 404', async (_what, target) => {
    for (const step of ['yank', 'unyank']) {
      expect((await world.post(`${await target()}/${step}`, { reason: 'r' })).status).toBe(404);
    }
  });

  it.each<[what: string, body: unknown, status: number, code: string]>([
    ['no reason', {}, 422, 'invalid_body'],
    ['an empty one', { reason: '' }, 422, 'invalid_body'],
    ['one that is a number', { reason: 1 }, 422, 'invalid_body'],
    ['one of 3,000 characters', { reason: 'x'.repeat(3_000) }, 422, 'invalid_body'],
    ['no body', undefined, 400, 'invalid_json'],
    ['a body of 1 MB', { reason: 'x'.repeat(1024 ** 2) }, 413, 'too_large'],
  ])('a yank with %s is refused', async (_what, body, status, code) => {
    const name = await world.published();

    expect(await world.post(`${encoded(name, VERSION)}/yank`, body)).toMatchObject({ status, body: { code } });
    expect((await world.latest(encoded(name))).status).toBe(200);
  });

  it('reads a path from its end, because a name may end like a route', async () => {
    for (const name of ['@acme/latest', '@acme/yank', 'net/unyank', 'yank', 'confirm/transfer']) {
      expect((await world.confirm({ name, version: VERSION })).status).toBe(201);
      for (const path of [encoded(name), name]) {
        expect((await world.latest(path)).body.name).toBe(name);
        expect((await world.post(`${path}@${VERSION}/yank`, { reason: 'r' })).status).toBe(200);
        expect((await world.post(`${path}/unyank`)).status).toBe(200);
      }
    }
  });
});

describe('POST …/transfer and …/accept', () => {
  const transfer = (name: string, to: unknown, key = world.keys.ada) =>
    world.post(`${encoded(name)}/transfer`, { to }, key);
  const accept = async (name: string, key: string) => {
    const { status, body } = await world.post(`${encoded(name)}/accept`, undefined, key);
    return status === 200 ? body : [status, body.code];
  };
  const mayPublish = async (name: string, key: string) => {
    const version = `2026.08.22.${(versions += 1)}`;
    return (await world.confirm({ name, version }, key)).status === 201;
  };
  let versions = 0;

  it('give new versions to the new owner once they accept', async () => {
    const name = await world.published(world.keys.ada);

    expect(await transfer(name, 'Bob')).toMatchObject({ status: 202, body: { name, offeredTo: 'bob' } });
    expect(await transfer(name, 'bob')).toMatchObject({ status: 202, body: { name, offeredTo: 'bob' } });
    expect([await mayPublish(name, world.keys.ada), await mayPublish(name, world.keys.bob)]).toEqual([true, false]);
    expect(await accept(name, world.keys.bob)).toEqual({ name });
    expect(await accept(name, world.keys.bob)).toEqual({ name });
    expect([await mayPublish(name, world.keys.ada), await mayPublish(name, world.keys.bob)]).toEqual([false, true]);
    expect((await transfer(name, 'bob')).status).toBe(200); // its first answer may have been lost
    expect((await transfer(name, 'cy')).status).toBe(403);
  });

  it('leave a version to its publisher, who is credited and may yank and restore it', async () => {
    const name = await world.published(world.keys.ada);
    await transfer(name, 'bob');
    await accept(name, world.keys.bob);
    await world.confirm({ name, version: '2026.08.21.2' }, world.keys.bob);

    expect((await world.confirm({ name, version: VERSION }, world.keys.ada)).status).toBe(200);
    expect((await world.confirm({ name, version: VERSION }, world.keys.bob)).body.code).toBe('version_conflict');
    expect(await world.grantOf(name, VERSION, 'ada')).toBeDefined();
    expect(await world.grantOf(name, VERSION, 'bob')).toBeUndefined();
    for (const step of ['yank', 'unyank']) {
      const ask = async (version: string | undefined, key: string) =>
        (await world.post(`${encoded(name, version)}/${step}`, { reason: 'r' }, key)).status;
      expect([await ask(VERSION, world.keys.ada), await ask(VERSION, world.keys.bob)]).toEqual([200, 403]);
      expect([await ask('2026.08.21.2', world.keys.ada), await ask('2026.08.21.2', world.keys.bob)]).toEqual([
        403, 200,
      ]);
    }
    // "All versions" means all own versions. The answer reports that there are others.
    expect((await world.post(`${encoded(name)}/yank`, { reason: 'r' }, world.keys.bob)).body.message).toMatch(/1 /);
    expect((await world.latest(encoded(name))).body.latestVersion).toBe(VERSION);
  });

  it('are for the owner; an admin transfers it at once', async () => {
    const name = await world.published(world.keys.ada);

    for (const key of [world.keys.bob, world.keys.guild]) {
      expect(await transfer(name, 'bob', key)).toMatchObject({ status: 403, body: { code: 'not_owner' } });
    }
    expect(await transfer(name, 'bob', world.keys.yanker)).toMatchObject({ status: 403, body: { code: 'no_account' } });
    expect(await transfer(name, 'bob', world.keys.admin)).toMatchObject({
      status: 200,
      body: { name, owner: { kind: 'personal', name: 'bob' }, message: expect.any(String) },
    });
    expect((await transfer(name, 'bob', world.keys.admin)).status).toBe(200);
    expect(await mayPublish(name, world.keys.bob)).toBe(true);
  });

  it('can only be accepted by the account of the current offer', async () => {
    const name = await world.published(world.keys.ada);
    expect(await accept(name, world.keys.bob)).toEqual([404, 'unknown_offer']);
    await transfer(name, 'bob');

    for (const key of [world.keys.guild, await world.aPersonalKey('mallory')]) {
      expect(await accept(name, key)).toEqual([403, 'not_owner']);
    }
    for (const key of [world.keys.yanker, world.keys.admin])
      expect(await accept(name, key)).toEqual([403, 'no_account']);
    expect(await accept(name, world.keys.reader)).toEqual([403, 'missing_scope']);
    expect(await accept(name, 'lrl_unknown')).toEqual([401, 'unknown_key']);
    expect(await accept(aName(), world.keys.bob)).toEqual([404, 'unknown_extension']);

    await transfer(name, 'guild');
    expect(await accept(name, world.keys.bob)).toEqual([403, 'not_owner']); // a later offer replaces it
    expect((await transfer(name, 'ada')).status).toBe(200); // an offer to the owner withdraws it
    expect(await accept(name, world.keys.bob)).toEqual([404, 'unknown_offer']);

    await transfer(name, 'bob');
    await transfer(name, 'cy', world.keys.admin);
    expect(await accept(name, world.keys.bob)).toEqual([404, 'unknown_offer']);
  });

  it('go to a collective if its slug exists, and then its key accepts, otherwise to an account', async () => {
    const members = { kind: 'collective', slug: 'makers', members: ['ada', 'bob'] };
    const created = await world.call(world.manageKeys, 'POST', '/v1/keys', { key: world.keys.admin, body: members });
    const name = await world.published(world.keys.ada);

    expect(await transfer(name, 'makers')).toMatchObject({ status: 202, body: { name, offeredTo: 'makers' } });
    expect(await accept(name, await world.aPersonalKey('makers'))).toEqual([403, 'not_owner']);
    expect(await accept(name, world.keys.bob)).toEqual([403, 'not_owner']);
    expect(await accept(name, created.body.key)).toEqual({ name });
    expect(await mayPublish(name, created.body.key)).toBe(true);
  });

  it.each([[undefined], [''], [7], ['a/b'], ['x'.repeat(65)]])('to %j are refused', async (to) => {
    expect(await transfer(await world.published(), to)).toMatchObject({ status: 422, body: { code: 'invalid_body' } });
  });

  it('of an unpublished name are 404', async () => {
    expect(await transfer(aName(), 'bob')).toMatchObject({ status: 404, body: { code: 'unknown_extension' } });
  });
});
