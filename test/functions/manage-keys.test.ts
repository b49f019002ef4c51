import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { anHttpRequest, type RequestDraft } from '../builders/http-request.ts';
import { aUsername, sha256 } from '../builders/identity.ts';
import { startFunctionEngine, type Answer } from './function-under-test.ts';

let world: Awaited<ReturnType<typeof startFunctionEngine>>;
let handler: (event: unknown) => Promise<Answer>;
let admin: string;
let ada: { readonly id: string; readonly key: string };

beforeAll(async () => {
  world = await startFunctionEngine();
  ({ handler } = await import('../../functions/manage-keys/handler.ts'));
});
afterAll(async () => {
  vi.useRealTimers();
  await world.stop();
});
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-08-21T12:00:00.000Z') });
  admin = (await world.aKey({ kind: 'admin' })).key;
  ada = await world.aKey({ kind: 'personal', username: aUsername('ada') });
  // notes the use of both keys, so that no other write is left
  await call('/api/whoami', { method: 'GET', key: admin });
  await call('/api/whoami', { method: 'GET', key: ada.key });
});

async function call(path: string, draft: RequestDraft = {}) {
  const { statusCode: status, headers, body } = await handler(anHttpRequest({ ...draft, path }));
  return { status, headers, body: body === '' ? undefined : JSON.parse(body) };
}
const stored = () => world.itemsOf(world.tables.credentials);
const personal = (change: object = {}) => ({ kind: 'personal', username: 'bob', ...change });

async function refused(path: string, draft: RequestDraft) {
  const before = await stored();
  const answer = await call(path, draft);
  expect(await stored()).toEqual(before);
  return answer;
}

describe('a refused POST /v1/keys stores nothing', () => {
  const members = (count: number) => Array.from({ length: count }, (_, n) => `member-${n}`);
  const nested = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;

  it.each<[what: string, body: unknown, status: number, code: string, field?: string]>([
    ['invalid JSON', '{', 400, 'invalid_json'],
    ['no body', undefined, 400, 'invalid_json'],
    ['null', 'null', 422, 'invalid_body', 'body'],
    ['an array', [], 422, 'invalid_body', 'body'],
    ['no kind', { username: 'bob' }, 422, 'invalid_body', 'kind'],
    ['an unknown kind', personal({ kind: 'root' }), 422, 'invalid_body', 'kind'],
    ['a kind in the prototype', '{"__proto__":{"kind":"admin"}}', 422, 'invalid_body', 'kind'],
    ['a kind nested fifty thousand deep', `{"kind":${nested}}`, 400, 'invalid_json'],
    ['a kind nested four hundred deep', `{"kind":${'['.repeat(400)}${']'.repeat(400)}}`, 422, 'invalid_body', 'kind'],
    ['no username', { kind: 'personal' }, 422, 'invalid_body', 'username'],
    ['a username that is a number', personal({ username: 7 }), 422, 'invalid_body', 'username'],
    ['a username with slashes', personal({ username: 'a/b' }), 422, 'invalid_body', 'username'],
    ['a username with dots and slashes', personal({ username: '../etc' }), 422, 'invalid_body', 'username'],
    ['an empty username', personal({ username: '' }), 422, 'invalid_body', 'username'],
    ['__proto__ as username', personal({ username: '__proto__' }), 422, 'invalid_body', 'username'],
    ['a username with a line break', personal({ username: 'bob\n' }), 422, 'invalid_body', 'username'],
    ['a username of 65 characters', personal({ username: 'b'.repeat(65) }), 422, 'invalid_body', 'username'],
    [
      'a letter that only folds to ASCII by accident',
      personal({ username: '\u212aim' }),
      422,
      'invalid_body',
      'username',
    ],
    ['an unknown scope', personal({ scopes: ['everything'] }), 422, 'invalid_body', 'scopes.0'],
    ['empty scopes', personal({ scopes: [] }), 422, 'invalid_body', 'scopes'],
    ['a label of 101 characters', personal({ label: 'l'.repeat(101) }), 422, 'invalid_body', 'label'],
    ['no members', { kind: 'collective', slug: 'guild' }, 422, 'invalid_body', 'members'],
    ['0 members', { kind: 'collective', slug: 'guild', members: [] }, 422, 'invalid_body', 'members'],
    ['31 members', { kind: 'collective', slug: 'guild', members: members(31) }, 422, 'invalid_body', 'members'],
    ['more fields than it needs', personal({ label: 'l'.repeat(300_000) }), 413, 'too_large'],
  ])('%s', async (_what, body, status, code, field) => {
    const answer = await refused('/v1/keys', { key: admin, body });

    expect(answer).toMatchObject({ status, body: { code, error: expect.any(String) } });
    if (field !== undefined) expect(answer.body.details[0].field).toBe(field);
  });

  it.each<[what: string, key: () => string | undefined, status: number, code: string]>([
    ['without a key', () => undefined, 401, 'unknown_key'],
    ['with an unknown key', () => `lrl_${'x'.repeat(43)}`, 401, 'unknown_key'],
    ['with a key that does not manage keys', () => ada.key, 403, 'missing_scope'],
  ])('%s', async (_what, key, status, code) => {
    const answer = await refused('/v1/keys', { key: key(), body: personal() });

    expect(answer).toMatchObject({ status, body: { code } });
  });

  it('names the scope that is missing', async () => {
    const { body } = await refused('/v1/keys', { key: ada.key, body: personal() });

    expect(body.error).toContain('keys:manage');
  });
});

