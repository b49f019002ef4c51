import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { SourceName, type HookSources } from '../../domain/hooks/hook-source.ts';
import { dynamoHookSources } from '../../functions/adapters/dynamodb/hooks/hook-sources.ts';
import { dynamoLogins } from '../../functions/adapters/dynamodb/telemetry/logins.ts';
import { anOpenedIssue, aUser, signatureOf } from '../builders/hooks.ts';
import { anHttpRequest } from '../builders/http-request.ts';
import { aUsername } from '../builders/identity.ts';
import { startFunctionEngine, type Answer } from './function-under-test.ts';

const NOW = '2026-08-21T12:00:00.000Z';
let world: Awaited<ReturnType<typeof startFunctionEngine>>;
let handler: (event: unknown) => Promise<Answer>;
let sources: HookSources;

beforeAll(async () => {
  world = await startFunctionEngine();
  ({ handler } = await import('../../functions/take-hooks/handler.ts'));
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse(NOW) });
  sources = dynamoHookSources(world.client, world.tables.hook_sources);
});
afterAll(async () => {
  vi.useRealTimers();
  await world.stop();
});

/** Each test has a source of its own, and issues of its own. */
let number = 100;
let name: SourceName;
const SECRET = 'it-is-a-secret-of-github';
const source = () => ({ place: 'github', name }) as const;
beforeEach(async () => {
  number += 1;
  name = SourceName.parse(`source-${number}`);
  await sources.create(source(), SECRET, NOW);
});

type Sent = {
  readonly path?: string;
  readonly secret?: string;
  readonly signature?: string | undefined;
  readonly body?: string | Uint8Array;
  readonly event?: string;
  readonly type?: string;
};
async function send(sent: Sent = {}) {
  const { path = `/hooks/github/${name}`, secret = SECRET, event = 'issues', type = 'application/json' } = sent;
  const body = sent.body ?? JSON.stringify(anOpenedIssue(number));
  const signature = 'signature' in sent ? sent.signature : signatureOf(secret, body);
  const headers = {
    'content-type': type,
    'x-github-event': event,
    ...(signature === undefined ? {} : { 'x-hub-signature-256': signature }),
  };
  const { statusCode: status, body: text, ...rest } = await handler(anHttpRequest({ path, body, headers }));
  return { status, ...JSON.parse(text), headers: rest.headers };
}
const facts = async () => (await world.itemsOf(world.tables.telemetry)).filter(({ sk }) => sk.endsWith(`#${number}`));

const ACCEPTED = { status: 202, accepted: 1, duplicates: 0, ignored: 0 };
const BAD = { status: 401, code: 'bad_signature' };

describe('a signed hook', () => {
  it('is stored once, and answered 202 each time', async () => {
    expect(await send()).toMatchObject(ACCEPTED);
    expect(await send()).toMatchObject({ status: 202, accepted: 0, duplicates: 1, ignored: 0 });

    expect(await facts()).toMatchObject([
      { pk: 'USER#gh-ada', sk: `ISSUE#acme/tool#${number}`, hour: '2026-08-20T10' },
    ]);
  });

  it('is answered 202 if it is ignored', async () => {
    expect(await send({ event: 'star', body: '{"action": "created"}' })).toMatchObject({
      status: 202,
      accepted: 0,
      duplicates: 0,
      ignored: 1,
      reason: 'nothing is counted for star.created',
    });
  });

  it('counts for the account that the login is linked to', async () => {
    const logins = dynamoLogins(world.client, world.tables.telemetry);
    await logins.link(aUsername('brin'), { place: 'github', id: 4_000, login: 'Brin' });
    await send({ body: JSON.stringify(anOpenedIssue(number, aUser('brin-of-old', 4_000))) });

    expect(await facts()).toMatchObject([{ pk: 'USER#brin' }]);
  });

  it('is checked over the bytes that were sent, however the gateway hands them on', async () => {
    const spaced = `\ufeff{ "unknown":"é \\u00e9", ${JSON.stringify(anOpenedIssue(number)).slice(1)}\n`;

    expect(await send({ body: spaced })).toMatchObject(ACCEPTED);
    expect(await send({ body: Buffer.from(spaced) })).toMatchObject({ status: 202, duplicates: 1 }); // in base64
    expect(await send({ body: Buffer.from(spaced.trim()), signature: signatureOf(SECRET, spaced) })).toMatchObject(BAD);
  });

  it('may come as a form, which is what GitHub sends by default', async () => {
    const body = `payload=${encodeURIComponent(JSON.stringify(anOpenedIssue(number)))}`;

    expect(await send({ body, type: 'application/x-www-form-urlencoded' })).toMatchObject(ACCEPTED);
  });

  it.each<[what: string, body: string | Uint8Array, code: string]>([
    ['no JSON', 'payload', 'invalid_json'],
    ['nothing', '', 'invalid_json'],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'invalid_json'],
  ])('of %s is refused', async (_what, body, code) => {
    expect(await send({ body })).toMatchObject({ status: 400, code });
  });
});

