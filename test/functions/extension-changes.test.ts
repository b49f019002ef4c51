import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { aName, encoded, NOON, VERSION, startPublishing, type Publishing } from './publishing-under-test.ts';

let world: Publishing;
beforeAll(async () => {
  world = await startPublishing();
});
afterAll(() => world.stop());
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOON });
});

describe('GET …/latest', () => {
  it('gives the newest version by its numbers, in both ways of writing a path', async () => {
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
  ])('knows that %s is newer than %s', async (newer, older) => {
    for (const order of [
      [newer, older],
      [older, newer],
    ]) {
      const name = await world.published(world.keys.ada, order);
      expect((await world.latest(encoded(name))).body.latestVersion).toBe(newer);
    }
  });

  it('passes over yanked versions; 404 where none is left, or none ever was', async () => {
    const name = await world.published(world.keys.ada, ['2026.08.21.1', '2026.08.21.2']);
    await world.post(`${encoded(name, '2026.08.21.2')}/yank`, { reason: 'broken' });
    expect((await world.latest(encoded(name))).body.latestVersion).toBe('2026.08.21.1');

    await world.post(`${encoded(name)}/yank`, { reason: 'all' });
    for (const path of [encoded(name), encoded(aName()), 'Net', '%40acme', '%252540acme%25252Fnet', '..%2F..']) {
      expect((await world.latest(path)).status).toBe(404);
    }
  });
});

describe('yank and unyank', () => {
  const rowOf = async (name: string, username: string) =>
    (await world.registry()).find(
      ({ pk, sk }) => pk === `PUBLISHER#${username}` && sk === `VERSION#${name}@${VERSION}`,
    )!;

  it('take a version back and restore it, each also a second time, for all whom it counts for', async () => {
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

  it('of a whole extension mean all its versions', async () => {
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
    ['a version that is none', async () => encoded(await world.published(), '1.0')],
    ['an empty version', async () => `${encoded(await world.published())}@`],
    ['a name that is none', () => encoded('@acme/Net')],
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

  it('reads a path from its end: a name may end like a route', async () => {
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

describe('POST …/transfer', () => {
  const transfer = (name: string, to: unknown, key = world.keys.ada) =>
    world.post(`${encoded(name)}/transfer`, { to }, key);

  it('gives new versions to the new owner and leaves the old ones credited as they were', async () => {
    const name = await world.published(world.keys.ada);

    expect(await transfer(name, 'Bob')).toMatchObject({
      status: 200,
      body: { name, owner: { kind: 'personal', name: 'bob' }, message: expect.any(String) },
    });
    expect((await world.confirm({ name, version: '2026.08.21.2' }, world.keys.ada)).body.code).toBe('not_owner');
    expect((await world.confirm({ name, version: '2026.08.21.2' }, world.keys.bob)).status).toBe(201);
    expect((await world.confirm({ name, version: VERSION }, world.keys.ada)).status).toBe(200);
    expect((await world.confirm({ name, version: VERSION }, world.keys.bob)).body.code).toBe('version_conflict');
    expect(await world.grantOf(name, VERSION, 'ada')).toBeDefined();
    expect(await world.grantOf(name, VERSION, 'bob')).toBeUndefined();
    expect((await world.post(`${encoded(name, VERSION)}/yank`, { reason: 'r' }, world.keys.ada)).status).toBe(403);
    expect((await world.post(`${encoded(name, VERSION)}/yank`, { reason: 'r' }, world.keys.bob)).status).toBe(200);
  });

  it('is for the owner and for admins; who has given it away may say so again', async () => {
    const name = await world.published(world.keys.ada);

    for (const key of [world.keys.bob, world.keys.guild]) {
      expect(await transfer(name, 'bob', key)).toMatchObject({ status: 403, body: { code: 'not_owner' } });
    }
    expect(await transfer(name, 'bob', world.keys.yanker)).toMatchObject({ status: 403, body: { code: 'no_account' } });
    expect((await transfer(name, 'bob', world.keys.admin)).status).toBe(200);
    expect((await transfer(name, 'bob', world.keys.ada)).status).toBe(200);
    expect((await transfer(name, 'cy', world.keys.ada)).status).toBe(403);
  });

  it('is to a collective where one of that slug exists, else to an account', async () => {
    const members = { members: ['ada', 'bob'] };
    await world.call(world.publish, 'PUT', '/v1/collectives/makers', { key: world.keys.admin, body: members });
    const name = await world.published(world.keys.ada);

    expect((await transfer(name, 'makers')).body.owner).toEqual({ kind: 'collective', name: 'makers' });
  });

  it.each([[undefined], [''], [7], ['a/b'], ['x'.repeat(65)]])('to %j is refused', async (to) => {
    expect(await transfer(await world.published(), to)).toMatchObject({ status: 422, body: { code: 'invalid_body' } });
  });

  it('of what nobody has published is 404', async () => {
    expect(await transfer(aName(), 'bob')).toMatchObject({ status: 404, body: { code: 'unknown_extension' } });
  });
});
