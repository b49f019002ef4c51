/** What somebody gains who invents events, dates them back, publishes all day and pulls with many devices: docs/security.md tells it. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { devicePuller } from '../../domain/registry/record-pull.ts';
import { activityOf } from '../../domain/rules/activity.ts';
import { refreshScore } from '../../domain/scoring/refresh-score.ts';
import type { IngestReport } from '../../domain/telemetry/ingest-telemetry.ts';
import { dynamoPulls } from '../../functions/adapters/dynamodb/registry/pulls.ts';
import { dynamoRegistry } from '../../functions/adapters/dynamodb/registry/registry.ts';
import { aPublication, aPublisher, aVersion } from '../adapters/a-publication.ts';
import { anHttpRequest } from '../builders/http-request.ts';
import { aUsername, type User } from '../builders/identity.ts';
import { rulesVersion1 } from '../builders/rules.ts';
import { aRawEvent, invocationOf } from '../builders/telemetry.ts';
import { startFunctionEngine, type Answer } from './function-under-test.ts';

const NOW = Date.parse('2026-08-21T12:00:00.000Z');
const DAY = 86_400_000;
let world: Awaited<ReturnType<typeof startFunctionEngine>>;
let ingest: (event: unknown) => Promise<Answer>;

beforeAll(async () => {
  world = await startFunctionEngine();
  ({ handler: ingest } = await import('../../functions/ingest-telemetry/handler.ts'));
  vi.useFakeTimers({ toFake: ['Date'], now: NOW });
});
afterAll(async () => {
  vi.useRealTimers();
  await world.stop();
});

/** As many invocations of each group as its cap pays for, and one that failed for each of 36 dates: 886 events. */
const COMMANDS = [
  ['model', 200],
  ['workflow', 200],
  ['extension', 100],
  ['repo', 100],
  ['telemetry', 250],
] as const;
const invented = (dates: number) =>
  [...COMMANDS.flatMap(([command, count]) => Array<string>(count).fill(command)), ...Array<null>(36).fill(null)].map(
    (command, n) =>
      aRawEvent({
        distinct_id: `laptop of ${dates} dates`,
        insert_id: `invented-${n}`,
        timestamp: new Date(NOW - (n % dates) * DAY).toISOString(),
        properties: command === null ? invocationOf('model', 'failed') : invocationOf(command),
      }),
  );

async function send(account: User, events: readonly object[]): Promise<void> {
  const { key } = await world.aKey({ kind: 'personal', username: account });
  const { body } = await ingest(anHttpRequest({ key, body: { events } }));
  expect((JSON.parse(body) as IngestReport).accepted).toBe(events.length);
}

/** What a refresh makes of it, by key. */
async function pointsOf(account: User): Promise<Record<string, number>> {
  const { refreshDeps } = await import('../../bench/wiring.ts'); // its logger reads the environment
  const tables = (role: string) => (world.tables as Record<string, string>)[role]!;
  await refreshScore(refreshDeps({ client: world.client, tables, clock: () => NOW }), {
    username: account,
    days: null,
  });
  const scores = await world.itemsOf(world.tables.user_scores);
  const score = scores.find(({ pk, sk }) => pk === `USER#${account}` && sk === 'SCORE')!;
  const byKey = Object.entries(score.contributions as Record<string, { points: number }>);
  return {
    canonicalScore: score.canonicalScore,
    ...Object.fromEntries(byKey.map(([key, { points }]) => [key, points])),
  };
}

it('886 events in one request, dated over 36 days, gain 16,218 points; twice as many gain no more', async () => {
  const account = aUsername('inventor');
  await send(account, invented(36));
  expect(await pointsOf(account)).toMatchObject({ canonicalScore: 16_218 });

  await send(
    account,
    invented(36).map((event) => ({ ...event, insert_id: `more-${event.insert_id}` })),
  );
  expect(await pointsOf(account)).toMatchObject({ canonicalScore: 16_218 });
});

it('the same events of one day gain 8,172', async () => {
  const account = aUsername('of-today');
  await send(account, invented(1));

  expect(await pointsOf(account)).toMatchObject({ canonicalScore: 8_172 });
});

it('no events gain more than 17,887: every cap reached, for 50 days in a row', () => {
  const groups = new Map(rulesVersion1.activity.groups.map(({ name }) => [name, 1_000_000]));
  const most = { groups, otherCommands: 1_000_000, streak: 1_000, rollingDays: 28 };

  expect(activityOf(most, rulesVersion1.activity).points).toBe(17_887);
});

it('publishing often gains 5,000, and pulls by many devices 500', async () => {
  const account = aUsername('publisher');
  await send(account, [aRawEvent({ distinct_id: 'of the publisher', event: 'hello' })]);
  const registry = dynamoRegistry(world.client, { registry: world.tables.registry, grants: world.tables.score_grants });
  for (let n = 1; n <= 30; n += 1) {
    const version = aVersion({ version: `2026.08.21.${n}`, publisher: aPublisher(account) });
    await registry.publish(
      aPublication(version, { grants: [], ...(n === 1 ? {} : { extension: await registry.findExtension('net') }) }),
    );
  }
  const deps = { random: () => 0.5, sleep: async () => {}, randomToken: () => 'pull' };
  const pulls = dynamoPulls(world.client, world.tables.registry, deps);
  const pull = (n: number) => ({ name: 'net', version: '2026.08.21.1', puller: devicePuller(`d${n}`) });
  await Promise.all(
    Array.from({ length: 300 }, (_, n) => pulls.recordPull(account, pull(n), NOW, { isCounted: true })),
  );

  expect(await pointsOf(account)).toMatchObject({
    canonicalScore: 5_500,
    'content:extension-publishes': 5_000,
    'content:extension-pulls': 500,
  });
});
