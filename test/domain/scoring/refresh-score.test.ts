/**
 * These tests failed when one of these guards was removed:
 * - refreshScore: starting again after `stale`; saving under the guard that was read before the facts;
 * - planRefresh: from nothing if no day is named, and if the devices differ from those of the stored metrics;
 * - metricsCarriedOn: from nothing if a dropped name is needed again; one choice of names for all parts;
 * - assemble: days without counts leave no trace;
 * - dateOfRefresh: the date of the stored metrics, and that of the stored score.
 */
import { namedCommandsOf } from '../../../domain/scoring/contributions.ts';
import { rulesVersion1 } from '../../builders/rules.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldDays, rangesOf } from '../../../domain/scoring/facts.ts';
import { coalesce, refreshScore } from '../../../domain/scoring/refresh-score.ts';
import type { UserRegistry } from '../../../domain/registry/user-registry.port.ts';
import type { ScoreStore } from '../../../domain/scoring/score-store.port.ts';
import { MILLISECONDS_PER_DAY } from '../../../domain/shared/utc.ts';
import { grantPoints } from '../../../domain/grants/grant-points.ts';
import { anAward } from '../../builders/grants.ts';
import { aReportOf } from '../../builders/reports.ts';
import { anEmptyRegistry, aRegistryCount } from '../../builders/registry.ts';
import { anEvent, aUsername, Clock, dependencies, FactsModel, invocation, noTurns, ScoresModel } from './model.ts';

const ada = aUsername('ada');
const setUp = () => {
  const [facts, scores, clock] = [new FactsModel(), new ScoresModel(), new Clock()];
  return { facts, scores, clock, deps: dependencies(facts, scores, clock) };
};

/** Metrics that were stored without their devices, as an older release does. */
function withoutLinks({ metrics }: ScoresModel): void {
  const {
    metrics: { links: _, ...others },
    ...stored
  } = metrics.get(ada)!;
  metrics.set(ada, { ...stored, metrics: others });
}

