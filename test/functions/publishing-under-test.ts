import { afterAll, beforeAll, beforeEach, expect, vi } from 'vitest';
import { anHttpRequest, type RequestDraft } from '../builders/http-request.ts';
import { aUsername } from '../builders/identity.ts';
import { startFunctionEngine, type Answer } from './function-under-test.ts';

type Handler = (event: unknown) => Promise<Answer>;

export const NOON = Date.parse('2026-08-21T12:00:00.000Z');
export const VERSION = '2026.08.21.1';

let names = 0;
/** A name that no other test uses. */
export const aName = (): string => `@acme/net-${(names += 1)}`;
/** The part of a path, as the client writes it. */
export const encoded = (name: string, version?: string): string =>
  encodeURIComponent(name) + (version === undefined ? '' : `@${version}`);

/** The functions of a publish on one engine, with a key of each kind. */
async function startPublishing() {
  const world = await startFunctionEngine();
  const { handler: publish }: { handler: Handler } = await import('../../functions/confirm-publish/handler.ts');
  const { handler: ingest }: { handler: Handler } = await import('../../functions/ingest-telemetry/handler.ts');
  const { handler: manageKeys }: { handler: Handler } = await import('../../functions/manage-keys/handler.ts');
  const secret = async (request: Parameters<typeof world.aKey>[0]) => (await world.aKey(request)).key;
  const [ada, bob, guild] = [aUsername('ada'), aUsername('bob'), aUsername('guild')];
  const keys = {
    ada: await secret({ kind: 'personal', username: ada }),
    bob: await secret({ kind: 'personal', username: bob }),
    guild: await secret({ kind: 'collective', slug: guild, members: [ada, aUsername('cy')] }),
    service: await secret({ kind: 'service' }),
    yanker: await secret({ kind: 'service', scopes: ['extensions:push', 'extensions:yank'] }),
    admin: await secret({ kind: 'admin' }),
    reader: await secret({ kind: 'personal', username: ada, scopes: ['telemetry:write'] }),
  };

  const call = async (handler: Handler, method: string, path: string, draft: RequestDraft = {}) => {
    const answer = await handler(anHttpRequest({ key: keys.ada, ...draft, method, path }));
    const body = answer.body === '' ? undefined : JSON.parse(answer.body);
    return { status: answer.statusCode, headers: answer.headers, body };
  };
  const post = (path: string, body?: unknown, key = keys.ada) =>
    call(publish, 'POST', `/api/v1/extensions/${path}`, { key, ...(body === undefined ? {} : { body }) });
  const confirm = (body: unknown, key = keys.ada) => post('confirm', body, key);
  const itemsOf = (table: 'registry' | 'score_grants' | 'telemetry') => world.itemsOf(world.tables[table]);

  return {
    client: world.client,
    tables: world.tables,
    keys,
    publish,
    ingest,
    manageKeys,
    call,
    post,
    confirm,
    aPersonalKey: (name: string) => secret({ kind: 'personal', username: aUsername(name) }),
    latest: (name: string) => call(publish, 'GET', `/api/v1/extensions/${name}/latest`, { key: undefined }),
    registry: () => itemsOf('registry'),
    grants: () => itemsOf('score_grants'),
    telemetry: () => itemsOf('telemetry'),
    grantOf: async (name: string, version: string, username: string) =>
      (await itemsOf('score_grants')).find(({ pk }) => pk === `GRANT#publish:${name}@${version}:${username}`),
    /** Publishes the versions of a new name. */
    async published(key = keys.ada, versions: readonly string[] = [VERSION]): Promise<string> {
      const name = aName();
      for (const version of versions) expect((await confirm({ name, version }, key)).status).toBe(201);
      return name;
    },
    async stop(): Promise<void> {
      vi.useRealTimers();
      await world.stop();
    },
  };
}

/** The world that all tests of the importing file share. Each test begins at noon. */
export let world: Awaited<ReturnType<typeof startPublishing>>;
beforeAll(async () => {
  world = await startPublishing();
});
afterAll(() => world.stop());
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOON });
});
