import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { grantPoints } from '../../domain/grants/grant-points.ts';
import { pageOfExport, placeOf } from '../../domain/identity/account-export.ts';
import { wrongTextsOf } from '../../domain/grants/commitment.ts';
import { dynamoAccountExport } from '../../functions/adapters/dynamodb/identity/account-export.ts';
import { dynamoGrantLedger } from '../../functions/adapters/dynamodb/grants/grant-ledger.ts';
import { toItem } from '../../functions/adapters/dynamodb/shared/format.ts';
import { anAward } from '../builders/grants.ts';
import { anHttpRequest } from '../builders/http-request.ts';
import { aUsername, sha256 } from '../builders/identity.ts';
import { grantsOf } from '../builders/memory-ledger.ts';
import { startFunctionEngine, type Answer } from './function-under-test.ts';

let world: Awaited<ReturnType<typeof startFunctionEngine>>;
let exportAccount: (event: unknown) => Promise<Answer>;
const keys: Record<string, string> = {};
const LINES = 450;
const START = { part: 0, after: '' };

beforeAll(async () => {
  world = await startFunctionEngine();
  ({ handler: exportAccount } = await import('../../functions/export-account/handler.ts'));
  const handlers = {
    ingest: (await import('../../functions/ingest-telemetry/handler.ts')).handler,
    publish: (await import('../../functions/confirm-publish/handler.ts')).handler,
  };
  for (const name of ['ada', 'bob', 'zoe'])
    keys[name] = (await world.aKey({ kind: 'personal', username: aUsername(name), label: `laptop of ${name}` })).key;
  keys.admin = (await world.aKey({ kind: 'admin' })).key;
  keys.service = (await world.aKey({ kind: 'service' })).key;
  const send = async (by: keyof typeof handlers, key: string | undefined, path: string, body: unknown) => {
    const answer = await handlers[by](anHttpRequest({ key: keys[key ?? ''], path, body }));
    expect([path, answer.statusCode < 300, answer.body]).toEqual([path, true, answer.body]);
  };
  const event = (device: string, id: string) => ({
    ...{ event: 'cli_invocation', distinct_id: device, insert_id: id, timestamp: new Date().toISOString() },
    properties: { invocation: { command: 'model' } },
  });
  await send('ingest', undefined, '/ingest', { events: [event('laptop', 'before')] });
  await send('ingest', 'ada', '/ingest', { events: [event('laptop', 'e1'), event('laptop', 'e2')] });
  await send('ingest', 'bob', '/ingest', { events: [event('laptop', 'of-bob'), event('phone', 'e4')] });
  await send('ingest', 'service', '/ingest', {
    events: [{ event: 'issue_created', distinct_id: 'tracker', properties: { issue_id: 'i1', username: 'ada' } }],
  });
  await send('publish', 'ada', '/api/v1/extensions/confirm', { name: '@ada/tool', version: '2026.08.21.1' });
  await world.client.send(
    new PutItemCommand({
      TableName: world.tables.user_scores,
      Item: toItem('profile', { pk: 'USER#ada', sk: 'PROFILE', isHidden: true }),
    }),
  );
  const deps = { ...grantsOf(), ledger: dynamoGrantLedger(world.client, world.tables.score_grants) };
  const reason = 'r'.repeat(300);
  await grantPoints(
    deps,
    Array.from({ length: LINES }, (_, n) => anAward(`a${n}`, 1, { reason })),
  );
});
afterAll(() => world.stop());

const get = async (key: string | undefined, query = '', username = 'ada') => {
  const path = `/v1/users/${username}/export`;
  const { statusCode, body } = await exportAccount(anHttpRequest({ key: keys[key ?? ''], method: 'GET', path, query }));
  return { status: statusCode, body: JSON.parse(body), size: body.length };
};
/** Every page of an export. */
async function all(username = 'ada', key = 'ada') {
  const pages = [await get(key, '', username)];
  for (let next = pages[0]!.body.next; next !== undefined; next = pages.at(-1)!.body.next)
    pages.push(await get(key, `cursor=${next}`, username));
  return { pages, items: pages.flatMap(({ body }) => body.items) };
}