describe('POST /v1/keys', () => {
  it('shows the secret once and stores only its hash', async () => {
    const { status, headers, body } = await call('/v1/keys', { key: admin, body: personal({ label: 'laptop' }) });

    expect(status).toBe(201);
    expect(headers['cache-control']).toBe('no-store');
    expect(body.key).toMatch(/^lrl_[A-Za-z0-9_-]{43}$/);
    expect(body).toMatchObject({
      kind: 'personal',
      scopes: ['telemetry:write', 'extensions:push', 'extensions:yank', 'profile:write'],
    });
    const item = (await stored()).find(({ pk }) => pk === body.id)!;
    expect(item).toMatchObject({
      hash: sha256(body.key),
      account: 'bob',
      label: 'laptop',
      prefix: body.key.slice(0, 8),
    });
    expect(JSON.stringify(item)).not.toContain(body.key);
  });

  it('folds a username to lower case', async () => {
    const { body } = await call('/v1/keys', { key: admin, body: personal({ username: 'BOB.1' }) });

    const me = await call('/api/whoami', { method: 'GET', key: body.key });
    expect(me.body.username).toBe('bob.1');
  });

  it('keeps each member of a collective once', async () => {
    const body = { kind: 'collective', slug: 'guild', members: ['Ada', 'ada', 'bob'] };
    const created = await call('/v1/keys', { key: admin, body });

    const item = (await stored()).find(({ pk }) => pk === created.body.id)!;
    expect(item.members).toEqual(['ada', 'bob']);
  });
});

describe('GET /v1/keys', () => {
  it('lists every key over its pages, without its secret', async () => {
    const listed: any[] = [];
    for (let next: string | undefined = ''; next !== undefined;) {
      const query = `limit=2${next === '' ? '' : `&cursor=${next}`}`;
      const { status, body }: any = await call('/v1/keys', { method: 'GET', key: admin, query });
      expect(status).toBe(200);
      expect(body.keys.length).toBeLessThanOrEqual(2);
      listed.push(...body.keys);
      next = body.next;
    }

    expect(listed.map(({ id }) => id).sort()).toEqual((await stored()).map(({ pk }) => pk).sort());
    expect(listed.find(({ id }) => id === ada.id)).toMatchObject({ kind: 'personal', username: 'ada' });
    expect(JSON.stringify(listed)).not.toMatch(/hash|lrl_[A-Za-z0-9_-]{43}/);
  });

  it.each(['limit=0', 'limit=1001', 'limit=many', 'limit=', 'limit=1.5', 'cursor=elsewhere'])(
    'refuses %s',
    async (query) => {
      const { status, body } = await refused('/v1/keys', { method: 'GET', key: admin, query });

      expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid_query' });
    },
  );
});

describe('DELETE /v1/keys/{id}', () => {
  it('revokes a key within 60 s, and keeps the first time', async () => {
    const revoke = () => call(`/v1/keys/${ada.id}`, { method: 'DELETE', key: admin });
    expect((await revoke()).status).toBe(204);
    vi.setSystemTime(Date.now() + 60_000);
    expect((await revoke()).status).toBe(204);

    const item = (await stored()).find(({ pk }) => pk === ada.id)!;
    expect(item.revokedAt).toBe('2026-08-21T12:00:00.000Z');
    expect((await call('/api/whoami', { method: 'GET', key: ada.key })).status).toBe(401);
  });

  it.each(['0'.repeat(32), 'nonsense', '%252525', '__proto__'])('does not know the key %s', async (id) => {
    const { status } = await refused(`/v1/keys/${id}`, { method: 'DELETE', key: admin });

    expect(status).toBe(404);
  });
});

describe('GET /api/whoami', () => {
  it('returns the identity of the key', async () => {
    const { status, body } = await call('/api/whoami', { method: 'GET', key: ada.key });

    expect(status).toBe(200);
    expect(body).toEqual({
      authenticated: true,
      id: ada.id,
      accountId: 'ada',
      username: 'ada',
      email: null,
      name: 'ada',
      plan: null,
      organizations: [
        { slug: 'ada', name: 'ada', role: 'owner', personal: true },
        { slug: 'guild', name: 'guild', role: 'member', personal: false },
      ],
      scopes: ['telemetry:write', 'extensions:push', 'extensions:yank', 'profile:write'],
    });
  });

  it.each<[what: string, key: string | undefined]>([
    ['no key', undefined],
    ['an empty one', ''],
    ['an unknown one', `lrl_${'x'.repeat(43)}`],
    ['one far too long', 'x'.repeat(10_000)],
    ['__proto__', '__proto__'],
  ])('is 401 for %s', async (_what, key) => {
    const { status, body } = await refused('/api/whoami', { method: 'GET', key });

    expect({ status, code: body.code }).toEqual({ status: 401, code: 'unknown_key' });
  });

  it.each([
    ['POST', '/api/whoami', 405],
    ['PUT', '/v1/keys', 405],
    ['GET', '/v1/keys/0', 405],
    ['GET', '/v1', 404],
    ['GET', '/v1/keys/a/b', 404],
  ])('%s %s is %d', async (method, path, status) => {
    expect((await refused(path, { method, key: admin })).status).toBe(status);
  });
});
