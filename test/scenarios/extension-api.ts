import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { stack } from '../support/shared-stack.ts';

/** Every registry call of the real client, recorded against a stub, with the fields that it needs in an answer. */
const Recorded = z.object({
  seq: z.int(),
  call: z.string(),
  note: z.string(),
  request: z.object({
    method: z.string(),
    path: z.string(),
    headers: z.record(z.string(), z.string()),
    bodyKind: z.enum(['none', 'json', 'bytes']),
    body: z.unknown(),
  }),
});
type Recorded = z.infer<typeof Recorded>;

const recording = readFileSync(join(import.meta.dirname, '../fixtures/extension-api.ndjson'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => Recorded.parse(JSON.parse(line)));

let key: string;
beforeAll(async () => {
  key = await aKey({ kind: 'personal', username: 'alice' });
});

async function aKey(request: object): Promise<string> {
  const headers = { 'x-api-key': stack.adminKey, 'content-type': 'application/json' };
  const init = { method: 'POST', headers, body: JSON.stringify(request) };
  return z.object({ key: z.string() }).parse(await (await fetch(`${stack.baseUrl}/v1/keys`, init)).json()).key;
}

/** The recorded call with another key, because the recorded one belonged to another server. */
async function replay({ request: { method, path, headers, bodyKind, body } }: Recorded, sender = key) {
  const known = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'authorization'));
  const keyed = headers['x-api-key'] === undefined ? {} : { authorization: `Bearer ${sender}`, 'x-api-key': sender };
  const response = await fetch(stack.baseUrl + path, {
    method,
    headers: { ...known, ...keyed },
    ...(bodyKind === 'json' ? { body: JSON.stringify(body) } : {}),
    ...(bodyKind === 'bytes' ? { body: new Uint8Array(4) } : {}),
  });
  const text = await response.text();
  return { status: response.status, text };
}

const callsOf = (...calls: readonly string[]) => recording.filter(({ call }) => calls.includes(call));
const first = (call: string, note: RegExp): Recorded =>
  recording.find((recorded) => recorded.call === call && note.test(recorded.note))!;

/** The client's reading of an answer: a value, null if there is nothing, or the message that it shows. */
const asRead = ({ status, text }: { readonly status: number; readonly text: string }): unknown => {
  if (status === 404) return null;
  const body: unknown = JSON.parse(text); // an empty success gives the user a SyntaxError
  if (status >= 200 && status < 300) return body;
  return z.object({ error: z.string() }).parse(body).error;
};

const latest = () => first('getLatestVersion', /never published/);

describe('the real client', () => {
  it('finds its identity, and none for a wrong key', async () => {
    expect(asRead(await replay(first('whoami', /keyed/)))).toMatchObject({
      authenticated: true,
      username: 'alice',
      organizations: [{ slug: 'alice' }],
    });
    expect((await replay(first('whoami', /bad key/), 'swamp_bad')).status).toBe(401);
  });

  it('finds nothing before the first publish', async () => {
    expect(asRead(await replay(latest()))).toBeNull();
    expect(asRead(await replay(first('getLatestVersion', /anonymous/)))).toBeNull();
  });

  it('publishes each version once, and also after a retry', async () => {
    const confirmations = callsOf('confirmPush');
    expect(confirmations.length).toBeGreaterThan(30);
    const seen = new Set<string>();
    for (const recorded of confirmations) {
      const { name, version } = z.object({ name: z.string(), version: z.string() }).parse(recorded.request.body);
      const answer = await replay(recorded);
      const { seq } = recorded;
      expect({ seq, status: answer.status }).toEqual({ seq, status: seen.has(`${name}@${version}`) ? 200 : 201 });
      expect(asRead(answer)).toEqual({ extensionId: name, name, version });
      seen.add(`${name}@${version}`);
    }
    expect(seen.size).toBeGreaterThan(4);
  });

  it("publishes with the additional fields of its largest extensions, up to Lambda's limit", async () => {
    const confirm = first('confirmPush', /minimal/);
    const withModels = (bytes: number): Recorded => ({
      ...confirm,
      request: {
        ...confirm.request,
        body: { name: '@acme/large', version: '2026.11.03.1', models: 'x'.repeat(bytes) },
      },
    });

    expect((await replay(withModels(930_000))).status).toBe(201);
    expect((await replay(withModels(6_000_000))).status).toBe(200);
    expect((await replay(withModels(6_300_000))).status).toBe(413);
  });

  it('reads the newest stable version by its number, and finds none in the channel of a nested name', async () => {
    const newest = { version: '2026.11.04.1', publisher: 'alice', publishedAt: expect.any(String) };

    expect(asRead(await replay(latest()))).toMatchObject({
      latestVersion: newest.version,
      latestVersionDetail: newest,
    });
    expect(asRead(await replay(first('getLatestVersion', /anonymous/)))).toBeNull();
  });

  it('is told that another account has published, and which scope it lacks', async () => {
    const confirm = first('confirmPush', /ok 201/);
    const other = await replay(confirm, await aKey({ kind: 'personal', username: 'mallory' }));
    const reader = await replay(
      confirm,
      await aKey({ kind: 'personal', username: 'rita', scopes: ['telemetry:write'] }),
    );

    expect(other.status).toBe(409);
    expect(asRead(other)).toMatch(/alice/);
    expect(reader.status).toBe(403);
    expect(/requires the (.+?) scope/.exec(String(asRead(reader)))?.[1]).toBe('extensions:push');
  });

  it('yanks and restores one version and all, with and without a body', async () => {
    const changes = callsOf('yankExtension', 'unyankExtension').filter(({ note }) => note !== '404');
    expect(changes.length).toBeGreaterThan(8);
    for (const recorded of changes) {
      const answer = await replay(recorded);
      expect({ seq: recorded.seq, status: answer.status }).toEqual({ seq: recorded.seq, status: 200 });
      expect(asRead(answer)).toEqual({ message: expect.any(String) });
    }
    expect((await replay(first('yankExtension', /^404$/))).status).toBe(404);
  });

  it('gets a 404 with a message for paths that Laurel does not have', async () => {
    const answered = [
      'whoami',
      'getLatestVersion',
      'getLatestVersionDetail',
      'confirmPush',
      'yankExtension',
      'unyankExtension',
    ];
    const others = recording.filter(({ call }) => !answered.includes(call));
    expect(new Set(others.map(({ call }) => call)).size).toBeGreaterThan(8);
    for (const recorded of others) {
      const { status, text } = await replay(recorded);
      expect({ seq: recorded.seq, status }).toEqual({ seq: recorded.seq, status: 404 });
      expect(z.object({ error: z.string() }).safeParse(JSON.parse(text)).success).toBe(true);
    }
  });
});

