import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ScoringRules } from '../../../domain/rules/scoring-rules.ts';
import { contributionsOn, explainContribution } from '../../../domain/scoring/contributions.ts';
import { refreshScore } from '../../../domain/scoring/refresh-score.ts';
import { scoresOn } from '../../../domain/scoring/score-by-date.ts';
import { foldedByOf } from '../../../domain/scoring/user-metrics.ts';
import { rulebookOf } from '../../../domain/rules/current-rules.ts';
import { nothingGranted } from '../../../domain/grants/granted.ts';
import { byDate } from '../../../domain/shared/by-date.ts';
import { startOfPeriod } from '../../../domain/shared/periods.ts';
import { addDays, dateOf, MILLISECONDS_PER_DAY as DAY } from '../../../domain/shared/utc.ts';
import { aCommunity } from '../../builders/community.ts';
import { rulesVersion1 } from '../../builders/rules.ts';
import { aUsername, Clock, dependencies, FactsModel, ScoresModel, sha256 } from './model.ts';

const ada = aUsername('ada');

function rulesWith(capPer: 'month' | 'week'): ScoringRules {
  const { rules } = aCommunity();
  Object.assign(rules.events[0], { points: 20, cap: 50, capPer });
  return ScoringRules.parse({ ...rules, version: '2' });
}

describe('a period', () => {
  it.each([
    ['month', '2026-08-21', '2026-08-01'],
    ['month', '2026-08-01', '2026-08-01'],
    ['week', '2026-08-21', '2026-08-17'], // a Friday
    ['week', '2026-08-17', '2026-08-17'],
    ['week', '2026-08-23', '2026-08-17'],
    ['week', '2027-01-01', '2026-12-28'], // the last ISO week of 2026
    ['week', '1969-12-31', '1969-12-29'],
  ] as const)('of a %s: %s is in the one that starts on %s', (period, date, start) => {
    expect(startOfPeriod(period, date)).toBe(start);
  });
});

describe('a cap on each period', () => {
  it.each(['month', 'week'] as const)(
    'of a %s holds on every date, whatever the order of facts and days',
    async (capPer) => {
      const rules = rulesWith(capPer);
      const book = rulebookOf([rulesVersion1, rules], '2');
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.record({ ago: fc.nat(200), later: fc.constantFrom(0, 0, 1, 20, 60) }), { maxLength: 25 }),
          async (sent) => {
            const [facts, scores, clock] = [new FactsModel(), new ScoresModel(), new Clock()];
            const dates: string[] = [];
            for (const { ago, later } of sent) {
              facts.report('issue', ada, clock.now - ago * DAY);
              dates.push(dateOf(clock.now - ago * DAY));
              const deps = { ...dependencies(facts, scores, clock), rules: book };
              await refreshScore(deps, { username: ada, days: [], reports: true });
              clock.advanceDays(later);
              if (later > 0) await refreshScore(deps, { username: ada, days: [] });
            }
            const stored = scores.metrics.get(ada);
            if (stored === undefined) return;
            const naive = (date: string): number =>
              [
                ...Map.groupBy(
                  dates.filter((each) => each <= date),
                  (each) => startOfPeriod(capPer, each),
                ).values(),
              ]
                .map((period) => Math.min(50, 20 * period.length))
                .reduce((sum, points) => sum + points, 0);
            const today = dateOf(clock.now);
            const known = Array.from({ length: 91 }, (_, back) => addDays(today, -back)).toReversed();
            for (const [date, score] of scoresOn(known, { metrics: stored.metrics, granted: nothingGranted }, rules)) {
              expect([date, score]).toEqual([date, naive(date)]);
            }
          },
        ),
        { numRuns: 40 },
      );
    },
  );

  it('is explained by the points of earlier ones and the count of this one', () => {
    const rules = rulesWith('month');
    const reported = new Map([
      [
        'issue_created',
        byDate([
          ['2026-07-30', 4],
          ['2026-08-02', 1],
        ]),
      ],
    ]);
    const facts = {
      telemetry: { commands: new Map(), activeDays: new Set<number>() },
      counts: { reported, publishes: 0, pulls: 0 },
    };
    const issues = contributionsOn('2026-08-21', facts, rules).find(({ key }) => key === 'community:lab-issues')!;

    expect([issues.points, Object.fromEntries(issues.inputs)]).toEqual([70, { count: 5, earlierPoints: 50, month: 1 }]);
    expect(explainContribution(issues, rules).map(({ arithmetic }) => arithmetic)).toEqual([
      '50',
      'min(50, 20 × 1)',
      '50 + 20',
    ]);
  });

  it('is part of the name of the fold: counts of other periods are not carried on', () => {
    const names = [rulesVersion1, rulesWith('month'), rulesWith('week')].map((rules) => foldedByOf(rules, sha256));
    expect(new Set(names).size).toBe(3);
  });
});

describe('a kind that the rules no longer name', () => {
  it('is kept, gives nothing, and gives points again once they name it again', async () => {
    const { rules } = aCommunity();
    rules.events.splice(0, 1);
    const without = ScoringRules.parse({ ...rules, version: '2' });
    const [facts, scores, clock] = [new FactsModel(), new ScoresModel(), new Clock()];
    const refreshBy = async (version: string, isReported: boolean) => {
      const deps = { ...dependencies(facts, scores, clock), rules: rulebookOf([rulesVersion1, without], version) };
      await refreshScore(deps, { username: ada, days: [], reports: isReported });
      const score = scores.scores.get(ada)!.score;
      return [score.canonicalScore, score.contributions.some(({ key }) => key === 'community:lab-issues')];
    };

    facts.report('issue', ada, clock.now);
    expect(await refreshBy('1', true)).toEqual([50, true]);
    expect(await refreshBy('2', false)).toEqual([0, false]);
    facts.report('issue', ada, clock.now); // an older message may still be on its way
    expect(await refreshBy('2', true)).toEqual([0, false]);
    expect(await refreshBy('1', false)).toEqual([100, true]);
  });
});
