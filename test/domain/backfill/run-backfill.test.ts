/**
 * These tests failed when one of these guards was removed:
 * - runBackfill: the limit of hops; continuing abandoned runs; dropping a late continuation; only reporting a run that
 * another invocation works on; the run's id from the message that asks for it;
 * - workPage: at least one user per page; recompute: a user who cannot be folded does not stop the run;
 * - checkpoint: the condition on the state that was read;
 * - refoldMetrics: everything from nothing;
 * - staleScores: the range of the versions that sort after today's.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newTask } from '../../../domain/backfill/backfill-run.ts';
import { aRawEvent, invocationOf } from '../../builders/telemetry.ts';
import { always, BackfillWorld, never, timeFor } from '../../properties/backfill-world.ts';
import { startTestEngine, type TestEngine } from '../../support/engines.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.stop());

const MINUTE = 60_000;
const DAY = 86_400_000;

/** `count` users, each with a few events and a score. */
async function aCommunity(count: number): Promise<BackfillWorld> {
  const world = await BackfillWorld.on(engine);
  for (let index = 0; index < count; index += 1) {
    const timestamp = new Date(world.now).toISOString();
    const events = ['1', '2', '3', '4', '5'].map((id) =>
      aRawEvent({ distinct_id: `device-${index}`, insert_id: id, timestamp, properties: invocationOf('workflow') }),
    );
    await world.send({ sender: `user-${index}`, events });
  }
  await world.drain();
  return world;
}
const names = (count: number) => Array.from({ length: count }, (_, index) => `user-${index}`);
const scoreOf = async (world: BackfillWorld, username: string) =>
  (await world.itemsOf(world.tables.user_scores)).find(({ pk, sk }) => pk === `USER#${username}` && sk === 'SCORE');

