import { describe, expect, it } from 'vitest';
import { apart, cost, everyRowIsWithin, median, ratioAtLeast, ratioAtMost } from '../../bench/measurements.ts';
import { environmentOf, joined, tableOf } from '../../bench/report.ts';

describe('a cost', () => {
  it.each([
    ['has no verdict without a budget or a floor', 70, {}, null],
    ['is within a budget that it equals', 70, { budget: 70 }, true],
    ['exceeds a budget by less than the rounding', 70.0001, { budget: 70 }, false],
    ['is not within a floor that is higher: the measurement is wrong', 39, { budget: 70, floor: 40 }, false],
    ['is within a budget of 0 if it is 0', 0, { budget: 0 }, true],
    ['is not within a budget if it is not a number', NaN, { budget: 70 }, false],
  ])('%s', (_rule, measured, limits, within) => {
    expect(cost('a path', 'WRU', measured, limits).within).toBe(within);
  });

  it('has all fields of a row, with null for a missing budget or floor', () => {
    expect(cost('a path', 'WRU', 1.23456)).toEqual({
      name: 'a path',
      unit: 'WRU',
      measured: 1.235,
      budget: null,
      floor: null,
      within: null,
    });
  });
});

describe('a ratio', () => {
  it.each([
    ['within, at or above a lower target', ratioAtLeast('speed', 0.6, 0.6), true],
    ['not within, below a lower target', ratioAtLeast('speed', 0.59, 0.6), false],
    ['within, at or below an upper target', ratioAtMost('growth', 1.2, 1.2), true],
    ['not within, above an upper target', ratioAtMost('growth', 1.21, 1.2), false],
    ['not within, because it is not a number', ratioAtMost('growth', NaN, 1.2), false],
  ])('%s', (_rule, ratio, within) => {
    expect(ratio.within).toBe(within);
  });

  it('of two costs is the larger one divided by the smaller one, in any order', () => {
    expect([apart(4, 5), apart(5, 4), apart(0, 0), apart(0, 1)]).toEqual([1.25, 1.25, 1, Infinity]);
  });
});

describe('the median', () => {
  it.each([
    [[3], 3],
    [[5, 1, 3], 3],
    [[10, 1, 2, 3], 2.5],
  ])('of %j is %d', (values, middle) => {
    expect(median(values)).toBe(middle);
  });

  it('of an empty list is an error', () => {
    expect(() => median([])).toThrow();
  });
});

describe('a report', () => {
  const within = { costs: [cost('path', 'WRU', 40, { budget: 70 }), cost('speed', 'events/s', 1)], ratios: [] };
  const missed = { costs: [], ratios: [ratioAtLeast('speed', 0.5, 0.6)] };

  it('fails if one row is not within its limits, never because of a row without a verdict', () => {
    expect(everyRowIsWithin(within)).toBe(true);
    expect(everyRowIsWithin(joined([within, missed]))).toBe(false);
  });

  it('has costs, ratios and environment, and is the same after JSON', () => {
    const run = { startedAt: '2026-08-21T12:00:00.000Z', seconds: 1, full: false };
    const report = { ...joined([within, missed]), environment: environmentOf(run) };

    expect(Object.keys(report)).toEqual(['costs', 'ratios', 'environment']);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(report.environment).toMatchObject({ node: process.version, engine: 'dynoxide', full: false });
  });

  it('shows every row in one table, and a failed one in capitals', () => {
    const lines = tableOf(joined([within, missed])).split('\n');

    expect(lines.find((line) => line.includes('path'))).toMatch(/40.*WRU.*70.*yes/);
    expect(lines.find((line) => line.includes('ratio'))).toMatch(/0\.5.*0\.6.*NO/);
  });
});
