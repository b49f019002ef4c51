import { describe, expect, it, vi } from 'vitest';
import { aName, encoded, NOON, VERSION, world } from './publishing-under-test.ts';

describe('POST /api/v1/extensions/confirm', () => {
  it('records a version once: a repeat is 200 with the same body, and nothing more is stored', async () => {
    const name = aName();
    const body = { extensionId: name, name, version: VERSION };

    expect(await world.confirm({ name, version: VERSION })).toMatchObject({ status: 201, body });
    const before = [await world.registry(), await world.grants()];
    vi.setSystemTime(NOON + 60_000);
    expect(await world.confirm({ name, version: VERSION, contentMetadata: { models: [1] } })).toMatchObject({
      status: 200,
      body,
    });
    expect([await world.registry(), await world.grants()]).toEqual(before);
  });

  it('writes the publisher, the grant and the balance with the version', async () => {
    const name = await world.published(world.keys.bob);

    expect(await world.grantOf(name, VERSION, 'bob')).toMatchObject({
      key: 'content:extension-publishes',
      category: 'content',
      source: 'extensions',
      amount: 500,
      grantedAt: '2026-08-21T12:00:00.000Z',
    });
    expect((await world.registry()).filter(({ pk }) => pk === 'PUBLISHER#bob')).toContainEqual(
      expect.objectContaining({ sk: `VERSION#${name}@${VERSION}`, yanked: false }),
    );
  });

  it.each<[first: unknown, second: unknown, status: number]>([
    ['beta', 'beta', 200],
    [undefined, 'stable', 200],
    ['stable', null, 200],
    ['beta', undefined, 409],
    [undefined, 'beta', 409],
  ])('of a version of the channel %j again in %j is %i', async (first, second, status) => {
    const name = aName();
    expect((await world.confirm({ name, version: VERSION, channel: first })).status).toBe(201);
    const again = await world.confirm({ name, version: VERSION, channel: second });

    expect(again.status).toBe(status);
    expect(again.body.code).toBe(status === 409 ? 'version_conflict' : undefined);
  });

  it.each([[''], ['Beta'], ['1'], ['-a'], ['a_b'], ['a'.repeat(33)], [7], [['beta']], ['be\nta']])(
    'refuses the channel %j',
    async (channel) => {
      expect(await world.confirm({ name: aName(), version: VERSION, channel })).toMatchObject({
        status: 422,
        body: { code: 'invalid_body', details: [{ field: 'channel' }] },
      });
    },
  );

  it.each<[what: string, first: string | undefined, second: string | undefined, status: number]>([
    ['the same content', 'sha256:a', 'sha256:a', 200],
    ['other content', 'sha256:a', 'sha256:b', 409],
    ['content after none', undefined, 'sha256:b', 409],
    ['no content after some', 'sha256:a', undefined, 409],
  ])('of a version again with %s is %s → %s: %i', async (_what, first, second, status) => {
    const name = aName();
    await world.confirm({ name, version: VERSION, contentHash: first });
    const again = await world.confirm({ name, version: VERSION, contentHash: second });

    expect(again.status).toBe(status);
    expect(again.body.code).toBe(status === 409 ? 'version_conflict' : undefined);
  });

  it('is a conflict for another publisher of a version, and of a name for a new version, in a message that names the owner', async () => {
    const name = await world.published(world.keys.ada);

    expect(await world.confirm({ name, version: VERSION }, world.keys.bob)).toMatchObject({
      status: 409,
      body: { code: 'version_conflict', error: expect.stringContaining('ada') },
    });
    for (const key of [world.keys.bob, world.keys.guild]) {
      expect(await world.confirm({ name, version: '2026.08.21.2' }, key)).toMatchObject({
        status: 409,
        body: { code: 'not_owner', error: expect.stringContaining('ada') },
      });
    }
  });

  it('accepts names of one scope from anyone: names have owners, scopes do not', async () => {
    await world.published(world.keys.ada);

    expect((await world.confirm({ name: aName(), version: VERSION }, world.keys.bob)).status).toBe(201);
  });

  it('keeps an account and a collective with the same name apart', async () => {
    const account = await world.aPersonalKey('guild');
    const name = await world.published(world.keys.guild);

    expect((await world.confirm({ name, version: VERSION }, account)).body.code).toBe('version_conflict');
    expect((await world.confirm({ name, version: '2026.08.21.2' }, account)).body.code).toBe('not_owner');
    expect((await world.post(`${encoded(name)}/yank`, { reason: 'r' }, account)).status).toBe(403);
  });

  it('credits each member of a collective with a grant', async () => {
    const name = await world.published(world.keys.guild);

    for (const member of ['ada', 'cy']) expect(await world.grantOf(name, VERSION, member)).toBeDefined();
    expect(await world.grantOf(name, VERSION, 'guild')).toBeUndefined();
  });

  it('publishes for a collective of thirty at once', async () => {
    const members = Array.from({ length: 30 }, (_, n) => `crew-${n}`);
    const created = { kind: 'collective', slug: 'crew', members };
    const { body } = await world.call(world.manageKeys, 'POST', '/v1/keys', { key: world.keys.admin, body: created });
    const name = await world.published(body.key);

    for (const member of members)
      expect(await world.grantOf(name, VERSION, member)).toMatchObject({ amount: 500, seq: 1 });
  });

  it('grants up to the cap, then 0; a yank does not free a part of the cap', async () => {
    const key = await world.aPersonalKey('dan');
    const versions = Array.from({ length: 12 }, (_, n) => `2026.08.21.${n + 1}`);
    const name = await world.published(key, versions.slice(0, 11));
    await world.post(`${encoded(name)}/yank`, { reason: 'all of it' }, key);
    await world.confirm({ name, version: versions[11] }, key);

    const amounts = await Promise.all(
      versions.map(async (version) => (await world.grantOf(name, version, 'dan'))!.amount),
    );
    expect(amounts).toEqual([500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 0, 0]);
  });

  it.each<[name: unknown]>([
    [undefined],
    [null],
    [7],
    [''],
    ['Net'],
    ['@acme'],
    ['@acme/'],
    ['/net'],
    ['net/'],
    ['a//b'],
    ['@/net'],
    ['@@acme/net'],
    ['@acme/net@1'],
    ['.net'],
    ['-net'],
    ['_net'],
    ['net '],
    ['net\n'],
    ['né'],
    ['a/b/c/d/e'],
    ['@s/a/b/c/d/e'],
    ['../etc'],
    ['%40acme%2Fnet'],
    ['__proto__'],
    ['a'.repeat(129)],
    ['ａ'],
  ])('refuses the name %j', async (name) => {
    expect(await world.confirm({ name, version: VERSION })).toMatchObject({
      status: 422,
      body: { code: 'invalid_name', details: [{ field: 'name', expected: expect.any(String) }] },
    });
  });

  it.each<[version: unknown]>([
    [undefined],
    [null],
    [2026],
    [''],
    ['1'],
    ['1.0.0'],
    ['2026.8.21.1'],
    ['2026.08.21'],
    ['2026.08.21.'],
    ['2026.08.21.1 '],
    ['2026.08.21.1\n'],
    ['2026.08.21.-1'],
    ['2026.08.21.1.1'],
    ['v2026.08.21.1'],
    ['2026-08-21.1'],
    ['２026.08.21.1'],
    ['2101.01.01.1'],
    ['2200.01.01.1'],
    ['9999.12.31.1'],
    [`2026.08.21.${'1'.repeat(54)}`],
  ])('refuses the version %j', async (version) => {
    expect(await world.confirm({ name: 'net', version })).toMatchObject({
      status: 422,
      body: { code: 'invalid_version', details: [{ field: 'version', expected: expect.any(String) }] },
    });
  });

  it.each([
    ['a'],
    ['0'],
    ['a.b_c-d'],
    ['@a/b'],
    ['@a/b/c/d/e'],
    ['a/b/c/d'],
    ['constructor'],
    ['latest'],
    ['a'.repeat(128)],
  ])('accepts the name %s', async (name) => {
    expect((await world.confirm({ name, version: VERSION })).status).toBe(201);
  });

  it.each<[what: string, body: unknown, status: number, code: string]>([
    ['invalid JSON', '{', 400, 'invalid_json'],
    ['no body', undefined, 400, 'invalid_json'],
    ['null', 'null', 422, 'invalid_body'],
    ['an array', [], 422, 'invalid_body'],
    ['a contentHash that is a number', { name: 'net', version: VERSION, contentHash: 7 }, 422, 'invalid_body'],
    ['an empty contentHash', { name: 'net', version: VERSION, contentHash: '' }, 422, 'invalid_body'],
    ['a body of 7 MB', { name: 'net', version: VERSION, description: 'x'.repeat(7 * 1024 ** 2) }, 413, 'too_large'],
  ])('refuses %s and stores nothing', async (_what, body, status, code) => {
    const before = await world.registry();

    expect(await world.confirm(body)).toMatchObject({ status, body: { code, error: expect.any(String) } });
    expect(await world.registry()).toEqual(before);
  });

  it.each([
    ['one text', 'x'.repeat(6_000_000)],
    ['many objects', Array.from({ length: 400_000 }, (_, n) => ({ n }))],
    ['many texts', Array.from({ length: 700_000 }, () => 'model')],
  ])('accepts 6 MB of fields that it does not read, %s, and stores none of them', async (_what, contentMetadata) => {
    const [name, small] = [aName(), aName()];
    const body = { name, version: VERSION, channel: 'beta', contentMetadata };
    expect(JSON.stringify(body).length).toBeGreaterThan(4_000_000);
    await world.confirm({ name: small, version: VERSION, channel: 'beta' });

    expect((await world.confirm(body)).status).toBe(201);
    const stored = async (of: string) =>
      JSON.stringify((await world.registry()).filter(({ pk }) => pk === `EXTENSION#${of}`)).replaceAll(of, '').length;
    expect(Math.abs((await stored(name)) - (await stored(small)))).toBeLessThan(100);
  });

  it('refuses keys with the missing scope, in the words that the client reads', async () => {
    const body = { name: aName(), version: VERSION };

    expect(await world.confirm(body, 'lrl_unknown')).toMatchObject({ status: 401, body: { code: 'unknown_key' } });
    const reader = await world.confirm(body, world.keys.reader);
    expect(reader).toMatchObject({ status: 403, body: { code: 'missing_scope' } });
    expect(/requires the (.+?) scope/.exec(reader.body.error)?.[1]).toBe('extensions:push');
    for (const key of [world.keys.yanker, world.keys.admin]) {
      expect(await world.confirm(body, key)).toMatchObject({ status: 403, body: { code: 'no_account' } });
    }
  });
});

