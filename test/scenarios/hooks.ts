import { generateKeyPairSync, sign } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { request } from 'node:http';
import { join } from 'node:path';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { anOpenedIssue, aUser, signatureOf } from '../builders/hooks.ts';
import { operate } from '../support/operator.ts';
import { stack } from '../support/shared-stack.ts';
import { temporaryDirectory, until } from '../support/stack.ts';

/** From a signed request to the score, on the whole stack. */
const laurel = (...args: readonly string[]) => operate(stack.dataDirectory, ...args);
beforeAll(() => stack.publish());

const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
  const response = await fetch(stack.baseUrl + path, {
    method,
    headers: { 'x-api-key': stack.adminKey, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, ...(text === '' ? {} : JSON.parse(text)) };
};
const deliver = (path: string, secret: string, event: string, hook: object) => {
  const body = JSON.stringify(hook);
  const names = path.includes('/github/')
    ? { event: 'x-github-event', signature: 'x-hub-signature-256' }
    : { event: 'x-discourse-event', signature: 'x-discourse-event-signature' };
  return call('POST', path, body, { [names.event]: event, [names.signature]: signatureOf(secret, body) });
};
const scoreOf = (username: string) => call('GET', `/v1/scores/${username}`);
const scored = (username: string, points: number) =>
  until(async () => (await scoreOf(username)).canonicalScore === points);

it('scores what happens on GitHub once: by hook, by client, by another delivery', async () => {
  const created = await laurel('sources', 'create', 'github', 'acme');
  expect(created).toMatchObject({ code: 0, said: { path: '/hooks/github/acme' } });
  const { path, secret } = created.said;
  expect(await laurel('sources', 'create', 'github', 'acme')).toMatchObject({ code: 1 });
  expect(JSON.stringify((await laurel('sources', 'list')).said)).not.toContain(secret);

  const issue = anOpenedIssue(7, aUser('Octo-Cat', 583_231));
  expect(await deliver(path, secret, 'issues', issue)).toMatchObject({ status: 202, accepted: 1 });
  expect(await deliver(path, secret, 'issues', issue)).toMatchObject({ status: 202, duplicates: 1 });
  await scored('gh-octo-cat', 50);

  // The same issue from a client or an import, also by a later name of its repository.
  const renamed = { ...issue, issue: { ...issue.issue, number: 8 }, repository: { id: 77, full_name: 'acme/renamed' } };
  expect(await deliver(path, secret, 'issues', renamed)).toMatchObject({ accepted: 1 });
  for (const issue_id of ['Acme/Tool#7', 'acme/tool#8', 'acme/renamed#7', 'ACME/renamed#8']) {
    const event = { event: 'issue_created', distinct_id: 'x', properties: { issue_id, username: 'gh-octo-cat' } };
    expect(await call('POST', '/ingest', event)).toMatchObject({ status: 202, accepted: 0, duplicates: 1 });
  }
  await scored('gh-octo-cat', 100);

  const rotated = (await laurel('sources', 'rotate', 'github', 'acme')).said.secret;
  const statuses = async () => [
    (await deliver(path, secret, 'ping', {})).status,
    (await deliver(path, rotated, 'ping', {})).status,
  ];
  expect(await statuses()).toEqual([202, 202]);
  expect(await laurel('sources', 'rotate', 'github', 'acme')).toMatchObject({ code: 1 });
  await laurel('sources', 'end-rotation', 'github', 'acme');
  expect(await statuses()).toEqual([401, 202]);
  await laurel('sources', 'delete', 'github', 'acme');
  expect(await statuses()).toEqual([401, 401]);
  expect((await laurel('sources', 'list')).said).toEqual({ sources: [] });
});

it('counts for the linked account, from a forum as well', async () => {
  const { path, secret } = (await laurel('sources', 'create', 'discourse', 'forum')).said;
  const link = (username: string, id: number) =>
    call('PUT', `/v1/users/${username}/logins/discourse`, { id, login: 'Ada' });
  expect(await link('ivy', 6)).toMatchObject({ status: 200, username: 'ivy', id: 6, login: 'Ada' });
  expect(await link('ivy', 7)).toMatchObject({ status: 200, id: 7 });
  expect(await link('brin', 7)).toMatchObject({ status: 409, code: 'login_conflict' });
  expect(await link('brin', 0)).toMatchObject({ status: 422, code: 'invalid_body', details: [{ field: 'id' }] });

  const post = (id: number) => ({ post: { id, user_id: 7, username: 'Ada', created_at: new Date(), post_type: 1 } });
  expect(await deliver(path, secret, 'post_created', post(1))).toMatchObject({ status: 202, accepted: 1 });
  expect(await deliver(path, secret, 'user_logged_in', { user: { id: 7, username: 'Ada' } })).toMatchObject({
    accepted: 1,
  });
  await scored('ivy', 110);

  expect(await call('DELETE', '/v1/users/ivy/logins/discourse')).toEqual({ status: 204 });
  expect(await call('DELETE', '/v1/users/nobody/logins/discourse')).toMatchObject({
    status: 404,
    code: 'unknown_username',
  });
  await deliver(path, secret, 'post_created', post(2));
  await scored('dc-ada', 100);

  // The login's earlier facts count for the linked account, once. After the link ends, each has its own facts again.
  for (let time = 0; time < 2; time += 1) {
    expect(await link('ivy', 7)).toMatchObject({ status: 200 });
    expect(await link('ivy', 7)).toMatchObject({ status: 200 });
    await scored('ivy', 210);
    await scored('dc-ada', 210);
    expect(await call('DELETE', '/v1/users/ivy/logins/discourse')).toEqual({ status: 204 });
    expect(await call('DELETE', '/v1/users/ivy/logins/discourse')).toEqual({ status: 204 });
    await scored('ivy', 110);
    await scored('dc-ada', 100);
  }

  // Another login in its place ends the merge of the first one. Facts from before the link do not count a second time.
  await link('ivy', 7);
  await scored('ivy', 210);
  expect(await deliver(path, secret, 'post_created', post(2))).toMatchObject({ accepted: 0, duplicates: 1 });
  const other = await call('PUT', '/v1/users/ivy/logins/discourse', { id: 8, login: 'Ada.L' });
  expect(other).toMatchObject({ status: 200, login: 'Ada.L' });
  await scored('ivy', 110);
});

it('counts for an account that was linked before anything happened, by whatever way it is told', async () => {
  const { path, secret } = (await laurel('sources', 'create', 'github', 'later')).said;
  const linked = await call('PUT', '/v1/users/newcomer/logins/github', { id: 31, login: 'New-Comer' });
  expect(linked).toMatchObject({ status: 200 });
  expect(await scoreOf('newcomer')).toMatchObject({ status: 404, code: 'unknown_username' });

  const told = (issue_id: string) => ({ issue_id, username: 'gh-new-comer' });
  const sent = (issue_id: string) =>
    call('POST', '/ingest', { event: 'issue_created', distinct_id: 'x', properties: told(issue_id) });
  expect(await sent('acme/tool#31')).toMatchObject({ accepted: 1 });
  await scored('newcomer', 50);
  const [issue, other] = [31, 32].map((number) => anOpenedIssue(number, aUser('New-Comer', 31)));
  expect(await deliver(path, secret, 'issues', issue!)).toMatchObject({ duplicates: 1 });
  expect(await deliver(path, secret, 'issues', other!)).toMatchObject({ accepted: 1 });
  await scored('newcomer', 100);
  expect(await scoreOf('gh-new-comer')).toMatchObject({ username: 'newcomer', canonicalScore: 100 });
});

it('links the logins of a signed list, and nothing of one that was changed', async () => {
  const directory = temporaryDirectory();
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const write = (name: string, content: string | Buffer) => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const lines = [
    { username: 'listed', id: 41, login: 'List-Ed' },
    { username: 'listed', place: 'discourse', id: 42, login: 'listed' },
    { username: 'listed-too', id: 41, login: 'List-Ed' },
    { username: 'listed-too', id: 0, login: '' },
  ];
  const content = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  const list = write('logins.ndjson', content);
  const signature = write('logins.sig', sign(null, Buffer.from(content), privateKey));
  const key = write('community.pem', publicKey.export({ type: 'spki', format: 'pem' }));
  const link = (...more: string[]) =>
    laurel('users', 'link-logins', list, '--signature', signature, '--public-key', key, ...more);

  expect((await link()).said).toMatchObject({ dryRun: true, accepted: 3, refused: [{ line: 4 }] });
  for (let time = 0; time < 2; time += 1) {
    expect(await link('--yes')).toMatchObject({
      code: 3,
      said: { lines: 4, accepted: 2, refused: [{ line: 3 }, { line: 4 }] },
    });
  }
  const { path, secret } = (await laurel('sources', 'create', 'github', 'listed')).said;
  await deliver(path, secret, 'issues', anOpenedIssue(41, aUser('List-Ed', 41)));
  await scored('listed', 50);

  write('logins.ndjson', content.replace('listed-too', 'mallory'));
  expect(await link('--yes')).toMatchObject({ code: 1, said: { code: 'bad_signature' } });
});

it('takes recorded hooks of every kind', async () => {
  const { path, secret } = (await laurel('sources', 'create', 'github', 'recorded')).said;
  const recorded: readonly { name: string; examples: readonly object[] }[] = createRequire(import.meta.url)(
    '@octokit/webhooks-examples',
  );
  const counts = { accepted: 0, duplicates: 0, ignored: 0 };
  for (const { name, examples } of recorded) {
    for (const body of examples.slice(0, name === 'issues' ? 18 : 1)) {
      const { status, accepted, duplicates, ignored } = await deliver(path, secret, name, body);
      expect(status).toBe(202);
      counts.accepted += accepted;
      counts.duplicates += duplicates;
      counts.ignored += ignored;
    }
  }

  // One issue in three deliveries, and a release; the rules of the tests score no reviews and answers.
  expect(counts).toEqual({ accepted: 2, duplicates: 2, ignored: recorded.length + 17 - 4 });
  await scored('gh-codertocat', 150);
});

it('leaves a body beyond 6 MB to the gateway, which answers 413', async () => {
  const { hostname, port } = new URL(stack.baseUrl);
  const body = Buffer.alloc(25 * 1024 * 1024, ' ');
  const status = await new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method: 'POST', path: '/hooks/github/acme' }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    });
    sent.on('error', reject).end(body);
  });

  expect(status).toBe(413);
});
