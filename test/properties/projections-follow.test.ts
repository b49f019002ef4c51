/**
 * I2: once every change is announced and every announcement handled, an account's metrics are a fold of its facts from
 * nothing, and its score is what the rules give for them on its date. Changes come in any order, twice, at the same time,
 * or fail on their way.
 *
 * The test was seen to fail without each of these guards:
 * - an hour announces the owner of its device, read at that moment, and its senders; a bind and its link are announced;
 * - the days of a batch are merged; the link is written before the hour that names its account;
 * - the guard is read before the facts; every save raises the revision, even one that changes nothing;
 * - a save needs the revision that was read, and a first save never replaces another one;
 * - a refresh starts again if its save was refused; a change of devices leads to a fold from nothing;
 * - the date never goes back.
 * (It does not notice that all days win over named ones in a batch, because a change of devices folds everything anyway.
 * The tests of `announceRefreshes` do.)
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, it, vi } from 'vitest';
import { aUsername } from '../builders/identity.ts';
import { aRawEvent } from '../builders/telemetry.ts';
import { startTestEngine, type TestEngine } from '../support/engines.ts';
import { faultsInOrder, Wire } from '../../proof/wire.ts';
import { CLOCKS_OFF, pick, RefreshWorld } from './refresh-world.ts';
import { chooser, faults, requestsOf, smallWaves, turns, type Wave } from './telemetry-arbitraries.ts';
import { PATIENCE, runs, type Request } from './telemetry-world.ts';

vi.setConfig({ testTimeout: PATIENCE });

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.stop());

const DAY = 86_400_000;
const picks = fc.array(fc.nat(1_000), { maxLength: 8 });
/** Work at the same time: senders, an announcer, and machines that refresh. */
type Step = {
  readonly byHand: { readonly device: string; readonly username: string } | null;
  /** True if all changes are announced and refreshed before it. */
  readonly isQuiet: boolean;
  readonly wave: Wave | null;
  readonly announce: readonly number[];
  readonly refreshes: readonly { readonly picked: readonly number[]; readonly clockOff: number }[];
  readonly pause: number;
};
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    byHand: fc.option(fc.record({ device: fc.constantFrom('d1', '~ada'), username: fc.constantFrom('ada', 'bob') }), {
      freq: 2,
    }),
    isQuiet: fc.boolean(),
    wave: fc.option(smallWaves, { freq: 4 }),
    announce: picks,
    refreshes: fc.array(fc.record({ picked: picks, clockOff: fc.constantFrom(...CLOCKS_OFF) }), { maxLength: 3 }),
    pause: fc.constantFrom(0, 0, 2_000, DAY / 2, DAY, 3 * DAY, 36 * DAY),
  }),
  { minLength: 1, maxLength: 7 },
);

async function run(world: RefreshWorld, plan: readonly Step[]): Promise<void> {
  const sent: Request[] = [];
  for (const { byHand, isQuiet, wave, announce, refreshes, pause } of plan) {
    if (isQuiet) await world.drain();
    await world.checkDates();
    world.now += pause;
    if (byHand !== null) await world.bindByHand(byHand.device, byHand.username);
    await world.readStream();
    const requests = wave === null ? [] : requestsOf(wave, world.now, sent);
    const records = pick(world.records, announce);
    const messages = [...world.queue, ...world.handledMessages]; // a handled message may be delivered again
    await Promise.all([
      world.send(...requests),
      ...(records.length > 0 ? [world.announce(records)] : []),
      ...refreshes.map(({ picked, clockOff }) => world.refresh(pick(messages, picked), clockOff)),
    ]);
    sent.push(...requests);
    await world.checkFacts({ everyAnswerArrived: false });
    await world.checkDates();
  }
  await world.drain();
  await world.checkDates();
  await world.checkScores();
}

