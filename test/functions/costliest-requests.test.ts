import { createHash } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import { createServer } from 'node:http';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { IngestReport } from '../../domain/telemetry/ingest-telemetry.ts';
import { dynamoRegistry } from '../../functions/adapters/dynamodb/registry/registry.ts';
import { dynamoCollectives } from '../../functions/adapters/dynamodb/identity/collectives.ts';
import { aPublication, aVersion } from '../adapters/a-publication.ts';
import { anHttpRequest } from '../builders/http-request.ts';
import { aUsername } from '../builders/identity.ts';
import { startFunctionEngine, type Answer } from './function-under-test.ts';

const EVENTS = 2_000;
const HOUR = 3_600_000;

let world: Awaited<ReturnType<typeof startFunctionEngine>>;
type Handler = (event: unknown) => Promise<Answer>;
let ingest: Handler;
let importHistory: Handler;
let keys: Record<'none' | 'personal' | 'service' | 'admin', string | undefined>;
const refreshed: string[] = [];
const queue = createServer((request, response) => {
  let body = '';
  request.on('data', (part) => (body += part));
  request.on('end', () => {
    const { Entries } = JSON.parse(body) as { Entries: { Id: string; MessageBody: string }[] };
    refreshed.push(...Entries.map(({ MessageBody }) => (JSON.parse(MessageBody) as { username: string }).username));
    const Successful = Entries.map(({ Id, MessageBody }) => ({
      Id,
      MessageId: Id,
      MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex'),
    }));
    response.setHeader('content-type', 'application/x-amz-json-1.0').end(JSON.stringify({ Successful }));
  });
});
let calls = 0;
const onCall = () => void (calls += 1);

beforeAll(async () => {
  world = await startFunctionEngine({ hasAccounts: true });
  await new Promise<void>((resolve) => queue.listen(0, '127.0.0.1', resolve));
  const { port } = queue.address() as { port: number };
  vi.stubEnv('SCORE_REFRESH_QUEUE_URL', `http://127.0.0.1:${port}/000000000000/score-refresh`);
  vi.stubEnv('AWS_ENDPOINT_URL_SQS', `http://127.0.0.1:${port}`);
  ingest = (await import('../../functions/ingest-telemetry/handler.ts')).handler;
  importHistory = (await import('../../functions/import-history/handler.ts')).handler;
  keys = {
    none: undefined,
    personal: (await world.aKey({ kind: 'personal', username: aUsername('ada') })).key,
    service: (await world.aKey({ kind: 'service' })).key,
    admin: (await world.aKey({ kind: 'admin' })).key,
  };
  const registry = dynamoRegistry(world.client, { registry: world.tables.registry, grants: world.tables.score_grants });
  const credited = Array.from({ length: 30 }, (_, n) => aUsername(`member-${n}`));
  await registry.publish(aPublication(aVersion({ name: 'net', credited }), { grants: [] }));
  await dynamoCollectives(world.client, world.tables.registry).save(undefined, {
    slug: aUsername('guild'),
    members: credited,
    since: '2025-01-01T00:00:00.000Z',
    revision: 1,
  });
  channel('http.client.request.start').subscribe(onCall);
});
afterAll(async () => {
  channel('http.client.request.start').unsubscribe(onCall);
  queue.close();
  await world.stop();
});

const longName = (n: number) => `n${n}`.padEnd(64, 'x');
const telemetry = (n: number, devices: number, hours: number, properties: object = {}) => ({
  event: longName(n),
  distinct_id: `device-${devices}-${n % devices}`,
  insert_id: `${n}`,
  timestamp: new Date(Date.now() - (Math.floor(n / devices) % hours) * HOUR).toISOString(),
  properties,
});
const trusted = (event: string, n: number, properties: object) => ({
  event,
  distinct_id: 'server',
  properties: { username: `${event}-${n % 500}`, ...properties },
});
const award = (n: number) => trusted('award', n, { award_id: `${n}`, points: 1, reason: 'r' });
const issue = (n: number) => trusted('issue_created', n, { issue_id: `${n}` });
const version = { extension_name: 'net', version: '2026.08.21.1' };
const pull = (n: number) => trusted('extension_pulled', n, version);
const publish = (n: number) => trusted('extension_published', n, version);
/** 390 devices, 60 pullers, 40 authors of issues: within 500 devices and usernames. */
const mixed = (n: number) => (n < 390 ? telemetry(n, 390, 1) : n < 450 ? pull(n % 60) : issue((n % 40) + 500 * n));

/** Of an import: a sender for each device, or all devices of one sender. */
const sent = (n: number, senders: number) => ({
  ...telemetry(n, 500, 1, { username: `sender-${senders}-${n % senders}` }),
  distinct_id: `imported-${senders}-${n % 500}`,
});
const imported = (n: number, publisher: Record<string, string>) => ({
  event: 'extension_published',
  distinct_id: 'server',
  timestamp: '2025-08-21T12:00:00Z',
  properties: { extension_name: `of-${Object.keys(publisher).join()}`, version: `2025.08.21.${n}`, ...publisher },
});

/**
 * The maximum numbers of events, devices and hours in the budget, with names so long that ten fill a chunk, or nine with
 * the id of their sender, all new.
 */
it.each<[kind: string, key: keyof typeof keys, event: (n: number) => object, most: number, refused?: number]>([
  ['without a key', 'none', (n) => telemetry(n, 10, 10), 220],
  ['of a personal key', 'personal', (n) => telemetry(n, 25, 8), 410],
  ['of a service key', 'service', (n) => telemetry(n, 500, 1), 540],
  ['of a service key for others', 'service', (n) => telemetry(n, 500, 1, { username: `other-${n % 500}` }), 555],
  ['of awards', 'service', award, 545],
  ['of issues', 'service', issue, 100],
  ['of pulls of a version that counts for 30 members', 'service', pull, 85, 1_736],
  ['of publishes', 'service', publish, 67],
  ['with some of each', 'service', mixed, 620],
  ['of an import for 500 users', 'admin', (n) => sent(n, 500), 1_450], // 1,011 writes; reads of eight senders share calls as they meet
  ['of an import of 500 devices of a user', 'admin', (n) => sent(n, 1), 725],
  ['of an import of versions of a collective of 30', 'admin', (n) => imported(n, { collective: 'guild' }), 190, 1_984],
])('the most expensive request %s makes no more calls than it should', async (_kind, key, event, most, refused = 0) => {
  const isImport = key === 'admin';
  const request = anHttpRequest({
    key: keys[key],
    ...(isImport ? { path: '/v1/import' } : {}),
    body: { events: Array.from({ length: EVENTS }, (_, n) => event(n)) },
  });
  calls = 0;
  const { body } = await (isImport ? importHistory : ingest)(request);

  const report: IngestReport = JSON.parse(body);
  expect(report.rejected, report.results.find(({ error }) => error)?.error).toBe(refused);
  expect(calls).toBeLessThanOrEqual(most);
});

it('publishes ask for one refresh per account', () => {
  expect(refreshed).toHaveLength(500);
  expect(new Set(refreshed).size).toBe(500);
});
