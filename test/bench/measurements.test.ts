import { describe, expect, it } from 'vitest';
import { apart, cost, everyRowIsWithin, median, ratioAtLeast, ratioAtMost } from '../../bench/measurements.ts';
import { environmentOf, joined, tableOf } from '../../bench/report.ts';

describe('a cost', () => {
  it.each([
    ['only informs where it has neither budget nor floor', 70, {}, null],
    ['is within a budget that it meets', 70, { budget: 70 }, true],
    ['is not within a budget that it passes by less than it is rounded by', 70.0001, { budget: 70 }, false],
    ['is not within a floor that it undercuts: the measurement is at fault', 39, { budget: 70, floor: 40 }, false],
    ['is within a budget of nothing when it is nothing', 0, { budget: 0 }, true],
    ['is within no budget when it is no number', NaN, { budget: 70 }, false],
  ])('%s', (_rule, measured, limits, within) => {
    expect(cost('a path', 'WRU', measured, limits).within).toBe(within);
  });

  it('has all fields of a row, null where it has no budget or floor', () => {
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
    ['at least its target is within', ratioAtLeast('speed', 0.6, 0.6), true],
    ['below a target to reach is not within', ratioAtLeast('speed', 0.59, 0.6), false],
    ['at most its target is within', ratioAtMost('growth', 1.2, 1.2), true],
    ['above a target to keep below is not within', ratioAtMost('growth', 1.21, 1.2), false],
    ['that is no number is not within', ratioAtMost('growth', NaN, 1.2), false],
  ])('%s', (_rule, ratio, within) => {
    expect(ratio.within).toBe(within);
  });

  it('of two costs is the greater by the smaller, whichever comes first', () => {
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

  it('of nothing is an error', () => {
    expect(() => median([])).toThrow();
  });
});

describe('a report', () => {
  const within = { costs: [cost('path', 'WRU', 40, { budget: 70 }), cost('speed', 'events/s', 1)], ratios: [] };
  const missed = { costs: [], ratios: [ratioAtLeast('speed', 0.5, 0.6)] };

  it('fails by one row that is not within, never by one that only informs', () => {
    expect(everyRowIsWithin(within)).toBe(true);
    expect(everyRowIsWithin(joined([within, missed]))).toBe(false);
  });

  it('is costs, ratios and environment, and stays so as JSON', () => {
    const run = { startedAt: '2026-08-21T12:00:00.000Z', seconds: 1, full: false };
    const report = { ...joined([within, missed]), environment: environmentOf(run) };

    expect(Object.keys(report)).toEqual(['costs', 'ratios', 'environment']);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(report.environment).toMatchObject({ node: process.version, engine: 'dynoxide', full: false });
  });

  it('shows every row in one table, a missed one in capitals', () => {
    const lines = tableOf(joined([within, missed])).split('\n');

    expect(lines.find((line) => line.includes('path'))).toMatch(/40.*WRU.*70.*yes/);
    expect(lines.find((line) => line.includes('ratio'))).toMatch(/0\.5.*0\.6.*NO/);
  });
});
