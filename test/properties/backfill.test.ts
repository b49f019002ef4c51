/**
 * I6: a backfill that was killed at any await and started again ends in the same state as one that was not, and every
 * user that it recomputed was enqueued.
 *
 * This test failed when one of these guards was removed:
 * - workPage, askPage: enqueueing before the page is marked as done;
 * - runBackfill: the run's id from the message that asks for it.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startTestEngine, type TestEngine } from '../support/engines.ts';
import { isWrite } from '../../proof/faults.ts';
import { faultsInOrder, Wire, type FaultPlan } from '../../proof/wire.ts';
import { aRawEvent, invocationOf } from '../builders/telemetry.ts';
import { always, BackfillWorld, copyOf, timeFor } from './backfill-world.ts';
import { chooser, requestsOf, smallWaves, turns } from './telemetry-arbitraries.ts';
import { PATIENCE, runs, type Request } from './telemetry-world.ts';

vi.setConfig({ testTimeout: PATIENCE });

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.stop());

/** Users whose metrics and score are both behind their facts, as after a faulty release. */
async function anOutdatedCommunity(): Promise<BackfillWorld> {
  const world = await BackfillWorld.on(engine);
  for (const [index, username] of ['ada', 'bob', 'cy'].entries()) {
    const events = Array.from({ length: index + 1 }, (_, id) =>
      aRawEvent({ distinct_id: `d${index}`, insert_id: `event-${id}`, properties: invocationOf('model') }),
    );
    await world.send({ sender: username, events });
  }
  await world.drain();
  const early = await world.itemsOf(world.tables.user_scores);
  for (const [index, username] of ['ada', 'bob', 'cy'].entries()) {
    const event = aRawEvent({ distinct_id: `d${index}`, insert_id: 'late', timestamp: '2026-08-20T11:30:00.000Z' });
    await world.send({ sender: username, events: [event] });
  }
  await world.drain();
  for (const username of ['ada', 'bob', 'cy']) {
    const packed = early.find(({ pk, sk }) => pk === `USER#${username}` && sk === 'METRICS')?.packed;
    await world.tamper(username, 'METRICS', () => ({ packed }));
    await world.tamper(username, 'SCORE', () => ({ canonicalScore: 0, activityScore: 0 }));
  }
  return world;
}

/** The function dies before its request `number`: that request and all later ones are never sent. */
const killedBefore =
  (last: number): FaultPlan =>
  ({ number }) =>
    number >= last ? 'throw before' : undefined;

const start = { token: 'message-1' };
const metricsOf = (items: readonly Record<string, any>[]) =>
  items.filter(({ sk }) => sk === 'METRICS').map(({ pk, basis, packed }) => ({ pk, basis, packed }));

