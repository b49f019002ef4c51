import { createHmac } from 'node:crypto';
import * as z from 'zod';
import { AccountId } from '../domain/identity/account.ts';
import { CollectiveSlug } from '../domain/identity/credential.ts';
import { SourceName } from '../domain/hooks/hook-source.ts';
import { isoOf } from '../domain/shared/utc.ts';
import { dynamoHookSources } from '../functions/adapters/dynamodb/hooks/hook-sources.ts';
import type { Deployed } from './deployed.ts';
import { uuidOf } from './events.ts';
import { keyOf } from './wiring.ts';

type Sent = { readonly method: string; readonly path: string; readonly body?: object; readonly headers?: object };
type Request = {
  readonly role: string;
  readonly most: string;
  readonly event: (run: 0 | 1) => Promise<unknown>;
  readonly check: (answer: unknown) => void;
};

const MEMBERS = Array.from({ length: 30 }, (_, n) => AccountId.parse(`user-${n}`));
const SECRET = 'it-is-a-secret-of-github';
const Done = z.object({ statusCode: z.number().min(200).max(299) });

const EVENTS = 2_000;
const DEVICES = 500;

/**
 * The most expensive telemetry of a request: names so long that nine events fill a chunk, each device for another account.
 * `test/functions/costliest-requests.test.ts` counts the calls of every kind.
 */
const telemetry = (run: number) =>
  Array.from({ length: EVENTS }, (_, n) => ({
    event: `n${n}`.padEnd(64, 'x'),
    distinct_id: `device-${run}-${n % DEVICES}`,
    insert_id: `${n}`,
    timestamp: isoOf(Date.now()),
    properties: { username: `sender-${run}-${n % DEVICES}` },
  }));
const awards = (run: number) =>
  Array.from({ length: EVENTS }, (_, n) => ({
    event: 'award',
    distinct_id: 'server',
    properties: { username: `awarded-${run}-${n % DEVICES}`, award_id: `${run}-${n}`, points: 1, reason: 'r' },
  }));

/**
 * The largest requests of the functions behind the API. Public reads are in `public-reads.ts`. Each request uses the
 * accounts and devices of `timeouts.ts`.
 */
export async function largestRequests(deployed: Deployed, heavy: AccountId): Promise<readonly Request[]> {
  const admin = await keyOf(deployed, { kind: 'admin' });
  const service = await keyOf(deployed, { kind: 'service' });
  const guild = await keyOf(deployed, { kind: 'collective', slug: CollectiveSlug.parse('guild'), members: MEMBERS });
  const source = { place: 'github', name: SourceName.parse('bench') } as const;
  await dynamoHookSources(deployed.client, deployed.tables('hook_sources')).create(source, SECRET, isoOf(Date.now()));

  const event = ({ method, path, body, headers = {} }: Sent, key = admin) => ({
    ...{ version: '2.0', routeKey: '$default', rawPath: path, rawQueryString: '', isBase64Encoded: false },
    headers: { 'content-type': 'application/json', 'accept-encoding': 'gzip', 'x-api-key': key, ...headers },
    requestContext: { requestId: 'bench', http: { method, path } },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const request = (role: string, most: string, sent: (run: number) => Sent, key?: string): Request => ({
    ...{ role, most },
    event: async (run) => event(sent(run), key),
    check: (answer) => void Done.parse(answer),
  });
  const hook = (run: number): Sent => {
    const user = { id: 1, login: 'Ada', type: 'User' };
    const issue = { number: run, user, created_at: isoOf(Date.now()) };
    const body = { action: 'opened', repository: { id: 77, full_name: 'Acme/Tool' }, issue };
    const signature = createHmac('sha256', SECRET).update(JSON.stringify(body)).digest('hex');
    const headers = { 'x-github-event': 'issues', 'x-hub-signature-256': `sha256=${signature}` };
    return { method: 'POST', path: '/hooks/github/bench', body, headers };
  };
  const get = (path: string) => (): Sent => ({ method: 'GET', path });
  const post = (path: string, body: object): Sent => ({ method: 'POST', path, body });
  const put = (path: string, body: object): Sent => ({ method: 'PUT', path, body });
  const award = { username: 'user-1', points: 5, reason: 'a talk' };
  const many = `${EVENTS.toLocaleString('en')} events for ${DEVICES} accounts`;
  return [
    request('ingest-telemetry', many, (run) => post('/ingest', { events: telemetry(run) }), service),
    request('ingest-telemetry', `${many}, awards`, (run) => post('/ingest', { events: awards(run) }), service),
    request('import-history', many, (run) => post('/v1/import', { events: telemetry(10 + run) })),
    request('record-award', 'an award', (run) => post('/v1/awards', { ...award, awardId: `bench-${run}` })),
    request('manage-keys', 'a key of a collective of 30', () =>
      post('/v1/keys', { kind: 'collective', slug: 'guild', members: MEMBERS }),
    ),
    request('manage-devices', 'an unbind', (run) =>
      post('/v1/devices/unbind', { distinct_id: uuidOf(`device-${run}`) }),
    ),
    request('set-visibility', 'a choice', (run) => put(`/v1/users/user-${run}/visibility`, { leaderboards: 'hidden' })),
    request('link-logins', 'a link', (run) =>
      put(`/v1/users/user-${run}/logins/github`, { id: 100 + run, login: `login-${run}` }),
    ),
    request('take-hooks', 'an issue', hook),
    request('confirm-publish', 'a collective of 30', () => put('/v1/collectives/guild', { members: MEMBERS })),
    request(
      'confirm-publish',
      'a version that counts for 30',
      (run) => post('/api/v1/extensions/confirm', { name: '@guild/net', version: `2026.08.21.${1 + run}` }),
      guild,
    ),
    request('manage-accounts', 'a merge', (run) => post(`/v1/users/user-${90 + run}/merge`, { into: heavy })),
    request('export-account', 'a page of an export', get(`/v1/users/${heavy}/export`)),
    ...['/', '/community', `/people/${heavy}`].map((path) => request('serve-pages', `the page ${path}`, get(path))),
  ];
}