describe('metrics and scores follow the facts', () => {
  it('after each kind of change alone, with no other work in flight', async () => {
    const world = new RefreshWorld(
      engine,
      await engine.createTables(['telemetry', 'user_scores', 'score_grants', 'registry']),
    );
    // Each event has its own hour, so that no other event of the hour names an account.
    const send = (sender: string | null, device: string, hour: string) => {
      const timestamp = `2026-08-21T${hour}:00:00.000Z`;
      return world.send({ sender, events: [aRawEvent({ distinct_id: device, insert_id: hour, timestamp })] });
    };
    const changes = [
      () => send(null, 'd1', '01'),
      () => send('ada', 'd1', '02'), // binds
      () => send(null, 'd1', '03'), // counts for the owner
      () => send('bob', 'd1', '04'), // links
      () => send('bob', 'd1', '05'),
      () => send('bob', 'd1', '01'), // takes it from the owner
      () => send(null, 'd2', '06'),
      () => world.bindByHand('d2', 'bob'),
      () => world.bindByHand('d3', 'cy'), // who has sent nothing
    ];
    for (const change of changes) {
      await change();
      await world.checkFacts({ everyAnswerArrived: true });
      await world.drain();
      await world.checkScores();
    }
  });

  it('in any order of events, bindings, announcements and refreshes', async () => {
    await fc.assert(
      fc.asyncProperty(steps, turns, async (plan, choices) => {
        const tables = await engine.createTables(['telemetry', 'user_scores', 'score_grants', 'registry']);
        const world = new RefreshWorld(engine, tables, new Wire(undefined, chooser(choices)));
        await run(world, plan);
      }),
      { numRuns: runs(8) },
    );
  });

  it('if refreshes of one user race with each other and with the events', async () => {
    const ada = aUsername('ada');
    const today = (hour: string) => `2026-08-21T${hour}:00:00.000Z`;
    const hours = fc.constantFrom(today('11'), today('12'), '2026-08-20T12:00:00.000Z');
    const daysNamed = fc.constantFrom<readonly string[] | null>(null, ['2026-08-21'], ['2026-08-20'], []);
    const race = fc.record({
      sent: fc.array(hours, { minLength: 1, maxLength: 2 }),
      racers: fc.array(daysNamed, { minLength: 1, maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(race, { minLength: 1, maxLength: 4 }),
        turns,
        faults,
        async (races, choices, stream) => {
          const tables = await engine.createTables(['telemetry', 'user_scores', 'score_grants', 'registry']);
          const thinned = stream.map((fault, index) => (index % 3 === 0 ? fault : undefined));
          const world = new RefreshWorld(engine, tables, new Wire(faultsInOrder(thinned), chooser(choices)));
          for (const [index, { sent, racers }] of races.entries()) {
            const sendThenRefresh = async () => {
              for (const [place, timestamp] of sent.entries()) {
                const event = aRawEvent({ insert_id: `event-${index}-${place}`, timestamp });
                await world.send({ sender: 'ada', events: [event] });
              }
              await world.refreshFor({ username: ada, days: sent.map((timestamp) => timestamp.slice(0, 10)) });
            };
            const refreshAnyway = (days: readonly string[] | null) =>
              world.refreshFor({ username: ada, ...(days === null ? {} : { days: [...days] }) });
            await Promise.all([...racers.map(refreshAnyway), sendThenRefresh()]);
            await world.checkFacts({ everyAnswerArrived: false });
            await world.checkScores();
          }
        },
      ),
      { numRuns: runs(8) },
    );
  });

  it.each([
    ['who is not known yet', []],
    ['who is known', ['2026-08-20T12:00:00.000Z']],
  ])('if a refresh of a user %s is held at any request while another one overtakes it', async (_who, known) => {
    const ada = aUsername('ada');
    const eventAt = (timestamp: string) => aRawEvent({ insert_id: timestamp, timestamp });
    for (let n = 1, isReached = true; isReached; n += 1) {
      const tables = await engine.createTables(['telemetry', 'user_scores', 'score_grants', 'registry']);
      const world = new RefreshWorld(engine, tables);
      for (const timestamp of known) {
        await world.send({ sender: 'ada', events: [eventAt(timestamp)] });
        await world.refreshFor({ username: ada });
      }
      await world.send({ sender: 'ada', events: [eventAt('2026-08-21T11:00:00.000Z')] });
      isReached = await world.refreshStandingStill({ username: ada, days: ['2026-08-21'] }, n, async () => {
        await world.send({ sender: 'ada', events: [eventAt('2026-08-21T12:00:00.000Z')] });
        await world.refreshFor({ username: ada, days: ['2026-08-21'] });
      });
      await world.checkFacts({ everyAnswerArrived: true });
      await world.checkScores();
    }
  });

  it('also if any of their requests fails', async () => {
    await fc.assert(
      fc.asyncProperty(steps, faults, turns, async (plan, stream, choices) => {
        const tables = await engine.createTables(['telemetry', 'user_scores', 'score_grants', 'registry']);
        const world = new RefreshWorld(engine, tables, new Wire(faultsInOrder(stream), chooser(choices)));
        await run(world, plan);
      }),
      { numRuns: runs(8) },
    );
  });
});
