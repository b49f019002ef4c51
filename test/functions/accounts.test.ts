import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { anHttpRequest, type RequestDraft } from '../builders/http-request.ts';
import { aUsername } from '../builders/identity.ts';
import { accountHandlers, startFunctionEngine } from './function-under-test.ts';

/** Accounts with ids of their own, on an engine: how they begin, their names, and who may not erase them. */
let world: Awaited<ReturnType<typeof startFunctionEngine>>;
let handlers: Awaited<ReturnType<typeof accountHandlers>>;
let keys: { readonly admin: string; readonly server: string };
const NOON = Date.parse('2026-08-21T12:00:00.000Z');
const DAY = 86_400_000;

beforeAll(async () => {
  world = await startFunctionEngine({ hasAccounts: true });
  handlers = await accountHandlers();
  const [admin, server] = [await world.aKey({ kind: 'admin' }), await world.aKey({ kind: 'service' })];
  keys = { admin: admin.key, server: server.key };
});
afterAll(async () => {
  vi.useRealTimers();
  await world.stop();
});

let people = 0;
/** A new user with a key. */
async function somebody() {
  const name = aUsername(`user-${(people += 1)}`);
  return { name, key: (await world.aKey({ kind: 'personal', username: name })).key };
}
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: NOON }));

async function call(handler: keyof typeof handlers, path: string, draft: RequestDraft) {
  const { statusCode: status, body } = await handlers[handler](anHttpRequest({ ...draft, path }));
  return { ...(JSON.parse(body) as Record<string, string>), status };
}
const rename = (name: string, to: unknown, key: string) =>
  call('accounts', `/v1/users/${name}/rename`, { key, body: { to } });
const award = async (username: string, awardId: string) =>
  call('award', '/v1/awards', { key: keys.server, body: { awardId, username, points: 5, reason: 'r' } });
const holderOf = async (awardId: string): Promise<string> =>
  (await world.itemsOf(world.tables.score_grants)).find(({ pk }) => pk === `GRANT#award:${awardId}`)!.username;
const idOf = async (key: string) =>
  (await call('keys', '/api/whoami', { method: 'GET', key })) as unknown as { accountId: string; username: string };
const accounts = () => world.itemsOf(world.tables.accounts);

describe('an account', () => {
  it('is created once, even if several requests name it at the same time', async () => {
    const name = aUsername(`user-${(people += 1)}`);
    await Promise.all([1, 2, 3, 4].map((n) => award(name, `${name}-${n}`)));

    const holders = await Promise.all([1, 2, 3, 4].map((n) => holderOf(`${name}-${n}`)));
    expect(new Set(holders).size).toBe(1);
    expect(holders[0]).toMatch(/^acc_[a-z2-7]{16}$/);
  });

  it('is named by its id in all that is stored', async () => {
    const { name, key } = await somebody();
    await award(name, `${name}-stored`);
    const event = { event: 'cli_invocation', distinct_id: `${name}'s`.replace(name, 'd'), insert_id: name.slice(5) };
    await call('ingest', '/ingest', { key, body: { ...event, timestamp: new Date(NOON).toISOString() } });

    const others = Object.entries(world.tables).filter(([role]) => role !== 'accounts');
    const texts = await Promise.all(others.map(async ([, table]) => JSON.stringify(await world.itemsOf(table))));
    expect(texts.join('')).not.toContain(`"${name}"`);
    expect(texts.join('')).not.toContain(`USER#${name}`);
  });
});