describe('a backfill', () => {
  it('killed at any await and delivered again ends as one that was not killed', async () => {
    const outdated = await anOutdatedCommunity();
    const wire = new Wire();
    const whole = await BackfillWorld.on(engine, await copyOf(engine, outdated.tables), wire);
    const expected = await whole.invoke({}, always, start);
    const metrics = metricsOf(await whole.itemsOf(whole.tables.user_scores));
    const requests = wire.calls.length;
    expect(requests).toBeGreaterThan(60);
    await whole.settle();
    const scores = (await whole.everything()).scores;

    // Between two writes nothing changes, so a kill before the request after a write covers every point until the next
    // write.
    const ends = wire.calls.flatMap((command, index) => (isWrite(command) ? [index + 2] : []));
    for (const last of [1, ...ends].filter((number) => number <= requests)) {
      const world = await BackfillWorld.on(engine, await copyOf(engine, outdated.tables));
      const killed = world.deps(new Wire(killedBefore(last)));
      expect(
        await world.invokeOrDie({}, always, { ...start, deps: killed }),
        `killed before request ${last}`,
      ).toBeUndefined();

      const again = await world.invoke({}, always, start);

      expect(again, `killed before request ${last}`).toEqual({ ...expected, lastMovedAt: again.lastMovedAt });
      expect(new Set(await world.enqueued()), `killed before request ${last}`).toEqual(new Set(['ada', 'bob', 'cy']));
      expect(metricsOf(await world.itemsOf(world.tables.user_scores))).toEqual(metrics);
      if (last % 3 !== 0) continue; // I2 covers the refreshes themselves
      await world.settle();
      expect((await world.everything()).scores).toEqual(scores);
    }
  });

  it('of stale scores, killed at any await and delivered again, asks for everybody, without a plan', async () => {
    const outdated = await anOutdatedCommunity();
    for (const username of ['ada', 'bob', 'cy'])
      await outdated.tamper(username, 'SCORE', () => ({ rulesVersion: '0' }));
    const wire = new Wire();
    const whole = await BackfillWorld.on(engine, await copyOf(engine, outdated.tables), wire);
    const order = { mode: 'stale' };
    const expected = await whole.invoke(order, always, start);
    expect(expected).toMatchObject({ status: 'done', planned: 3, recomputed: 3, enqueued: 3 });
    const kept = await whole.itemsOf(whole.tables.backfill_runs);
    expect(kept.filter(({ sk }) => sk.startsWith('USER#'))).toEqual([]);

    const ends = wire.calls.flatMap((command, index) => (isWrite(command) ? [index + 2] : []));
    for (const last of [1, ...ends].filter((number) => number <= wire.calls.length)) {
      const world = await BackfillWorld.on(engine, await copyOf(engine, outdated.tables));
      const killed = world.deps(new Wire(killedBefore(last)));
      expect(await world.invokeOrDie(order, always, { ...start, deps: killed })).toBeUndefined();

      const again = await world.invoke(order, always, start);

      expect(again, `killed before request ${last}`).toEqual({ ...expected, lastMovedAt: again.lastMovedAt });
      expect(new Set(await world.enqueued()), `killed before request ${last}`).toEqual(new Set(['ada', 'bob', 'cy']));
    }
  });

  it('in any number of invocations, with kills and lost continuations, beside live ingest', async () => {
    const invocations = fc.array(
      fc.record({
        work: fc.integer({ min: 1, max: 12 }),
        killedAfter: fc.option(fc.nat(60), { freq: 2 }),
        isLost: fc.boolean(),
        also: fc.boolean(),
        wave: fc.option(smallWaves, { freq: 2 }),
      }),
      { minLength: 1, maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(invocations, smallWaves, turns, async (plan, first, choices) => {
        const world = await BackfillWorld.on(engine, undefined, new Wire(undefined, chooser(choices)));
        const sent: Request[] = [];
        const send = async (wave: typeof first) => {
          const requests = requestsOf(wave, world.now, sent);
          sent.push(...requests);
          await world.send(...requests);
        };
        await send(first);
        await world.drain();
        for (const username of world.users()) await world.tamperIfStored(username);
        const { runId } = await world.invoke({}, timeFor(2));

        for (const { work, killedAfter, isLost, also, wave } of plan) {
          const deaths =
            killedAfter === null
              ? []
              : Array.from({ length: 500 }, (_, n) => (n < killedAfter ? undefined : ('throw before' as const)));
          const deps = world.deps(
            killedAfter === null ? world.wire : new Wire(faultsInOrder(deaths), chooser(choices)),
          );
          const continuation = isLost ? undefined : (await world.continuations()).at(-1);
          world.now += 20_000;
          await world.readStream();
          await Promise.all([
            ...(world.records.length > 0 ? [world.announce([...world.records])] : []),
            ...(world.queue.length > 0 ? [world.refresh([...world.queue])] : []),
            world.invokeOrDie(continuation ?? { runId }, timeFor(work), { deps }),
            ...(also ? [world.invokeOrDie({ runId }, timeFor(work))] : []),
            ...(wave === null ? [] : [send(wave)]),
          ]);
        }
        world.now += 20_000;
        const report = await world.invoke({ runId });
        await world.settle();

        expect(report).toMatchObject({ status: 'done', failed: 0 });
        expect(new Set(await world.enqueued()).size).toBe(report.recomputed);
        await world.checkFacts({ everyAnswerArrived: true });
        await world.checkScores();
      }),
      { numRuns: runs(5) },
    );
  });
});