describe('an export', () => {
  it('holds all that is stored of the account, each item once, and nothing of anybody else', async () => {
    const { items } = await all();
    const of = (kind: string) => items.filter((item: { kind: string }) => item.kind === kind);

    expect(new Set(items.map(({ kind, key }: Record<string, string>) => `${kind} ${key}`)).size).toBe(items.length);
    expect(of('grant')).toHaveLength(LINES + 1);
    for (const line of of('grant')) expect(wrongTextsOf(line, sha256)).toEqual([]);
    expect(of('balance')).toMatchObject([{ seq: LINES + 1, totalScore: LINES + 500 }]);
    expect(of('profile')).toMatchObject([{ isHidden: true }]);
    expect(of('report')).toMatchObject([{ key: 'ISSUE#i1' }]);
    expect(of('credited-version')).toMatchObject([{ key: 'VERSION#@ada/tool@2026.08.21.1' }]);
    expect(of('device')).toMatchObject([{ key: 'laptop', owner: 'ada' }]);
    // The anonymous one from before is the owner's; the one of another key is that account's.
    expect(of('device-hour').flatMap(({ events }: { events: object[] }) => events)).toHaveLength(3);
    expect(of('key')).toMatchObject([{ label: 'laptop of ada', account: 'ada' }]);
    expect(JSON.stringify(of('key'))).not.toContain(sha256(keys.ada!));
    expect(JSON.stringify(items)).not.toMatch(/bob|phone/u);

    const stored = (await Promise.all(Object.values(world.tables).map((table) => world.itemsOf(table)))).flat();
    const own = stored.filter(({ pk }) => /^(?:USER|PUBLISHER|AUTHOR|MEMBER)#ada$/u.test(pk));
    const rows = own.map(({ sk }) => sk as string).sort();
    const given = new Set(items.map(({ key }: { key: string }) => key));
    expect(rows.length).toBeGreaterThan(4);
    expect(rows.filter((sk) => !given.has(sk))).toEqual([]);
  });

  it('of a device that somebody else owns holds the events of the own key only', async () => {
    const { items } = await all('bob', 'admin');
    const hours = items.filter(({ kind }: { kind: string }) => kind === 'device-hour');

    expect(hours.map(({ device, events }: { device: string; events: object[] }) => [device, events.length])).toEqual([
      ['laptop', 1],
      ['phone', 1],
    ]);
  });

  it('comes in pages under 5 MB, however long the lines', async () => {
    const account = dynamoAccountExport(world.client, {
      ...{
        accounts: world.tables.accounts,
        telemetry: world.tables.telemetry,
        registry: world.tables.registry,
        grants: world.tables.score_grants,
      },
      ...{ scores: world.tables.user_scores, credentials: world.tables.credentials },
    });
    const huge = { step: async () => ({ items: [{ kind: 'x', key: 'x'.repeat(900_000) }], next: START }) };

    expect(JSON.stringify(await pageOfExport(huge, aUsername(), START)).length).toBeLessThan(5_000_000);
    expect(JSON.stringify(await pageOfExport(account, aUsername(), START)).length).toBeLessThan(5_000_000);
    const part = await account.step('ada', { part: 7, after: '' });
    expect(part.items).toHaveLength(200);
    expect((await account.step('ada', part.next!)).items[0]).toMatchObject({ seq: 201 });
  });

  it.each([
    ['no key', undefined, '', 'ada', 401, 'unknown_key'],
    ["somebody else's key", 'bob', '', 'ada', 403, 'missing_scope'],
    ["a service's key", 'service', '', 'ada', 403, 'missing_scope'],
    ['a cursor of its own', 'ada', 'cursor=x', 'ada', 400, 'invalid_query'],
  ])('refuses %s', async (_what, key, query, username, status, code) => {
    expect(await get(key, query, username)).toMatchObject({ status, body: { code } });
  });

  it('understands only cursors of an export', () => {
    expect(placeOf(Buffer.from('[3,"SEQ"]').toString('base64url'))).toEqual({ part: 3, after: 'SEQ' });
    for (const other of ['', 'null', '{}', '[-1,""]', '[1]'])
      expect(placeOf(Buffer.from(other).toString('base64url'))).toBeUndefined();
  });
});