describe('the path of a publish: confirm → stream → queue → refresh', () => {
  const points = async (username: string) => {
    await stack.drain();
    const Score = z.object({
      scoreSources: z.record(z.string(), z.object({ points: z.int() })),
      balance: z.object({ totalScore: z.int(), grants: z.int() }),
    });
    const { scoreSources, balance } = Score.parse(await (await fetch(`${stack.baseUrl}/v1/scores/${username}`)).json());
    return {
      publishes: scoreSources['content:extension-publishes']?.points,
      pulls: scoreSources['content:extension-pulls']?.points,
      ledger: balance.totalScore,
    };
  };
  const send = async (path: string, sender: string, body: object) => {
    const headers = { 'x-api-key': sender, 'content-type': 'application/json' };
    const { status } = await fetch(stack.baseUrl + path, { method: 'POST', headers, body: JSON.stringify(body) });
    expect(status).toBeLessThan(300);
  };

  it('gives 500 points for a version, 1,000 for two and 5,000 for eleven, first and later ones alike', async () => {
    const [ada, service] = [await aKey({ kind: 'personal', username: 'ada' }), await aKey({ kind: 'service' })];
    const publish = async (name: string, version: string) => {
      await send('/api/v1/extensions/confirm', ada, { name, version });
      const properties = { extension_name: name, version, username: 'ada' };
      await send('/ingest', service, { event: 'extension_published', distinct_id: 'registry', properties });
    };

    await publish('@ada/first', '2026.11.03.1');
    expect(await points('ada')).toEqual({ publishes: 500, pulls: 0, ledger: 500 });
    await publish('@ada/first', '2026.11.03.2');
    expect(await points('ada')).toEqual({ publishes: 1_000, pulls: 0, ledger: 1_000 });
    for (let n = 3; n <= 11; n += 1) await publish(n % 2 === 0 ? '@ada/first' : `@ada/other-${n}`, `2026.11.03.${n}`);
    expect(await points('ada')).toEqual({ publishes: 5_000, pulls: 0, ledger: 5_000 });

    await send('/api/v1/extensions/%40ada%2Ffirst/yank', ada, { reason: 'broken' });
    expect(await points('ada')).toEqual({ publishes: 2_500, pulls: 0, ledger: 5_000 });
    await send('/api/v1/extensions/%40ada%2Ffirst/unyank', ada, {});
    expect(await points('ada')).toEqual({ publishes: 5_000, pulls: 0, ledger: 5_000 });
  });

  it('credits pulls to the accounts in the registry, without own pulls, whether a device is bound before or after', async () => {
    const guild = await aKey({ kind: 'collective', slug: 'guild', members: ['bea', 'cid'] });
    const [service, bea] = [await aKey({ kind: 'service' }), await aKey({ kind: 'personal', username: 'bea' })];
    const of = { extension_name: '@guild/tool', version: '2026.11.03.1' };
    const pull = (device: string, username?: string) =>
      send('/ingest', service, {
        event: 'extension_pulled',
        distinct_id: device,
        properties: { ...of, ...(username === undefined ? {} : { username }) },
      });
    await send('/api/v1/extensions/confirm', guild, { name: of.extension_name, version: of.version });
    for (const [device, username] of [['d1'], ['d1'], ['d2'], ['d3', 'bea'], ['d4', 'dora']] as const) {
      await pull(device, username);
    }

    expect(await points('bea')).toEqual({ publishes: 500, pulls: 15, ledger: 500 });
    expect(await points('cid')).toEqual({ publishes: 500, pulls: 20, ledger: 500 });

    const now = new Date().toISOString();
    await send('/ingest', bea, { event: 'cli_invocation', distinct_id: 'd1', insert_id: 'bind', timestamp: now });
    expect((await points('bea')).pulls).toBe(10);
    expect((await points('cid')).pulls).toBe(20);
  });
});