describe('a hook without a valid signature', () => {
  const own = () => JSON.stringify(anOpenedIssue(number));
  it.each<[what: string, sent: () => Sent]>([
    ['none', () => ({ signature: undefined })],
    ['that of another secret', () => ({ secret: 'another' })],
    ['an empty secret', () => ({ secret: '' })],
    ['that of another body', () => ({ signature: signatureOf(SECRET, `${own()} `) })],
    ['a short one', () => ({ signature: signatureOf(SECRET, own()).slice(0, -1) })],
    ['one without its prefix', () => ({ signature: signatureOf(SECRET, own()).slice(7) })],
    ['SHA-1 alone', () => ({ signature: `sha1=${'0'.repeat(40)}` })],
    ['no hexadecimal digits', () => ({ signature: `sha256=${'x'.repeat(64)}` })],
    ['the right one in capitals', () => ({ signature: signatureOf(SECRET, own()).toUpperCase() })],
    ['an unknown source', () => ({ path: '/hooks/github/nobody' })],
    ['a source of another place', () => ({ path: `/hooks/discourse/${name}` })],
    ['a name that no source can have', () => ({ path: `/hooks/github/${'%20'.repeat(2_000)}` })],
  ])('is refused, and stores nothing: %s', async (_what, sent) => {
    const before = await world.itemsOf(world.tables.telemetry);

    expect(await send(sent())).toMatchObject({
      ...BAD,
      headers: expect.not.objectContaining({ 'access-control-allow-origin': '*' }),
    });
    expect(await world.itemsOf(world.tables.telemetry)).toEqual(before);
  });

  it('is refused in the same words, whether the source is unknown or the signature is wrong', async () => {
    const [unknown, wrong, missing] = [
      await send({ path: '/hooks/github/nobody' }),
      await send({ secret: 'another' }),
      await send({ signature: undefined }),
    ];

    expect([wrong, missing]).toEqual([unknown, unknown]);
  });
});

describe('a secret', () => {
  const answers = async (...secrets: string[]) => {
    const all = [];
    for (const secret of secrets) all.push((await send({ secret })).status);
    return all;
  };

  it('is valid beside the one before while they are rotated, and alone afterwards', async () => {
    expect(await answers(SECRET, 'newer')).toEqual([202, 401]);
    expect(await sources.rotate(source(), 'newer', NOW)).toBe('rotated');
    expect(await answers(SECRET, 'newer')).toEqual([202, 202]);
    expect(await sources.endRotation(source())).toBe('ended');
    expect(await answers(SECRET, 'newer')).toEqual([401, 202]);
  });

  it('is gone with its source', async () => {
    await sources.remove(source());

    expect(await answers(SECRET)).toEqual([401]);
  });
});

describe('a hook of Discourse', () => {
  it('is checked by its own headers', async () => {
    const forum = { place: 'discourse', name } as const;
    await sources.create(forum, SECRET, NOW);
    const body = JSON.stringify({ post: { id: number, user_id: 7, username: 'Ada', created_at: NOW, post_type: 1 } });
    const ask = async (signature: string) => {
      const headers = { 'x-discourse-event': 'post_created', 'x-discourse-event-signature': signature };
      const { statusCode: status, body: text } = await handler(
        anHttpRequest({ path: `/hooks/discourse/${name}`, body, headers }),
      );
      return { status, ...JSON.parse(text) };
    };

    expect(await ask(signatureOf(SECRET, body))).toMatchObject(ACCEPTED);
    expect(await ask(signatureOf('another', body))).toMatchObject(BAD);
    const grants = await world.itemsOf(world.tables.score_grants);
    expect(grants).toContainEqual(expect.objectContaining({ pk: `GRANT#feed-post:${number}`, username: 'dc-ada' }));
  });
});
