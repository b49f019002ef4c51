/**
 * These tests failed when one of these guards was removed:
 * - isDoneSince: the margin; the score's own metrics; a missing badge; a start in the future; each requested part;
 * - startsAfter: starts of long folded days, and those of a wrong clock, are dropped;
 * - coalesce: one message without a time.
 */
import { describe, expect, it } from 'vitest';
import { coalesce, refreshScore, type Refresh } from '../../../domain/scoring/refresh-score.ts';
import { startsAfter } from '../../../domain/scoring/fold-starts.ts';
import { anEvent, aUsername, Clock, dependencies, FactsModel, ScoresModel } from './model.ts';

const ada = aUsername('ada');
const TODAY = '2026-08-21';

/** A user whose facts were folded from nothing at noon. `refresh` asks for a refresh a minute later. */
async function foldedAtNoon(partial?: Omit<Refresh, 'username'>) {
  const [facts, scores, clock] = [new FactsModel(), new ScoresModel(), new Clock()];
  const deps = dependencies(facts, scores, clock);
  facts.send('d', clock.now, anEvent('1', { sender: ada }));
  await refreshScore(deps, { username: ada, days: null });
  clock.now += 3_600_000;
  const folded = clock.now;
  if (partial !== undefined) await refreshScore(deps, { username: ada, ...partial });
  const since = partial === undefined ? folded - 3_600_000 : folded;
  clock.now += 60_000;
  const refresh = (asked: Omit<Refresh, 'username' | 'changedBefore'>, seconds: number, of = deps) =>
    refreshScore(of, { username: ada, changedBefore: new Date(since + seconds * 1_000).toISOString(), ...asked });
  return { facts, scores, clock, deps, refresh };
}

describe('a refresh that a later fold covers', () => {
  it('is skipped, whatever its message asked for', async () => {
    const { scores, refresh } = await foldedAtNoon();

    for (const asked of [
      { days: null },
      { days: [TODAY] },
      { days: [], reports: true },
      { days: [], registry: true },
    ]) {
      expect(await refresh(asked, -6)).toBe('done-since');
    }
    expect(scores.saves).toBe(1);
  });

  it('runs if the fold started before the change, or so soon after it that clocks may differ', async () => {
    for (const seconds of [30, 0, -4]) {
      expect(await (await foldedAtNoon()).refresh({ days: [TODAY] }, seconds)).toBe('saved');
    }
  });

  it.each<[what: string, asked: Omit<Refresh, 'username'>, partial: Omit<Refresh, 'username'>]>([
    ['another day', { days: ['2026-08-20'] }, { days: [TODAY] }],
    ['every day', { days: null }, { days: [TODAY], reports: true, registry: true }],
    ['reports', { days: [], reports: true }, { days: [TODAY], registry: true }],
    ['the registry', { days: [], registry: true }, { days: [TODAY], reports: true }],
    ['the grants', { days: [], grants: true }, { days: [] }],
    ['the ledger', { days: [] }, { days: [], ledger: false }],
  ])('runs if the fold did not cover %s', async (_what, asked, partial) => {
    const { refresh } = await foldedAtNoon(partial);

    expect(await refresh(asked, -6)).toBe('saved');
    expect(await refresh({ days: [], ledger: false }, -6)).toBe('done-since'); // the other parts are covered
  });

  it('runs if the newest fold is in no score yet', async () => {
    const { scores, refresh } = await foldedAtNoon();
    const stored = scores.metrics.get(ada)!;
    scores.metrics.set(ada, { ...stored, revision: stored.revision + 1 });

    expect(await refresh({ days: [TODAY] }, -6)).toBe('saved');
  });

  it('runs if the badge of a tier is missing, because the earlier refresh ended before the grant', async () => {
    const { scores, refresh } = await foldedAtNoon();
    const stored = scores.scores.get(ada)!;
    const tiersReached = [{ tier: 'Sprout', reachedAt: stored.score.refreshedAt, hasBadge: false }];
    scores.scores.set(ada, { ...stored, score: { ...stored.score, tiersReached } });

    expect(await refresh({ days: [TODAY] }, -6)).toBe('saved');
  });

  it('runs if the fold started in the future, because a clock was wrong', async () => {
    const { clock, refresh } = await foldedAtNoon();
    clock.now -= 2 * 3_600_000;

    expect(await refresh({ days: [TODAY] }, -6)).toBe('saved');
  });

  it('runs if one of its messages has no time', async () => {
    const timed = { username: ada, days: [TODAY], changedBefore: '2026-08-21T11:00:00.000Z' };
    const { deps } = await foldedAtNoon();

    expect(await refreshScore(deps, coalesce([timed, { ...timed, changedBefore: '2026-08-21T10:00:00.000Z' }]))).toBe(
      'done-since',
    );
    expect(await refreshScore(deps, coalesce([timed, { username: ada, days: [TODAY] }]))).toBe('saved');
  });

  it('depends on the newest of its changes', async () => {
    const { deps } = await foldedAtNoon();
    const at = (changedBefore: string) => ({ username: ada, days: [TODAY], changedBefore });
    const [early, late] = [at('2026-08-21T11:00:00.000Z'), at('2026-08-21T12:30:00.000Z')];

    expect(await refreshScore(deps, coalesce([late, early]))).toBe('saved');
  });

  it('costs one read of the stored items instead of a fold of every device', async () => {
    const { facts, deps, refresh } = await foldedAtNoon();
    let reads = 0;
    const linksOf = (...[username]: Parameters<FactsModel['linksOf']>) => {
      reads += 1;
      return facts.linksOf(username);
    };
    const telemetry = facts.with({ linksOf });

    for (let message = 0; message < 10; message += 1) await refresh({ days: null }, -6, { ...deps, telemetry });
    expect(reads).toBe(0);
  });
});

it('a fold keeps the times of its days for an hour, and no time of a wrong clock', () => {
  const at = Date.parse('2026-08-21T12:00:00.000Z');
  const before = new Map([
    ['every-day', at - 86_400_000],
    ['registry', at + 86_400_000],
    ['2026-08-20', at - 60_000],
    ['2026-08-19', at - 3_700_000],
  ]);

  expect(Object.fromEntries(startsAfter(before, { days: [TODAY] }, { startedAt: at, isFromNothing: false }))).toEqual({
    'every-day': at - 86_400_000,
    '2026-08-20': at - 60_000,
    profile: at,
    any: at,
    [TODAY]: at,
  });
  expect(Object.fromEntries(startsAfter(before, { days: [TODAY] }, { startedAt: at, isFromNothing: true }))).toEqual({
    profile: at,
    any: at,
    'every-day': at,
  });
});