it.each([['2100.12.31.1'], ['1999.01.01.0']])('the version %s is accepted', async (version) => {
  expect((await world.confirm({ name: aName(), version })).status).toBe(201);
});

describe('fifty confirmations of one version at once, by two publishers', () => {
  it('create one owner and one version; all others get 200 or 409', async () => {
    const name = aName();
    const senders = Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? world.keys.ada : world.keys.bob));
    const answers = await Promise.all(senders.map((key) => world.confirm({ name, version: VERSION }, key)));

    const winner = senders[answers.findIndex(({ status }) => status === 201)];
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    for (const [index, { status, body }] of answers.entries()) {
      if (senders[index] !== winner) expect([status, body.code]).toEqual([409, 'version_conflict']);
      else if (status !== 201) expect(status).toBe(200);
    }
    const rows = await world.registry();
    // its owner, the version, and its row as the newest
    expect(rows.filter(({ pk }) => pk === `EXTENSION#${name}`)).toHaveLength(3);
    expect(rows.filter(({ sk }) => sk === `VERSION#${name}@${VERSION}`)).toHaveLength(1);
    expect((await world.grants()).filter(({ pk }) => pk.startsWith(`GRANT#publish:${name}@`))).toHaveLength(1);
  });

  it('of first versions leave each name to one of them', async () => {
    const name = aName();
    const versions = Array.from({ length: 20 }, (_, n) => `2026.08.21.${n}`);
    const answers = await Promise.all(
      versions.map((version, n) => world.confirm({ name, version }, n % 2 === 0 ? world.keys.ada : world.keys.bob)),
    );

    const won = answers.map(({ status }) => status === 201);
    const [evens, odds] = [0, 1].map((rest) => won.filter((_, n) => n % 2 === rest));
    expect([evens!, odds!].map((side) => new Set(side).size)).toEqual([1, 1]);
    expect(evens![0]).toBe(!odds![0]);
    for (const { status, body } of answers) if (status !== 201) expect(body.code).toBe('not_owner');
  });
});

describe('any other path', () => {
  it.each([
    ['GET', '%40acme%2Fnet'],
    ['POST', 'push'],
    ['POST', '%40acme%2Fnet/deprecate'],
    ['GET', '%40acme%2Fnet/versions'],
    ['GET', 'search'],
    ['GET', `%40acme%2Fnet@${VERSION}/download`],
  ])('%s %s is 404 with a message', async (method, path) => {
    const answer = await world.call(world.publish, method, `/api/v1/extensions/${path}`, { key: world.keys.ada });

    expect(answer).toMatchObject({ status: 404, body: { error: expect.any(String), code: 'not_found' } });
  });

  it.each([
    ['GET', 'confirm', 'POST, OPTIONS'],
    ['POST', '%40acme%2Fnet/latest', 'GET, HEAD, OPTIONS'],
    ['PUT', '%40acme%2Fnet/yank', 'POST, OPTIONS'],
  ])('%s %s is 405', async (method, path, allow) => {
    const answer = await world.call(world.publish, method, `/api/v1/extensions/${path}`);

    expect(answer).toMatchObject({ status: 405, headers: { allow } });
  });
});