describe('refresh', () => {
  it('saves nothing for a username without devices and events', async () => {
    const { scores, deps } = setUp();

    expect(await refreshScore(deps, { username: ada, days: null })).toBe('unknown');
    expect(scores.metrics.size + scores.scores.size).toBe(0);
  });

  it('saves nothing for a link without facts', async () => {
    const { facts, deps } = setUp();
    const telemetry = facts.with({ linksOf: async () => [{ deviceId: 'd', owned: false }] });

    expect(await refreshScore({ ...deps, telemetry }, { username: ada, days: ['2026-08-21'] })).toBe('unknown');
  });

  it('saves nothing for a link whose events all belong to other users', async () => {
    const { facts, clock, deps } = setUp();
    facts.send('d', clock.now, anEvent('1', { sender: aUsername('bob') }));
    const telemetry = facts.with({ linksOf: async () => [{ deviceId: 'd', owned: false }] });

    expect(await refreshScore({ ...deps, telemetry }, { username: ada, days: null })).toBe('unknown');
  });

  it('folds everything from nothing if no day is named, so that it finds manual repairs', async () => {
    const { facts, scores, clock, deps } = setUp();
    facts.send('d', clock.now, anEvent('1', { sender: ada }));
    await refreshScore(deps, { username: ada, days: null });
    facts.send('d', clock.now - MILLISECONDS_PER_DAY, anEvent('2', { sender: ada }));
    await refreshScore(deps, { username: ada, days: null });

    expect([...(scores.metrics.get(ada)?.metrics.open.keys() ?? [])]).toEqual(['2026-08-20', '2026-08-21']);
  });

  it('folds everything from nothing if the devices differ from those of the stored metrics', async () => {
    const { facts, scores, clock, deps } = setUp();
    facts.send('d1', clock.now, anEvent('1', { sender: ada }));
    facts.send('d2', clock.now - MILLISECONDS_PER_DAY, anEvent('2'));
    await refreshScore(deps, { username: ada, days: null });
    facts.bind('d2', ada);
    withoutLinks(scores);
    await refreshScore(deps, { username: ada, days: ['2026-08-21'] });

    expect([...(scores.metrics.get(ada)?.metrics.open.keys() ?? [])]).toEqual(['2026-08-20', '2026-08-21']);
  });

  it('counts pulls again if the devices differ, because a new device may be the puller', async () => {
    const [facts, scores, clock] = [new FactsModel(), new ScoresModel(), new Clock()];
    const registry: UserRegistry = {
      ...anEmptyRegistry,
      async *pullsOf() {
        yield [{ puller: 'device:d2', on: '2026-08-20' }];
      },
    };
    const deps = dependencies(facts, scores, clock, undefined, registry);
    facts.send('d1', clock.now, anEvent('1', { sender: ada }));
    await refreshScore(deps, { username: ada, days: null });
    expect(scores.metrics.get(ada)?.metrics.registry).toEqual(aRegistryCount(0, 1, '2026-08-20'));

    facts.bind('d2', ada);
    withoutLinks(scores);
    await refreshScore(deps, { username: ada, days: ['2026-08-21'] });

    expect(scores.metrics.get(ada)?.metrics.registry).toEqual(aRegistryCount());
  });

  it('reuses nothing that another release folded differently, also after a rollback and a roll-forward', async () => {
    const { facts, scores, clock, deps } = setUp();
    facts.send('d', clock.now, anEvent('1', { sender: ada }));
    facts.report('issue', ada, clock.now);
    await grantPoints(deps.grants, [anAward('a1', 7)]);
    await refreshScore(deps, { username: ada, days: null });
    const [metrics, score] = [scores.metrics.get(ada)!, scores.scores.get(ada)!];
    // Items that the other release wrote from the same devices: its folds, counts and lines must not be used.
    const theirs = { open: new Map(), reports: aReportOf(), registry: aRegistryCount(9) };
    scores.metrics.set(ada, { ...metrics, metrics: { ...metrics.metrics, ...theirs, foldedBy: '' } });
    const granted = { ...score.score.granted, byDate: new Map() };
    const theirSteps = [{ through: '2026-08-19', score: 0 }];
    scores.scores.set(ada, { ...score, score: { ...score.score, granted, steps: theirSteps, foldedBy: '' } });
    await refreshScore(deps, { username: ada, days: [] });

    const again = scores.scores.get(ada)!.score;
    expect(scores.metrics.get(ada)!.metrics).toEqual(metrics.metrics);
    expect({ ...again, refreshedAt: '' }).toEqual({ ...score.score, refreshedAt: '' });
  });

  it('raises the revision even if nothing changed, so that no older refresh can save', async () => {
    const { facts, scores, clock, deps } = setUp();
    facts.send('d', clock.now, anEvent('1', { sender: ada }));
    await refreshScore(deps, { username: ada, days: null });
    await refreshScore(deps, { username: ada, days: ['2026-08-21'] });

    expect(scores.metrics.get(ada)?.revision).toBe(2);
    expect(scores.scores.get(ada)?.revision).toBe(2);
  });

  it('starts again if another refresh came first, and gives up after a limited number of tries', async () => {
    const { facts, scores, clock, deps } = setUp();
    facts.send('d', clock.now, anEvent('1', { sender: ada }));
    let [attempts, wins] = [0, 3];
    const contended: ScoreStore = {
      ...noTurns,
      load: (account) => scores.load(account),
      save: async (guard, next) => (++attempts < wins ? 'stale' : scores.save(guard, next)),
      dayRows: () => scores.dayRows(),
    };
    expect(await refreshScore({ ...deps, scores: contended }, { username: ada, days: null })).toBe('saved');
    expect(attempts).toBe(3);

    [attempts, wins] = [0, Infinity];
    await expect(refreshScore({ ...deps, scores: contended }, { username: ada, days: null })).rejects.toThrow();
    expect(attempts).toBe(10);
  });

  it('never goes back to an earlier date when a clock does', async () => {
    const { facts, scores, clock, deps } = setUp();
    facts.send('d', clock.now, anEvent('1', { sender: ada }));
    await refreshScore(deps, { username: ada, days: null });
    clock.advanceDays(-1);
    await refreshScore(deps, { username: ada, days: null });

    expect(scores.scores.get(ada)?.score.date).toBe('2026-08-21');
    expect(scores.metrics.get(ada)?.metrics.sealedThrough).toBe('2026-07-16');
  });

  it.each([
    ['metrics', 'scores'],
    ['scores', 'metrics'],
  ] as const)('keeps the date of stored %s whose %s were lost', async (_kept, lost) => {
    const { facts, scores, clock, deps } = setUp();
    facts.send('d', clock.now - 35 * MILLISECONDS_PER_DAY, anEvent('1', { sender: ada }));
    clock.advanceDays(1);
    await refreshScore(deps, { username: ada, days: null });
    scores[lost].delete(ada);
    clock.advanceDays(-1);
    await refreshScore(deps, { username: ada, days: ['2026-08-21'] });

    expect(scores.scores.get(ada)?.score.date).toBe('2026-08-22');
    expect(scores.metrics.get(ada)?.metrics.sealedThrough).toBe('2026-07-17');
  });

  it('reads only the named days of a usual refresh', async () => {
    const { facts, clock, deps } = setUp();
    for (let days = 0; days < 40; days += 1) {
      facts.send('d', clock.now - days * MILLISECONDS_PER_DAY, anEvent('1', { sender: ada }));
    }
    await refreshScore(deps, { username: ada, days: null });
    const ranges: unknown[] = [];
    const telemetry = facts.with({
      hoursOf: (deviceId, dates) => {
        ranges.push(dates);
        return facts.hoursOf(deviceId, dates);
      },
    });
    await refreshScore({ ...deps, telemetry }, { username: ada, days: ['2026-08-20', '2026-08-21'] });

    expect(ranges).toEqual([{ from: '2026-08-20', to: '2026-08-21' }]);
  });

  it('reads its facts again if a refresh with newer facts saved after its guard', async () => {
    const { facts, scores, clock, deps } = setUp();
    facts.send('d', clock.now, anEvent('1', { sender: ada }));
    let interrupted = false;
    const slow = facts.with({
      async *hoursOf(deviceId, dates) {
        const found = [];
        for await (const hour of facts.hoursOf(deviceId, dates)) found.push(hour);
        if (!interrupted) {
          interrupted = true;
          facts.send('d', clock.now, anEvent('2', { sender: ada }));
          await refreshScore(deps, { username: ada, days: null });
        }
        yield* found;
      },
    });
    await refreshScore({ ...deps, telemetry: slow }, { username: ada, days: null });

    expect(scores.metrics.get(ada)?.metrics.open.get('2026-08-21')?.events.get('cli_invocation')).toBe(2);
  });

  it('counts all facts in the end, for any interleaving of refreshes and new events', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(fc.nat(12), { minLength: 4, maxLength: 4 }), async (s, pauses) => {
        const { facts, scores, clock } = setUp();
        const telemetry = facts.with({
          linksOf: (account) => s.schedule(facts.linksOf(account)),
          async *hoursOf(deviceId, dates) {
            await s.schedule(Promise.resolve());
            const found = [];
            for await (const hour of facts.hoursOf(deviceId, dates)) found.push(hour);
            await s.schedule(Promise.resolve()); // the answer is on its way while others write
            yield* found;
          },
        });
        const stored: ScoreStore = {
          ...noTurns,
          load: async (account) => {
            const found = await scores.load(account);
            return s.schedule(Promise.resolve(found));
          },
          save: async (guard, next) => {
            await s.schedule(Promise.resolve());
            return scores.save(guard, next);
          },
          dayRows: () => scores.dayRows(),
        };
        const deps = dependencies(telemetry, stored, clock);
        const change = async (id: string, deviceId: string, pause: number) => {
          for (let n = 0; n <= pause; n += 1) await s.schedule(Promise.resolve());
          facts.send(deviceId, clock.now, anEvent(id, { sender: id === '3' ? null : ada }));
          const announced = facts.announcements.splice(0).filter(({ username }) => username === ada);
          await Promise.all(announced.map((refresh) => refreshScore(deps, refresh)));
        };
        const changes = [
          ['1', 'd1'],
          ['2', 'd1'],
          ['3', 'd1'],
          ['4', 'd2'],
        ] as const;
        await s.waitFor(Promise.all(changes.map(([id, deviceId], n) => change(id, deviceId, pauses[n] ?? 0))));

        expect(scores.metrics.get(ada)?.metrics.open.get('2026-08-21')?.events.get('cli_invocation')).toBe(4);
        expect(scores.scores.get(ada)?.score.contributions[0]?.inputs.get('group:model')).toBe(4);
      }),
      { numRuns: 150 },
    );
  });
});

