/**
 * I7: once every change is announced and every announcement handled, each hour, day and longer period of every metric is a
 * plain count of the facts. Facts come in any order and late; hours are rolled up in between, twice, at the same time, or
 * fail on their way. Another roll-up, or a backfill, changes no number.
 *
 * The test was seen to fail without this guard: an hour is skipped only if a run that began after all its announced changes
 * covered it (`roll-up.ts`). Other guards are shown elsewhere, each seen to fail: the revision of a day, and that it is read
 * before the facts, in `adapters/rollups.test.ts`; until when an announcement covers changes in
 * `domain/change-feed/announce-hours.test.ts`; that an hour is set and never added to in `domain/metrics/rolled-up-day.test.ts`.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aRawEvent } from '../builders/telemetry.ts';
import { startTestEngine, type TestEngine } from '../support/engines.ts';
import { faultsInOrder, Wire } from '../../proof/wire.ts';
import { MetricsWorld } from './metrics-world.ts';
import { pick } from './refresh-world.ts';
import { chooser, faults, requestsOf, smallWaves, turns, type Wave } from './telemetry-arbitraries.ts';
import { runs, type Request } from './telemetry-world.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.stop());

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
/** Some of the existing items, or all of them. */
const picks = fc.oneof(
  fc.array(fc.nat(1_000), { maxLength: 4 }),
  fc.constant(Array.from({ length: 40 }, (_, place) => place)),
);

/** Work at the same time: senders, an award, and machines that roll up. */
type Step = {
  readonly wave: Wave | null;
  readonly award: { readonly points: number; readonly ago: number } | null;
  readonly announce: { readonly records: readonly number[]; readonly shard: number };
  readonly rollUps: readonly { readonly messages: readonly number[]; readonly isFast: boolean }[];
  readonly backfill: string | null;
  readonly pause: number;
};
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    wave: fc.option(smallWaves, { freq: 5 }),
    award: fc.option(
      fc.record({ points: fc.integer({ min: 1, max: 100_000 }), ago: fc.constantFrom(0, HOUR, 40 * HOUR) }),
      {
        freq: 2,
      },
    ),
    announce: fc.record({ records: picks, shard: fc.nat(1) }),
    rollUps: fc.array(fc.record({ messages: picks, isFast: fc.boolean() }), { maxLength: 2 }),
    backfill: fc.option(fc.constantFrom('2026-08-20', '2026-08-21'), { freq: 1 }),
    pause: fc.constantFrom(0, 50 * SECOND, 61 * SECOND, 61 * SECOND, 12 * HOUR),
  }),
  { minLength: 3, maxLength: 7, size: 'max' },
);

async function run(world: MetricsWorld, plan: readonly Step[]): Promise<void> {
  const sent: Request[] = [];
  for (const [index, { wave, award, announce, rollUps, backfill, pause }] of plan.entries()) {
    world.now += pause;
    await world.readStream();
    const requests = wave === null ? [] : requestsOf({ ...wave, pause: 0 }, world.now, sent);
    const records = pick(world.records, announce.records);
    await Promise.all([
      world.send(...requests),
      ...(award === null ? [] : [world.award(`award-${index}`, award.points, award.ago)]),
      ...(records.length > 0 ? [world.announceHours(records, announce.shard)] : []),
      ...rollUps.map(({ messages, isFast }) => world.rollUp(pick(world.messages, messages), isFast)),
      ...(backfill === null ? [] : [world.rollUpWhole(backfill)]),
    ]);
    sent.push(...requests);
    await world.checkFacts({ everyAnswerArrived: false });
  }
  await world.drainHours();
  await world.checkRollups();
  // Every message again, and every day by a backfill: the same numbers.
  world.messages = [...world.handled];
  await world.rollUp(world.messages);
  for (const date of ['2026-08-19', '2026-08-20', '2026-08-21']) await world.rollUpWhole(date);
  await world.drainHours();
  await world.checkRollups();
}

describe('metrics follow the facts', () => {
  it('in any order of events, announcements and roll-ups', async () => {
    await fc.assert(
      fc.asyncProperty(steps, turns, async (plan, choices) => {
        const world = new MetricsWorld(engine, await engine.createTables(), new Wire(undefined, chooser(choices)));
        await run(world, plan);
      }),
      { numRuns: runs(4) },
    );
  });

  it('also if any of their requests fails', async () => {
    await fc.assert(
      fc.asyncProperty(steps, faults, turns, async (plan, stream, choices) => {
        const wire = new Wire(faultsInOrder(stream), chooser(choices));
        const world = new MetricsWorld(engine, await engine.createTables(), wire);
        await run(world, plan);
      }),
      { numRuns: runs(4) },
    );
  });

  it('if roll-ups of one hour race with each other and with its events', async () => {
    const racers = fc.array(fc.constantFrom('event', 'hour', 'day'), { minLength: 2, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.array(racers, { minLength: 1, maxLength: 3 }), turns, async (races, choices) => {
        const world = new MetricsWorld(engine, await engine.createTables(), new Wire(undefined, chooser(choices)));
        for (const [round, race] of races.entries()) {
          const racing = race.map(async (what, place) => {
            const hour = { messageId: `${round}-${place}`, body: '{"hour":"2026-08-21T12"}', dueAt: 0 };
            const event = aRawEvent({ insert_id: `${round}-${place}`, timestamp: '2026-08-21T12:10:00.000Z' });
            if (what === 'event') {
              await world.send({ sender: 'ada', events: [event] });
              await world.rollUp([hour]);
            } else if (what === 'hour') await world.rollUp([hour]);
            else await world.rollUpWhole('2026-08-21');
          });
          await Promise.all(racing);
          await world.checkFacts({ everyAnswerArrived: false });
          await world.checkRollups(); // no later roll-up repairs what an older run saved over a newer one
        }
      }),
      { numRuns: runs(4) },
    );
  });

  it('at 23:59:59.999 and at midnight on their own days', async () => {
    const world = new MetricsWorld(engine, await engine.createTables());
    const times = ['2026-08-20T23:59:59.999Z', '2026-08-21T00:00:00.000Z'];
    await world.send({
      sender: 'ada',
      events: times.map((timestamp, index) => aRawEvent({ insert_id: String(index), timestamp })),
    });
    await world.checkFacts({ everyAnswerArrived: true });

    await world.drainHours();

    await world.checkRollups();
    expect(world.handled.map(({ body }) => JSON.parse(body).hour).sort()).toEqual([
      '2026-08-20T23',
      '2026-08-21T00',
      '2026-08-21T12', // where the device is new
    ]);
  });
});
