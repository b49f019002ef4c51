/**
 * These tests failed when one of these guards was removed: the limit of two days; the fold from nothing; the steps of
 * later dates.
 */
import { expect, it } from 'vitest';
import { refreshScore } from '../../../domain/scoring/refresh-score.ts';
import { anEvent, aUsername, Clock, dependencies, FactsModel, ScoresModel } from './model.ts';

const ada = aUsername('ada');

/** A user who was refreshed today, and then by a machine whose clock was `daysAhead` days ahead. */
async function savedAhead(daysAhead: number) {
  const [facts, scores, clock] = [new FactsModel(), new ScoresModel(), new Clock()];
  const told: string[] = [];
  const deps = {
    ...dependencies(facts, scores, clock),
    reportDateAhead: (username: string, date: string) => void told.push(`${username} ${date}`),
  };
  facts.send('d', clock.now, anEvent('1', { sender: ada }));
  await refreshScore(deps, { username: ada, days: null });
  const right = structuredClone({ metrics: scores.metrics.get(ada)!.metrics, score: scores.scores.get(ada)!.score });
  clock.advanceDays(daysAhead);
  await refreshScore(deps, { username: ada, days: [] });
  clock.advanceDays(-daysAhead);
  clock.now += 60_000;
  return { facts, scores, clock, deps, told, right };
}

it('a date stored by a clock 400 days ahead is reported, and the next refresh repairs it', async () => {
  const { scores, clock, deps, told, right } = await savedAhead(400);
  expect(scores.scores.get(ada)?.score).toMatchObject({ date: '2027-09-25', activityScore: 10 + 50 });

  await refreshScore(deps, { username: ada, days: [], changedBefore: '2026-08-21T11:00:00.000Z' });

  // The earlier steps are lost, because the wrong clock dropped them as too old.
  const { refreshedAt, steps, ...score } = scores.scores.get(ada)!.score;
  const { refreshedAt: _first, steps: _dropped, ...expected } = right.score;
  expect(steps.every(({ through }) => through < '2026-08-21')).toBe(true);
  expect(scores.metrics.get(ada)?.metrics).toEqual(right.metrics);
  expect(score).toEqual({ ...expected, standingSince: new Date(clock.now).toISOString() });
  expect(refreshedAt).toBe(new Date(clock.now).toISOString());
  expect(told).toEqual(['ada 2027-09-25']);

  await refreshScore(deps, { username: ada, days: [] });
  expect(told).toHaveLength(1);
});

it('a repaired score has no tiers and steps of the future', async () => {
  const { facts, scores, clock, deps } = await savedAhead(400);
  const stored = scores.scores.get(ada)!;
  const future = '2027-09-25T12:01:00.000Z';
  const tiersReached = [{ tier: 'Sprout', reachedAt: future, hasBadge: true }];
  const score = { ...stored.score, tiersReached, steps: [{ through: '2027-09-24', score: 7 }], standingSince: future };
  scores.scores.set(ada, { ...stored, score });
  facts.send('d', clock.now, anEvent('2', { sender: ada }));
  await refreshScore(deps, { username: ada, days: ['2026-08-21'] });

  const now = new Date(clock.now).toISOString();
  const mended = scores.scores.get(ada)?.score;
  expect(mended?.tiersReached).toEqual([{ tier: 'Sprout', reachedAt: now, hasBadge: true }]);
  expect(mended?.steps.filter(({ through }) => through >= '2026-08-21')).toEqual([]);
  expect(mended?.standingSince).toBe(now);
});

it('a date two days ahead is accepted, because clocks may differ', async () => {
  const { scores, deps, told } = await savedAhead(2);
  await refreshScore(deps, { username: ada, days: [] });

  expect(scores.scores.get(ada)?.score.date).toBe('2026-08-23');
  expect(told).toEqual([]);
});
