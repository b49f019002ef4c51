import { describe, expect, it } from 'vitest';
import {
  billOf,
  gbSecondsOfOne,
  nothingUsed as nothing,
  scaled,
  together,
  waitsOf,
  type Consumption,
} from '../../bench/bill.ts';
import { PRICES } from '../../bench/prices.ts';

describe('a bill', () => {
  it.each<[keyof Consumption, string, number]>([
    ['apiRequests', 'api', 1],
    ['invocations', 'lambda', 0.2],
    ['writeUnits', 'dynamodb', 0.625],
    ['readUnits', 'dynamodb', 0.125],
    ['queueRequests', 'sqs', 0.4],
    ['logBytes', 'logs', 0.0005],
    ['storedBytes', 'storage', 0.00045],
  ])('of a million %s has its price only under %s', (what, service, dollars) => {
    const free = { api: 0, lambda: 0, dynamodb: 0, sqs: 0, logs: 0, storage: 0 };
    const bill = billOf({ ...nothing, [what]: 1e6 });

    expect(bill).toEqual({ ...free, [service]: expect.closeTo(dollars, 9) });
  });

  it('of a function covers its requests and its time', () => {
    const bill = billOf({ ...nothing, invocations: 10, gbSeconds: 5 });

    expect(bill.lambda).toBeCloseTo(10 * PRICES.lambdaRequest + 5 * PRICES.lambdaGbSecond, 12);
  });

  it('of a function waits once for calls at the same time, and divides its work by its share of a processor', () => {
    const spans = [
      [0, 5],
      [1, 3],
      [3, 9],
      [4, 6],
      [9, 10],
    ].map(([from = 0, to = 0]) => ({ from, to }));
    const half = gbSecondsOfOne({ memoryMb: 1_769 / 2, cpuMs: 10, waits: waitsOf(spans) });

    expect([waitsOf([]), waitsOf(spans)]).toEqual([0, 3]); // 1 to 3, 4 to 6, 9 to 10
    expect(half).toBeCloseTo((1_769 / 2 / 1_024) * 0.029, 9);
  });

  it('grows with the usage, and adds up', () => {
    const used = { ...nothing, writeUnits: 4, queueRequests: 2 };

    expect(scaled(used, 2.5)).toEqual({ ...nothing, writeUnits: 10, queueRequests: 5 });
    expect(together(used, used)).toEqual(scaled(used, 2));
  });
});

it('prices have a date and a region', () => {
  expect(PRICES.notedOn).toMatch(/^\d{4}-\d\d-\d\d$/u);
  expect(PRICES.region).toBe('us-east-1');
});