describe('POST /v1/users/{username}/rename', () => {
  it('gives the account another name, also twice; what comes by either name is its own', async () => {
    const { name, key } = await somebody();
    const { accountId } = await idOf(key);
    const to = `${name}-new`;

    expect(await rename(name, to, key)).toEqual({ status: 200, accountId, username: to, previous: name });
    expect(await rename(to, to, key)).toEqual({ status: 200, accountId, username: to, previous: name });
    expect(await rename(name, to, keys.admin)).toMatchObject({ status: 200, accountId, username: to });
    vi.setSystemTime(NOON + 31_000);
    expect(await idOf(key)).toMatchObject({ accountId, username: to });
    await award(name, `${name}-old`);
    await award(to, `${name}-new`);
    expect([await holderOf(`${name}-old`), await holderOf(`${name}-new`)]).toEqual([accountId, accountId]);
  });

  it('keeps a name for 90 days for the one that gave it up, who may take it back', async () => {
    const [ada, bob] = [await somebody(), await somebody()];
    await rename(ada.name, `${ada.name}-b`, ada.key);

    vi.setSystemTime(NOON + 90 * DAY - 1);
    expect(await rename(bob.name, ada.name, bob.key)).toMatchObject({ status: 409, code: 'username_taken' });
    expect(await rename(`${ada.name}-b`, ada.name, ada.key)).toMatchObject({ status: 200, username: ada.name });
    expect(await rename(bob.name, `${ada.name}-b`, bob.key)).toMatchObject({ status: 409 });
    vi.setSystemTime(NOON + 180 * DAY);
    expect(await rename(bob.name, `${ada.name}-b`, bob.key)).toMatchObject({ status: 200, username: `${ada.name}-b` });
    expect(await rename(ada.name, `${ada.name}-b`, ada.key)).toMatchObject({ status: 409 });
  });

  it('gives a name to one of two that want it at the same time', async () => {
    const [ada, bob] = [await somebody(), await somebody()];
    const to = `${ada.name}-or-${bob.name}`;

    const both = await Promise.all([rename(ada.name, to, ada.key), rename(bob.name, to, bob.key)]);

    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
    const winner = both.find(({ status }) => status === 200)!;
    expect((await accounts()).find(({ sk }) => sk === to)).toMatchObject({
      account: (winner as Record<string, unknown>).accountId,
    });
  });

  it('gives an account one of two names that it asks for at the same time', async () => {
    const { name, key } = await somebody();
    const { accountId } = await idOf(key);
    await Promise.all([rename(name, `${name}-x`, key), rename(name, `${name}-y`, key)]);

    const present = (await accounts()).filter((item) => item.account === accountId && item.heldUntil === undefined);
    expect(present).toHaveLength(1);
  });

  it('loses nothing that the same key sends meanwhile', async () => {
    const { name, key } = await somebody();
    const { accountId } = await idOf(key);
    const send = (n: number) =>
      call('ingest', '/ingest', {
        key,
        body: { event: 'x', distinct_id: `of-${name}`, insert_id: `${n}`, timestamp: new Date(NOON).toISOString() },
      });

    const sent = await Promise.all([send(1), rename(name, `${name}-c`, key), send(2), send(3)]);

    expect(sent.map(({ status }) => status)).toEqual([202, 200, 202, 202]);
    const items = (await world.itemsOf(world.tables.telemetry)).filter(({ pk }) => pk === `DEVICE#of-${name}`);
    expect(items.find(({ sk }) => sk === 'DEVICE')).toMatchObject({ owner: accountId });
    expect(items.filter(({ sk }) => sk.startsWith('HOUR'))).toMatchObject([{ senders: [accountId] }]);
  });

  it('refuses a key without the right, an invalid name and an unknown user, and stores nothing', async () => {
    const [ada, bob] = [await somebody(), await somebody()];
    const before = await accounts();

    expect(await rename(ada.name, `${ada.name}-d`, bob.key)).toMatchObject({ status: 403, code: 'missing_scope' });
    expect(await rename(ada.name, `${ada.name}-d`, keys.server)).toMatchObject({ status: 403, code: 'missing_scope' });
    expect(await rename('nobody-of-them', 'x', keys.admin)).toMatchObject({ status: 404, code: 'unknown_username' });
    expect(await rename(ada.name, 'no name', ada.key)).toMatchObject({ status: 422, code: 'invalid_body' });
    expect(await rename(ada.name, bob.name, ada.key)).toMatchObject({ status: 409, code: 'username_taken' });
    expect(await accounts()).toEqual(before);
  });
});

describe('DELETE /v1/users/{username} is refused, and stores nothing,', () => {
  it('for somebody else, for nobody, without the name once more, and for a part of another account', async () => {
    const [ada, bob, part] = [await somebody(), await somebody(), await somebody()];
    await call('accounts', `/v1/users/${part.name}/merge`, { key: keys.admin, body: { into: bob.name } });
    const leave = (name: string, key: string, confirm: unknown = name) =>
      call('accounts', `/v1/users/${name}`, { method: 'DELETE', key, body: { confirm } });
    const stored = async () => [...(await accounts()), ...(await world.itemsOf(world.tables.user_scores))];
    const before = await stored();

    expect(await leave(ada.name, bob.key)).toMatchObject({ status: 403, code: 'missing_scope' });
    for (const name of ['nobody', '-'])
      expect(await leave(name, keys.admin)).toMatchObject({ status: 404, code: 'unknown_username' });
    for (const wrong of [bob.name, '', 7, null]) {
      const refusal = { status: 422, code: 'invalid_body', details: [{ field: 'confirm' }] };
      expect(await leave(ada.name, ada.key, wrong)).toMatchObject(refusal);
    }
    for (const key of [part.key, keys.admin]) {
      const refusal = { status: 409, code: 'merge_conflict', error: expect.stringContaining(bob.name) };
      expect(await leave(part.name, key)).toMatchObject(refusal);
    }
    expect(await stored()).toEqual(before);
  });
});

describe('the key of an erased account', () => {
  it('stores nothing and is unknown, also in a function that remembers it, whatever it sends', async () => {
    const { name, key } = await somebody();
    const use = (device: string) =>
      call('ingest', '/ingest', {
        key,
        body: { event: 'x', distinct_id: `${name}-${device}`, insert_id: 'a', timestamp: new Date(NOON).toISOString() },
      });
    const publish = (extension: string) =>
      call('publish', '/api/v1/extensions/confirm', {
        key,
        body: { name: `${name}-${extension}`, version: '2026.08.21.1' },
      });
    expect([await use('desk'), await publish('loom')]).toMatchObject([{ status: 202 }, { status: 201 }]);
    const left = { method: 'DELETE', key: keys.admin, body: { confirm: name } };
    expect(await call('accounts', `/v1/users/${name}`, left)).toMatchObject({ status: 202 });

    for (const answer of [await use('lap'), await call('ingest', '/ingest', { key, body: {} }), await publish('lathe')])
      expect(answer).toMatchObject({ status: 401, code: 'unknown_key' });
    const { telemetry, registry } = world.tables;
    const stored = JSON.stringify([await world.itemsOf(telemetry), await world.itemsOf(registry)]);
    expect(['desk', 'loom', 'lap', 'lathe'].map((what) => stored.includes(`${name}-${what}`))).toEqual([
      ...[true, true, false, false],
    ]);
  });
});
