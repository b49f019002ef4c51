import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { activeDaysOn, activityOf, groupCounts } from '../../../domain/rules/activity.ts';
import { ScoringRules } from '../../../domain/rules/scoring-rules.ts';
import { tierOf } from '../../../domain/rules/tiers.ts';
import { rulesVersion1 } from '../../builders/rules.ts';
import { addDays, dayNumberOf } from '../../../domain/shared/utc.ts';
import { activityOn } from '../../../proof/model/scoring.ts';

const rules = rulesVersion1.activity;
const today = '2026-08-21';
const daysAgo = (...days: number[]) => new Set(days.map((n) => dayNumberOf(today) - n));
const score = (successes: Iterable<readonly [string, number]>, activeDays: ReadonlySet<number>, date = today) =>
  activityOf({ ...groupCounts(successes, rules), ...activeDaysOn(activeDays, date, rules) }, rules);

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

  it('equals that of the model, for any counts and dates', () => {
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
          const invoked = [...successes].flatMap(([command, times]) =>
            Array.from({ length: times }, () => ({ date: '', command, isActive: false })),
          );
          const active = dates.map((date) => ({ date, command: null, isActive: true }));
          expect(score(successes, daysAgo(...days)).points).toBe(
            activityOn(today, { events: [...invoked, ...active] }),
          );
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
