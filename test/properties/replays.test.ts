/**
 * I5: replaying any message or stream record, any number of times and in any order, also weeks later, changes no fact
 * and no score.
 *
 * It noticed the removal of this guard: everything is folded again if an announcement names a sealed day.
 * (`counted-once` covers repeated requests, `projections-follow` covers refreshes out of order.)
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startTestEngine, type TestEngine } from '../support/engines.ts';
import { faultsInOrder, Wire } from '../../proof/wire.ts';
import { pick, RefreshWorld } from './refresh-world.ts';
import { chooser, faults, requestsOf, turns, waves } from './telemetry-arbitraries.ts';
import { PATIENCE, runs, type Request } from './telemetry-world.ts';

vi.setConfig({ testTimeout: PATIENCE });

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.stop());

const picks = fc.array(fc.nat(1_000), { minLength: 1, maxLength: 10 });
const replays = fc.array(fc.record({ records: picks, messages: fc.array(picks, { minLength: 1, maxLength: 3 }) }), {
  minLength: 1,
  maxLength: 4,
});

describe('a replay', () => {
  it('changes no fact and no score', async () => {
    await fc.assert(
      fc.asyncProperty(waves, replays, faults, turns, async (plan, again, stream, choices) => {
        const tables = await engine.createTables(['telemetry', 'user_scores', 'score_grants', 'registry']);
        const world = new RefreshWorld(engine, tables, new Wire(faultsInOrder(stream), chooser(choices)));
        const sent: Request[] = [];
        for (const wave of plan) {
          world.now += wave.pause;
          const requests = requestsOf(wave, world.now, sent);
          await world.send(...requests);
          sent.push(...requests);
        }
        await world.drain();
        const before = await world.everything();

        for (const { records, messages } of again) {
          await Promise.all([
            world.announce(pick(world.handledRecords, records)),
            ...messages.map((numbers) => world.refresh(pick(world.handledMessages, numbers))),
          ]);
        }
        await world.drain();

        expect(await world.everything()).toEqual(before);
      }),
      { numRuns: runs(8) },
    );
  });

  it('of announcements from before weeks of other changes leaves every score as the facts determine it', async () => {
    await fc.assert(
      fc.asyncProperty(waves, replays, turns, async (plan, again, choices) => {
        const tables = await engine.createTables(['telemetry', 'user_scores', 'score_grants', 'registry']);
        const world = new RefreshWorld(engine, tables, new Wire(undefined, chooser(choices)));
        const sent: Request[] = [];
        for (const wave of plan) {
          world.now += wave.pause;
          const requests = requestsOf(wave, world.now, sent);
          await world.send(...requests);
          await world.checkFacts({ everyAnswerArrived: true });
          sent.push(...requests);
          await world.drain();
          world.now += 14 * 86_400_000;
        }
        for (const { records, messages } of again) {
          await world.announce(pick(world.handledRecords, records));
          for (const numbers of messages) await world.refresh(pick(world.handledMessages, numbers));
        }
        await world.drain();

        await world.checkScores();
      }),
      { numRuns: runs(8) },
    );
  });
});