describe('a backfill of all', () => {
  it('repairs a score that is behind its metrics, without a new event', async () => {
    const world = await aCommunity(3);
    await world.tamper('user-1', 'SCORE', () => ({ canonicalScore: 1, activityScore: 1 }));
    const before = await world.everything();

    const report = await world.invoke({});
    await world.settle();

    expect(report).toMatchObject({ status: 'done', planned: 3, recomputed: 3, enqueued: 3, failed: 0 });
    expect((await scoreOf(world, 'user-1'))?.canonicalScore).toBeGreaterThan(1);
    expect((await world.everything()).facts).toEqual(before.facts);
    await world.checkFacts({ everyAnswerArrived: true });
    await world.checkScores();
  });

  it('repairs metrics that are behind their facts, which no refresh would fold again', async () => {
    const world = await aCommunity(2);
    const [mine, other] = ['user-0', 'user-1'];
    const foreign = (await world.itemsOf(world.tables.user_scores)).find(
      ({ pk, sk }) => pk === `USER#${other}` && sk === 'METRICS',
    );
    world.now += DAY;
    await world.send({
      sender: mine,
      events: [
        aRawEvent({ distinct_id: 'device-0', insert_id: 'later', timestamp: new Date(world.now).toISOString() }),
      ],
    });
    await world.drain();
    await world.tamper(mine, 'METRICS', () => ({ packed: foreign?.packed }));

    await world.invoke({});
    await world.settle();

    await world.checkFacts({ everyAnswerArrived: true });
    await world.checkScores();
  });

  it('reaches a user who is only in the scores', async () => {
    const world = await aCommunity(1);
    await world.remove(world.tables.telemetry, { pk: 'USER#user-0', sk: 'DEVICE#device-0' });

    expect(await world.invoke({})).toMatchObject({ planned: 1, recomputed: 1, enqueued: 1 });
    await world.settle();

    expect(await scoreOf(world, 'user-0')).toMatchObject({ canonicalScore: 0 });
  });

  it('reaches a user who is only in the ledger, after a lost announcement', async () => {
    const world = await BackfillWorld.on(engine);
    const totals = { totalScore: 50, categoryTotals: { award: 50 }, sourceTotals: { award: 50 } };
    const head = new Uint8Array(32);
    const balance = { ...totals, seq: 1, head, contributions: 1, publishPoints: 0 };
    await world.put(world.tables.score_grants, { pk: 'USER#zoe', sk: 'BALANCE', ...balance });

    expect(await world.invoke({})).toMatchObject({ planned: 1, recomputed: 1, enqueued: 1 });
    expect(await world.enqueued()).toEqual(['zoe']);
  });

  it('plans each user once, for any number of devices and days', async () => {
    const world = await aCommunity(1);
    for (let index = 1; index < 5; index += 1) {
      const event = aRawEvent({ distinct_id: `more-${index}`, timestamp: new Date(world.now).toISOString() });
      await world.send({ sender: 'user-0', events: [event] });
    }
    await world.drain();

    expect(await world.invoke({})).toMatchObject({ planned: 1, recomputed: 1, enqueued: 1 });
    expect(await world.enqueued()).toEqual(['user-0']);
  });

  it('leaves a user who cannot be folded to the queue, names the user, and continues', async () => {
    const world = await aCommunity(3);
    await world.tamper('user-1', 'METRICS', () => ({ packed: new Uint8Array([1, 2, 3]) }));

    const report = await world.invoke({});

    expect(report).toMatchObject({
      status: 'done',
      recomputed: 2,
      failed: 1,
      failedUsernames: ['user-1'],
      enqueued: 3,
    });
    expect(world.failures).toEqual(['user-1']);
    const request = (await world.refreshRequests()).find(({ username }) => username === 'user-1');
    expect(request).toEqual({ username: 'user-1' }); // no days: everything from nothing
  });

  it('works through several pages of users, in as many invocations as needed', async () => {
    const world = await aCommunity(60);
    const first = await world.invoke({}, timeFor(30));
    expect(first.status).toBe('running');

    const last = await world.deliverAll(() => timeFor(30));

    expect(last).toMatchObject({ runId: first.runId, status: 'done', planned: 60, recomputed: 60, enqueued: 60 });
    expect((await world.enqueued()).sort()).toEqual(names(60).sort());
    expect((await world.continuations()).length).toBeGreaterThan(1);
  });

  it('recomputes nobody before everybody is planned, even if its time is up', async () => {
    const world = await aCommunity(3);
    let isLate = true;
    const onceLate = () => !isLate || (isLate = false); // out of time once, then no longer
    await world.invoke({}, onceLate);

    expect(await world.enqueued()).toEqual([]);
    expect(await world.deliverAll()).toMatchObject({ status: 'done', planned: 3, recomputed: 3, enqueued: 3 });
  });

  it('does at least one user per invocation, so that a slow page cannot block it forever', async () => {
    const world = await aCommunity(3);
    const { runId } = await world.invoke({}, never);

    await world.deliverAll(() => timeFor(1));

    world.now += MINUTE;
    expect(await world.invoke({ runId })).toMatchObject({ status: 'done', recomputed: 3, enqueued: 3 });
  });
});

describe('a dry run', () => {
  it('counts the users, enqueues nothing, and writes only its own record', async () => {
    const world = await aCommunity(3);
    await world.tamper('user-1', 'SCORE', () => ({ canonicalScore: 1 }));
    const before = [await world.itemsOf(world.tables.user_scores), await world.itemsOf(world.tables.telemetry)];

    const report = await world.invoke({ dryRun: true });

    expect(report).toMatchObject({ status: 'done', dryRun: true, recomputed: 3, enqueued: 0 });
    expect(await world.enqueued()).toEqual([]);
    expect([await world.itemsOf(world.tables.user_scores), await world.itemsOf(world.tables.telemetry)]).toEqual(
      before,
    );
  });
});

