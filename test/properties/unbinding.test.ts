/**
 * Unbinding is the exact inverse of binding: after a device is bound and unbound again, every score and count is as
 * before, and an unknown user is unknown again.
 *
 * This test failed when the unbind left the link as owned.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { explainView, scoreView, statsView } from '../../domain/scoring/views.ts';
import { isKnown } from '../../domain/scoring/user-metrics.ts';
import { unbindDevice } from '../../domain/telemetry/unbind-device.ts';
import { dynamoScoreStore } from '../../functions/adapters/dynamodb/scoring/score-store.ts';
import { aUsername } from '../builders/identity.ts';
import { startTestEngine, type TestEngine } from '../support/engines.ts';
import { RefreshWorld } from './refresh-world.ts';
import { requestsOf, smallWaves } from './telemetry-arbitraries.ts';
import { PATIENCE, runs, type Request } from './telemetry-world.ts';

vi.setConfig({ testTimeout: PATIENCE });

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.stop());

const USERS = ['ada', 'bob', 'cy', 'dee'];
const DEVICES = ['d1', 'd2', '~ada', 'never-seen'];

describe('a device that is bound and unbound again', () => {
  it('leaves every score and every count as it was before', async () => {
    const waves = fc.array(smallWaves, { minLength: 1, maxLength: 3 });
    const loans = fc.array(fc.record({ device: fc.constantFrom(...DEVICES), username: fc.constantFrom(...USERS) }), {
      minLength: 1,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(waves, loans, async (plan, lent) => {
        const world = new RefreshWorld(engine, await engine.createTables());
        const client = world.client();
        const devices = world.store(client);
        const scores = dynamoScoreStore(client, world.scoresTable);
        const shown = async () => {
          const answers = [];
          for (const username of USERS) {
            const { metrics, score } = await scores.load(aUsername(username));
            const isUnknown = metrics === null || score === null || !isKnown(metrics.metrics);
            if (isUnknown) answers.push(null);
            else {
              const { foldedAt: _folded, ...stats } = statsView({ account: username, username }, metrics);
              const { refreshedAt: _refreshed, ...shownScore } = scoreView(
                { account: username, username },
                score.score,
                null,
              );
              answers.push({ stats, score: shownScore, explain: explainView(username, score.score) });
            }
          }
          return answers;
        };
        const sent: Request[] = [];
        for (const wave of plan) {
          const requests = requestsOf(wave, world.now, sent);
          await world.send(...requests);
          sent.push(...requests);
        }
        await world.drain();
        const before = await shown();

        for (const { device, username } of lent) {
          const deviceId = device.startsWith('~') ? `~${device}` : device;
          const at = new Date(world.now).toISOString();
          if ((await devices.bind(deviceId, aUsername(username), at)) === 'already-owned') continue;
          await world.drain();
          expect(await unbindDevice({ devices, clock: () => world.now }, device)).toMatchObject({ ok: true });
          await world.drain();
        }

        expect(await shown()).toEqual(before);
      }),
      { numRuns: runs(8) },
    );
  });
});
