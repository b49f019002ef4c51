import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { activeDaysOn, activityOf, groupCounts } from '../../../domain/rules/activity.ts';
import { ScoringRules } from '../../../domain/rules/scoring-rules.ts';
import { tierOf } from '../../../domain/rules/tiers.ts';
import { rulesVersion1 } from '../../builders/rules.ts';
import { addDays, dayNumberOf } from '../../../domain/shared/utc.ts';

const rules = rulesVersion1.activity;
const today = '2026-08-21';
const daysAgo = (...days: number[]) => new Set(days.map((n) => dayNumberOf(today) - n));
const score = (successes: Iterable<readonly [string, number]>, activeDays: ReadonlySet<number>, date = today) =>
  activityOf({ ...groupCounts(successes, rules), ...activeDaysOn(activeDays, date, rules) }, rules);

/** The formula implemented again from the text of the rules: dates as text, groups written out, exact integers. */
function naivePoints(successes: ReadonlyMap<string, number>, activeDates: readonly string[], date: string): number {
  const table: [string[], bigint, bigint][] = [
    [['model', 'data', 'vault', 'datastore'], 10n, 2000n],
    [['workflow', 'run', 'serve'], 15n, 3000n],
    [['extension'], 20n, 2000n],
    [['repo', 'init', 'source', 'auth'], 5n, 500n],
  ];
  const capped = (value: bigint, cap: bigint) => (value > cap ? cap : value);
  let rest = [...successes.values()].reduce((sum, count) => sum + BigInt(count), 0n);
  let points = 0n;
  for (const [commands, each, cap] of table) {
    const count = commands.reduce((sum, command) => sum + BigInt(successes.get(command) ?? 0), 0n);
    rest -= count;
    points += capped(each * count, cap) + (count > 0n ? 50n : 0n);
  }
  points += capped(rest, 250n);
  const active = (daysBack: number) => activeDates.includes(addDays(date, -daysBack));
  let back = active(0) ? 0 : 1;
  let streak = 0n;
  for (; active(back); back += 1) streak += 1n;
  let rolling = 0n;
  for (let n = 0; n < 28; n += 1) if (active(n)) rolling += 1n;
  const streakBp = 10_000n + capped(100n * streak, 5_000n);
  const rollingBp = 10_000n + (5_000n * rolling) / 28n;
  return Number((points * streakBp * rollingBp) / 100_000_000n);
}

describe('activity score', () => {
  it('is 755 in the worked example', () => {
    const result = score(
      [
        ['model', 40],
        ['workflow', 10],
        ['telemetry', 2],
      ],
      daysAgo(0, 1, 2, 5, 9, 20, 27),
    );

    expect(result).toEqual({
      base: 552,
      diversity: 100,
      streakBasisPoints: 10_300,
      rollingBasisPoints: 11_250,
      points: 755,
    });
  });

  it.each([
    ['a streak may end yesterday', daysAgo(1, 2), { streak: 2, rollingDays: 2 }],
    ['a streak that ended the day before yesterday does not count', daysAgo(2, 3), { streak: 0, rollingDays: 2 }],
    ['the window holds 28 dates, today included', daysAgo(0, 27, 28), { streak: 1, rollingDays: 2 }],
    ['a future date does not count yet', daysAgo(-1), { streak: 0, rollingDays: 0 }],
    ['without active dates there is no streak and no window', daysAgo(), { streak: 0, rollingDays: 0 }],
  ])('%s', (_rule, activeDays, expected) => {
    expect(activeDaysOn(activeDays, today, rules)).toEqual(expected);
  });

  it('caps each group, the streak and the window', () => {
    const everyDay = daysAgo(...Array.from({ length: 100 }, (_, n) => n));
    const result = score(
      [
        ['model', 201],
        ['run', 1e6],
        ['extension', 1e6],
        ['auth', 1e6],
        ['constructor', 1e6],
      ],
      everyDay,
    );

    expect(result).toMatchObject({
      base: 7_750,
      diversity: 200,
      streakBasisPoints: 15_000,
      rollingBasisPoints: 15_000,
    });
    expect(result.points).toBe(Math.floor((7_950 * 225) / 100));
  });

  it('equals the second implementation of the formula, for any counts and dates', () => {
    const commands = fc.constantFrom(
      'model',
      'data',
      'run',
      'serve',
      'extension',
      'init',
      'auth',
      'constructor',
      'other',
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(commands, fc.nat(400)), { maxLength: 9 }),
        fc.uniqueArray(fc.integer({ min: -2, max: 60 }), { maxLength: 60 }),
        (counts, days) => {
          const successes = new Map(counts);
          const dates = days.map((n) => addDays(today, -n));
          expect(score(successes, new Set(dates.map(dayNumberOf))).points).toBe(naivePoints(successes, dates, today));
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('rules', () => {
  it.each([
    ['with products above the exact integers', { otherCommands: { points: 1, cap: 1e9 } }],
    [
      'with a command in two groups',
      { groups: [...rules.groups, { name: 'x', commands: ['run'], points: 1, cap: 1 }] },
    ],
    ['with fractions of points', { diversityPoints: 0.5 }],
  ])('are refused %s', (_rule, change) => {
    expect(ScoringRules.safeParse({ ...rulesVersion1, activity: { ...rules, ...change } }).success).toBe(false);
  });
});

describe('tiers', () => {
  it.each([
    [-50, 'Seedling', { name: 'Sprout', missing: 1_050 }],
    [0, 'Seedling', { name: 'Sprout', missing: 1_000 }],
    [999, 'Seedling', { name: 'Sprout', missing: 1 }],
    [1_000, 'Sprout', { name: 'Sapling', missing: 4_000 }],
    [499_999, 'Grove', { name: 'Forest', missing: 1 }],
    [500_000, 'Forest', null],
  ])('%d points are in tier %s', (points, tier, nextTier) => {
    expect(tierOf(points, rulesVersion1)).toEqual({ tier, nextTier });
  });
});
