import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyFold } from '../../../domain/scoring/fold.ts';
import { contributionsOn } from '../../../domain/scoring/contributions.ts';
import { rulesVersion1 } from '../../builders/rules.ts';
import { factsOn, type DatedFacts } from '../../../domain/scoring/score-by-date.ts';
import { decideScore, type UserScore } from '../../../domain/scoring/score.ts';
import { addDays, dayNumberOf } from '../../../domain/shared/utc.ts';
import { aUsername } from './model.ts';
import { nothingGranted } from '../../../domain/grants/granted.ts';
import { someMetricsOf } from '../../builders/metrics.ts';
import { aRegistryCount } from '../../builders/registry.ts';
import { aReportOf } from '../../builders/reports.ts';

const date = '2026-08-21';
const today = dayNumberOf(date);
const noon = Date.parse(`${date}T12:00:00.000Z`);

const factsWith = (change: Parameters<typeof someMetricsOf>[1] = {}): DatedFacts => ({
  metrics: someMetricsOf(date, change),
  granted: nothingGranted,
});
/** Facts with `models` successful `model` invocations, active on the dates `daysAgo`. */
const facts = (models: number, ...daysAgo: number[]): DatedFacts =>
  factsWith({
    telemetry: {
      ...emptyFold,
      commands: new Map([['model', { total: models, successes: models }]]),
      activeDays: daysAgo.map((n) => today - n).sort((a, b) => a - b),
    },
  });
const decide = (of: DatedFacts, previous: UserScore | null = null, now = noon, on = date) =>
  decideScore(aUsername(), of, { previous, isHidden: false, date: on, now, rules: rulesVersion1 });

describe('score', () => {
  it('lists each fixed contribution, also with 0 points', () => {
    const score = decide(factsWith({ reports: aReportOf(), registry: aRegistryCount() }));

    expect(score).toMatchObject({ canonicalScore: 0, activityScore: 0, tier: 'Seedling', nextChangeOn: null });
    expect(score.contributions).toMatchObject([
      { key: 'telemetry:activity', category: 'activity', source: 'cli' },
      { key: 'content:extension-publishes', category: 'content', source: 'extensions' },
      { key: 'content:extension-pulls', category: 'content', source: 'extensions' },
      { key: 'community:lab-issues', category: 'community', source: 'issues' },
      { key: 'community:daily-sign-in', category: 'community', source: 'sign-in' },
    ]);
  });

  it.each([
    [0, 0, 0, 0],
    [1, 1, 50, 10],
    [20, 100, 1_000, 1_000],
    [21, 101, 1_000, 1_000],
  ])('gives %i issues and %i sign-ins %i and %i points', (issues, signIns, issuePoints, signInPoints) => {
    const score = decide(factsWith({ reports: aReportOf(issues, signIns), registry: aRegistryCount() }));

    expect(score.contributions.map(({ points }) => points)).toEqual([0, 0, 0, issuePoints, signInPoints]);
    expect(score.canonicalScore).toBe(issuePoints + signInPoints);
  });

  it.each([
    [0, 0, 0, 0],
    [1, 1, 500, 5],
    [2, 99, 1_000, 495],
    [10, 100, 5_000, 500],
    [11, 101, 5_000, 500],
  ])('gives %i publishes and %i pulls %i and %i points', (publishes, pulls, publishPoints, pullPoints) => {
    const score = decide(factsWith({ reports: aReportOf(), registry: aRegistryCount(publishes, pulls) }));

    expect(score.contributions.map(({ points }) => points)).toEqual([0, publishPoints, pullPoints, 0, 0]);
    expect(score.canonicalScore).toBe(publishPoints + pullPoints);
  });

  it('keeps the time of the save that last changed it', () => {
    const first = decide(facts(1, 0));
    const same = decide(facts(1, 0), first, noon + 1_000);
    const more = decide(facts(2, 0), same, noon + 2_000);

    expect([first, same, more].map((score) => Date.parse(score.standingSince) - noon)).toEqual([0, 0, 2_000]);
    expect(Date.parse(same.refreshedAt) - noon).toBe(1_000);
  });

  it.each([
    ['the streak breaks on the second day after the last active one', facts(200, 0), '2026-08-23'],
    ['a day leaves the window after 28 dates', facts(200, 26), '2026-08-23'],
    ['an active future date counts when it comes', facts(200, -1), '2026-08-22'],
    ['nothing changes once everything has left the window', facts(200, 28), null],
    ['without points nothing changes', facts(0, 0), null],
  ])('returns the first date on which it changes by itself: %s', (_rule, of, expected) => {
    expect(decide(of).nextChangeOn).toBe(expected);
  });

  it('changes on nextChangeOn and on no date before it', () => {
    fc.assert(
      fc.property(fc.nat(250), fc.uniqueArray(fc.integer({ min: -1, max: 40 })), (models, daysAgo) => {
        const of = facts(models, ...daysAgo);
        const { canonicalScore, nextChangeOn } = decide(of);
        const on = (days: number) =>
          contributionsOn(addDays(date, days), factsOn(addDays(date, days), of.metrics), rulesVersion1)[0]?.points;
        const first = Array.from({ length: 60 }, (_, n) => n + 1).find((days) => on(days) !== canonicalScore);
        expect(nextChangeOn).toBe(first === undefined ? null : addDays(date, first));
      }),
    );
  });
});
