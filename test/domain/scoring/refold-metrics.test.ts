/**
 * These tests failed when one of these guards was removed:
 * - refoldMetrics: saving under the guard that was read before the facts;
 * - saveMetrics: the condition on the revision.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { emptyBalance } from '../../../domain/grants/balance.ts';
import { refoldMetrics, type RefoldDeps } from '../../../domain/scoring/refold-metrics.ts';
import type { DeviceHour } from '../../../domain/telemetry/device-hour.ts';
import type { DeviceLink } from '../../../domain/telemetry/user-telemetry.port.ts';
import { dynamoScoreStore } from '../../../functions/adapters/dynamodb/scoring/score-store.ts';
import { startTestEngine, type TestEngine } from '../../support/engines.ts';
import { anEvent, aUsername, Clock, dependencies, FactsModel, ScoresModel } from './model.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.stop());

const ada = aUsername('ada');

async function setUp() {
  const { user_scores: table } = await engine.createTables(['user_scores']);
  const client = engine.client();
  const [facts, clock] = [new FactsModel(), new Clock()];
  const scores = dynamoScoreStore(client, table);
  const { grants: _grants, ...rest } = dependencies(facts, new ScoresModel(), clock);
  const balances = { balanceOf: async () => emptyBalance };
  const deps: RefoldDeps = { ...rest, scores, balances };
  return { facts, clock, scores, deps };
}
const eventsOf = async ({ scores }: Awaited<ReturnType<typeof setUp>>) => {
  const { metrics } = await scores.load(ada);
  const folds = [...(metrics?.metrics.open.values() ?? [])];
  return folds.flatMap(({ events }) => [...events.values()]).reduce((sum, count) => sum + count, 0);
};

it('a refold that is overtaken while it reads the facts starts again and has all of them', async () => {
  const world = await setUp();
  const { facts, clock, deps } = world;
  facts.send('d', clock.now, anEvent('1', { sender: ada }));
  let overtakings = 1;
  const telemetry = facts.with({
    async *hoursOf(deviceId, dates) {
      const found: DeviceHour[] = [];
      for await (const hour of facts.hoursOf(deviceId, dates)) found.push(hour);
      if ((overtakings -= 1) >= 0) {
        facts.send('d', clock.now, anEvent('2', { sender: ada }));
        await refoldMetrics(deps, ada, { dryRun: false });
      }
      yield* found;
    },
  });

  await refoldMetrics({ ...deps, telemetry }, ada, { dryRun: false });

  expect(await eventsOf(world)).toBe(2);
});

it('metrics are not saved over another revision, and a save raises the revision', async () => {
  const world = await setUp();
  const { facts, clock, scores, deps } = world;
  facts.send('d', clock.now, anEvent('1', { sender: ada }));
  const nothing = await scores.load(ada);
  await refoldMetrics(deps, ada, { dryRun: false });
  const first = await scores.load(ada);
  const { revision: _revision, ...next } = first.metrics!;

  expect(await scores.saveMetrics(ada, nothing, next)).toBe('stale');
  expect(await scores.saveMetrics(ada, first, next)).toBe('saved');
  expect(await scores.saveMetrics(ada, first, next)).toBe('stale');
  expect((await scores.load(ada)).metrics?.revision).toBe(2);
});

it('a user without any item is unknown, and nothing is saved', async () => {
  const world = await setUp();

  expect(await refoldMetrics(world.deps, ada, { dryRun: false })).toBe('unknown');
  expect(await world.scores.load(ada)).toEqual({ metrics: null, score: null, isHidden: false });
});

it('a link without facts does not make a user known', async () => {
  const world = await setUp();
  const links: readonly DeviceLink[] = [{ deviceId: 'd', owned: false }];
  const telemetry = world.facts.with({ linksOf: async () => links });

  expect(await refoldMetrics({ ...world.deps, telemetry }, ada, { dryRun: false })).toBe('unknown');
});