describe('a backfill of given usernames', () => {
  it('recomputes only these users, and names the unknown ones', async () => {
    const world = await aCommunity(3);

    const report = await world.invoke({ usernames: ['User-2', 'ghost', 'user-0'] });

    expect(report).toMatchObject({ recomputed: 2, enqueued: 2, unknown: 1, unknownUsernames: ['ghost'] });
    expect((await world.enqueued()).sort()).toEqual(['user-0', 'user-2']);
  });
});

describe('a backfill of what is stale', () => {
  it('finds nothing if every score is of today', async () => {
    const world = await aCommunity(2);

    expect(await world.invoke({ mode: 'stale' })).toMatchObject({ status: 'done', planned: 0, enqueued: 0 });
  });

  it('refreshes an inactive user on the date on which the score changes by itself', async () => {
    const world = await aCommunity(1);
    const before = await scoreOf(world, 'user-0');
    world.now += 2 * DAY; // the streak has ended
    expect(before?.nextChangeOn).toBe('2026-08-23');

    expect(await world.invoke({ mode: 'stale' })).toMatchObject({ recomputed: 1, enqueued: 1 });
    await world.settle();

    expect((await scoreOf(world, 'user-0'))?.date).toBe('2026-08-23');
    await world.checkFacts({ everyAnswerArrived: true });
    await world.checkScores();
    expect(await world.invoke({ mode: 'stale' })).toMatchObject({ planned: 0 });
  });

  it.each([
    ['older', '0'],
    ['newer', '2'],
    ['longer', '10'],
    ['of an unknown release', 'experiment'],
    ['of the same version, but folded differently', '1/0.abc'],
    ['of the same version, but without the name of a fold', '1'],
  ])('refreshes a score with rules %s, whatever its date', async (_which, version) => {
    const world = await aCommunity(2);
    await world.tamper('user-1', 'SCORE', () => ({ rulesVersion: version }));

    expect(await world.invoke({ mode: 'stale' })).toMatchObject({ recomputed: 1, enqueued: 1 });
    expect(await world.enqueued()).toEqual(['user-1']);
  });
});

describe('an abandoned run', () => {
  it('with a lost continuation is continued by the next scheduled run', async () => {
    const world = await aCommunity(3);
    const { runId } = await world.invoke({}, timeFor(3));
    const lost = (await world.continuations()).length;

    world.now += 4 * MINUTE;
    await world.invoke({ mode: 'stale' });
    expect(await world.continuations()).toHaveLength(lost); // it may still be running
    world.now += MINUTE;
    await world.invoke({ mode: 'stale' });

    expect(await world.deliverAll(undefined, lost)).toMatchObject({
      runId,
      status: 'done',
      recomputed: 3,
      enqueued: 3,
    });
  });

  it('that reached the limit of hops continues once there is time', async () => {
    const world = await aCommunity(3);
    const { runId } = await world.invoke({}, never);
    await world.deliverAll(() => never);

    expect(world.stuck).toEqual([runId]);
    expect(await world.continuations()).toHaveLength(5);
    world.now += 5 * MINUTE;
    await world.invoke({ mode: 'stale' });

    expect(await world.deliverAll(undefined, 5)).toMatchObject({ runId, status: 'done', recomputed: 3, enqueued: 3 });
  });

  it('whose message is delivered again continues under its own id', async () => {
    const world = await aCommunity(3);
    const first = await world.invoke({}, timeFor(5), { token: 'message-1' });
    const again = await world.invoke({}, always, { token: 'message-1' });

    expect(again).toMatchObject({ runId: first.runId, status: 'done', recomputed: 3, enqueued: 3 });
  });
});

