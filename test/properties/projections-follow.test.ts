/**
 * I2: once every change is announced and every announcement handled, a user's metrics are a fold of the facts from nothing, and
 * the score is what the rules say of it on its date, whatever came in whichever order, twice, at the same time or failed on
 * its way.
 *
 * GUARDS
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { startTestEngine, type TestEngine } from '../support/engines.ts';
import { faultsInOrder, Wire } from '../support/faults.ts';
import { CLOCKS_OFF, pick, RefreshWorld } from './refresh-world.ts';
import { chooser, faults, requestsOf, smallWaves, turns, type Wave } from './telemetry-arbitraries.ts';
import { runs, type Request } from './telemetry-world.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.stop());

const DAY = 86_400_000;
const picks = fc.array(fc.nat(1_000), { maxLength: 8 });
/** What runs at the same time: senders, one that announces, and machines that refresh. */
type Step = {
  readonly wave: Wave | null;
  readonly announce: readonly number[];
  readonly refreshes: readonly { readonly messages: readonly number[]; readonly clockOff: number }[];
  readonly pause: number;
};
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    wave: fc.option(smallWaves, { freq: 3 }),
    announce: picks,
    refreshes: fc.array(fc.record({ messages: picks, clockOff: fc.constantFrom(...CLOCKS_OFF) }), { maxLength: 3 }),
    pause: fc.constantFrom(0, 0, DAY / 2, DAY, 3 * DAY, 36 * DAY),
  }),
  { minLength: 1, maxLength: 7 },
);

async function run(world: RefreshWorld, plan: readonly Step[]): Promise<void> {
  const sent: Request[] = [];
  for (const { wave, announce, refreshes, pause } of plan) {
    world.now += pause;
    await world.readStream();
    const requests = wave === null ? [] : requestsOf(wave, world.now, sent);
    const records = pick(world.records, announce);
    await Promise.all([
      world.send(...requests),
      ...(records.length > 0 ? [world.announce(records)] : []),
      ...refreshes.map(({ messages, clockOff }) => world.refresh(pick(world.queue, messages), clockOff)),
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
  it('whatever the order of events, bindings, announcements and refreshes', async () => {
    await fc.assert(
      fc.asyncProperty(steps, turns, async (plan, choices) => {
        const tables = await engine.createTables(['telemetry', 'user_scores']);
        using world = new RefreshWorld(engine, tables, new Wire(undefined, chooser(choices)));
        await run(world, plan);
      }),
      { numRuns: runs(50) },
    );
  });

  it('also where any request of any of them fails', async () => {
    await fc.assert(
      fc.asyncProperty(steps, faults, turns, async (plan, stream, choices) => {
        const tables = await engine.createTables(['telemetry', 'user_scores']);
        using world = new RefreshWorld(engine, tables, new Wire(faultsInOrder(stream), chooser(choices)));
        await run(world, plan);
      }),
      { numRuns: runs(50) },
    );
  });
});