describe('a hostile user', () => {
  const name = (n: number) => `c${String(n).padStart(4, '0')}`;
  const sendNames = (facts: FactsModel, at: number, names: readonly string[]) => {
    for (const each of names) facts.send('d', at, anEvent(each, { kind: invocation(each), sender: ada }));
  };

  it('keeps at most 64 names, the same ones in any order, and loses no count', async () => {
    const { facts, scores, clock, deps } = setUp();
    const names = Array.from({ length: 200 }, (_, n) => name((n * 7) % 200));
    for (let day = 0; day < 5; day += 1) {
      sendNames(facts, clock.now - day * MILLISECONDS_PER_DAY, ['model', ...names.slice(day * 40, day * 40 + 40)]);
      for (const announced of facts.announcements.splice(0).slice(-1)) await refreshScore(deps, announced);
    }
    const carriedOn = scores.metrics.get(ada)?.metrics;
    const fresh = new ScoresModel();
    await refreshScore(dependencies(facts, fresh, clock), { username: ada, days: null });

    expect(carriedOn).toEqual(fresh.metrics.get(ada)?.metrics);
    const folds = [...(carriedOn?.open.values() ?? [])];
    const kept = new Set(folds.flatMap(({ commands }) => [...commands.keys()]));
    expect([...kept].sort()).toEqual([...names.sort().slice(0, 64), 'model', 'other']);
    expect(folds.flatMap(({ commands }) => [...commands.values()]).reduce((sum, { total }) => sum + total, 0)).toBe(
      205,
    );
  });

  it('restores a dropped name if a name in the full table turns out to be another user’s', async () => {
    const { facts, scores, clock, deps } = setUp();
    facts.bind('d', ada);
    const names = Array.from({ length: 70 }, (_, n) => name(n));
    const earlier = clock.now - MILLISECONDS_PER_DAY;
    sendNames(facts, earlier, names.slice(1));
    facts.send('d', clock.now, anEvent('mine?', { kind: invocation(name(0)) }));
    await refreshScore(deps, { username: ada, days: null });
    facts.send('d', clock.now, anEvent('mine?', { kind: invocation(name(0)), sender: aUsername('bob') }));
    await refreshScore(deps, { username: ada, days: ['2026-08-21'] });

    const fresh = new ScoresModel();
    await refreshScore(dependencies(facts, fresh, clock), { username: ada, days: null });
    expect(scores.metrics.get(ada)?.metrics).toEqual(fresh.metrics.get(ada)?.metrics);
    expect(scores.metrics.get(ada)?.metrics.open.get('2026-08-20')?.commands.has(name(64))).toBe(true);
  });
});