describe('two invocations of one run', () => {
  it('count every user once, and both report it as done', async () => {
    const world = await aCommunity(40);
    const { runId } = await world.invoke({}, never);
    world.now += MINUTE;
    const [one, other] = await Promise.all([world.invoke({ runId }), world.invoke({ runId })]);
    world.now += MINUTE;

    expect([one.status, other.status]).toContain('done');
    expect(await world.invoke({ runId })).toMatchObject({ status: 'done', recomputed: 40, enqueued: 40 });
    expect(new Set(await world.enqueued())).toEqual(new Set(names(40)));
  });

  it('do not overwrite each other: a checkpoint on an outdated state is refused and changes nothing', async () => {
    const world = await aCommunity(1);
    const { runId } = await world.invoke({}, never);
    const { runs } = world.deps();
    const run = (await runs.find(runId))!;
    const name = { phase: 'work', segment: 0 } as const;
    const [{ state } = { state: newTask }] = await runs.tasks(runId, [name]);
    const ahead = { ...state, revision: 1, isDone: true };
    const furtherAhead = { ...ahead, revision: 2 };

    expect(await runs.checkpoint(run, name, state, ahead)).toBe('saved');
    expect(await runs.checkpoint(run, name, ahead, furtherAhead)).toBe('saved');
    expect(await runs.checkpoint(run, name, state, { ...state, revision: 1 })).toBe('stale');
    expect(await runs.checkpoint(run, name, ahead, { ...state, revision: 2 })).toBe('stale');
    expect(await runs.tasks(runId, [name])).toEqual([{ name, state: furtherAhead }]);
  });

  it('are prevented by the checkpoint in the message: a late continuation does nothing', async () => {
    const world = await aCommunity(5);
    await world.invoke({}, timeFor(10));
    const [early] = await world.continuations();
    await world.invoke(early, timeFor(4));
    const sent = (await world.continuations()).length;

    await world.invoke(early, timeFor(4));

    expect(await world.continuations()).toHaveLength(sent);
  });

  it('report the same run if one of them asks while the other one works', async () => {
    const world = await aCommunity(5);
    const { runId } = await world.invoke({}, timeFor(10));
    const sent = (await world.continuations()).length;

    expect(await world.invoke({ runId })).toMatchObject({ status: 'running' });
    expect(await world.continuations()).toHaveLength(sent);
  });
});

it('a request for an unknown run is refused', async () => {
  const world = await BackfillWorld.on(engine);

  await expect(world.invoke({ runId: 'never-there' })).rejects.toThrow('runId');
});

describe('a backfill of metrics', () => {
  const LAST = '2026-08-21';
  const totals = async (world: BackfillWorld) =>
    (await world.itemsOf(world.tables.metric_rollup_hour)).filter(({ pk }) => pk === 'TOTALS').map(({ sk }) => sk);

  it('rolls up its days, in as many invocations as needed, and enqueues nobody', async () => {
    const world = await aCommunity(2);
    const order = { mode: 'metrics', from: '2026-08-10', to: LAST };

    const first = await world.invoke(order, timeFor(4));
    expect(first).toMatchObject({ mode: 'metrics', status: 'running' });
    const last = await world.deliverAll(() => timeFor(4));

    expect(last).toMatchObject({ runId: first.runId, status: 'done', planned: 12, recomputed: 12, enqueued: 0 });
    expect(await totals(world)).toEqual([LAST]);
    expect(await world.invoke({ runId: first.runId })).toMatchObject({ status: 'done', recomputed: 12 });
  });

  it('covers every day that events may have if it names none', async () => {
    const world = await aCommunity(1);

    expect(await world.invoke({ mode: 'metrics' })).toMatchObject({ status: 'done', planned: 37, recomputed: 37 });
    expect(await totals(world)).toEqual([LAST]);
  });

  it('rolls up nothing in a dry run', async () => {
    const world = await aCommunity(1);
    const order = { mode: 'metrics', from: LAST, to: LAST, dryRun: true };

    expect(await world.invoke(order)).toMatchObject({ status: 'done', recomputed: 1, enqueued: 0 });
    expect(await totals(world)).toEqual([]);
  });
});