describe('reading facts', () => {
  it('reads a device at most four times, over the narrowest gaps, and folds no day in the gaps', async () => {
    const everyOther = Array.from({ length: 18 }, (_, n) => `2026-08-${String(2 * n + 1).padStart(2, '0')}`).slice(
      0,
      15,
    );
    expect(rangesOf(['2026-06-01', ...everyOther])).toHaveLength(2);
    expect(rangesOf(['2026-01-01', '2026-02-01', '2026-03-01', '2026-04-01', '2026-04-03', '2026-04-06'])).toEqual([
      { from: '2026-01-01', to: '2026-01-01' },
      { from: '2026-02-01', to: '2026-02-01' },
      { from: '2026-03-01', to: '2026-03-01' },
      { from: '2026-04-01', to: '2026-04-06' },
    ]);

    const { facts, clock } = setUp();
    for (const day of [0, 1, 2])
      facts.send('d', clock.now - day * MILLISECONDS_PER_DAY, anEvent(`${day}`, { sender: ada }));
    const links = [{ deviceId: 'd', owned: true }];
    const days = ['2026-08-21', '2026-08-19', '2026-08-17', '2026-08-15', '2026-08-13', '2026-08-11'];
    expect([...(await foldDays(facts, ada, links, days, namedCommandsOf(rulesVersion1))).folds.keys()]).toEqual([
      '2026-08-19',
      '2026-08-21',
    ]);
  });

  it('merges consecutive days into one range', () => {
    expect(rangesOf(['2026-03-01', '2026-02-27', '2026-02-28', '2026-03-03', '2026-03-01'])).toEqual([
      { from: '2026-02-27', to: '2026-03-01' },
      { from: '2026-03-03', to: '2026-03-03' },
    ]);
  });

  it('leaves no read running after a failure', async () => {
    let running = 0;
    const telemetry = new FactsModel().with({
      async *hoursOf(deviceId) {
        running += 1;
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        if (deviceId === 'd0') throw new Error('unreadable');
        yield* [];
      },
    });
    const links = Array.from({ length: 10 }, (_, n) => ({ deviceId: `d${n}`, owned: true }));

    await expect(foldDays(telemetry, ada, links, null, namedCommandsOf(rulesVersion1))).rejects.toThrow('unreadable');
    expect(running).toBe(0);
  });
});

describe('announcements of one user', () => {
  it('become one refresh with all their days', () => {
    expect(
      coalesce([
        { username: ada, days: ['2026-08-21'] },
        { username: ada, days: ['2026-08-19', '2026-08-21'] },
      ]),
    ).toEqual({ username: ada, days: ['2026-08-19', '2026-08-21'], reports: false, registry: false });
  });

  it('fold everything if one of them names no day, in any order', () => {
    const everything = { username: ada, days: null, reports: false, registry: false };

    expect(coalesce([{ username: ada }, { username: ada, days: ['2026-08-21'] }])).toEqual(everything);
    expect(coalesce([{ username: ada, days: ['2026-08-21'] }, { username: ada }])).toEqual(everything);
  });

  it('count reports again if one of them names them', () => {
    expect(
      coalesce([
        { username: ada, days: [] },
        { username: ada, days: [], reports: true },
      ]),
    ).toEqual({
      username: ada,
      days: [],
      reports: true,
      registry: false,
    });
  });
});
