import { beforeAll, describe, expect, it } from 'vitest';
import {
  differencesOf,
  figuresOfBalance,
  figuresOfMetrics,
  figuresOfScore,
} from '../../../domain/consistency-check/figures.ts';
import type { Balance } from '../../../domain/grants/balance.ts';
import type { Fold } from '../../../domain/scoring/fold.ts';
import type { UserScore } from '../../../domain/scoring/score.ts';
import type { UserMetrics } from '../../../domain/scoring/username-metrics.ts';
import { ada, healthy } from './world.ts';

/** Each figure alone: one that was left out would be one whose loss nobody finds. */
let metrics: UserMetrics;
let score: UserScore;
let balance: Balance;
beforeAll(async () => {
  const { scores, ledger } = await healthy();
  ({ metrics } = scores.metrics.get(ada)!);
  ({ score } = scores.scores.get(ada)!);
  balance = ledger.balances.get(ada)!;
});

const whats = (...figures: Parameters<typeof differencesOf>): readonly string[] =>
  differencesOf(...figures).map(({ what }) => what);

describe('what is compared of metrics', () => {
  it('differs nowhere from itself', () => {
    expect(differencesOf(figuresOfMetrics(metrics), figuresOfMetrics(structuredClone(metrics)))).toEqual([]);
  });

  const sealed = (change: Partial<Fold>) => ({ sealed: { ...metrics.sealed, ...change } });
  const model = (total: number, successes: number) => ({ commands: new Map([['model', { total, successes }]]) });
  it.each<[what: string[], change: () => Partial<UserMetrics>]>([
    [['owned devices'], () => ({ ownedDevices: 7 })],
    [['borrowed devices'], () => ({ sentFrom: [3] })],
    [['issues'], () => ({ reports: { ...metrics.reports, issues: { count: 1, lastHour: null } } })],
    [['last issue'], () => ({ reports: { ...metrics.reports, issues: { count: 0, lastHour: '2026-08-21T11' } } })],
    [['sign-ins'], () => ({ reports: { ...metrics.reports, signIns: { count: 1, lastHour: null } } })],
    [['last sign-in'], () => ({ reports: { ...metrics.reports, signIns: { count: 0, lastHour: '2026-08-21T11' } } })],
    [['publishes'], () => ({ registry: { publishes: 1, pulls: 0 } })],
    [['pulls'], () => ({ registry: { publishes: 0, pulls: 1 } })],
    [
      ['events', 'events of the days through 2026-07-18, cli_invocation'],
      () => sealed({ events: new Map([['cli_invocation', 9]]) }),
    ],
    [['command model of the days through 2026-07-18'], () => sealed(model(9, 1))],
    [['successes of command model of the days through 2026-07-18'], () => sealed(model(1, 0))],
    [['active dates of the days through 2026-07-18'], () => sealed({ activeDays: [1] })],
    [['last hour of the days through 2026-07-18'], () => sealed({ lastHour: '2026-07-01T00' })],
    [
      ['last hour of 2026-08-23', 'command model of 2026-08-23'],
      () => {
        const day = metrics.open.get('2026-08-23')!;
        const changed = { ...day, ...model(9, 1), lastHour: '2026-08-23T23' };
        return { open: new Map(metrics.open).set('2026-08-23', changed) };
      },
    ],
  ])('is %j', (what, change) => {
    expect(whats(figuresOfMetrics(metrics), figuresOfMetrics({ ...metrics, ...change() }))).toEqual(what);
  });
});

describe('what is compared of a score', () => {
  const contributions = (change: Partial<UserScore['contributions'][number]>) => {
    const [first, ...others] = score.contributions;
    return { contributions: [{ ...first!, ...change }, ...others] };
  };
  const granted = (change: Partial<UserScore['granted']>) => ({ granted: { ...score.granted, ...change } });
  const counted = (change: Partial<UserScore['granted']['balance']>) =>
    granted({ balance: { ...score.granted.balance, ...change } });
  it.each<[what: string[], change: () => Partial<UserScore>]>([
    [['canonicalScore'], () => ({ canonicalScore: 1 })],
    [['activityScore'], () => ({ activityScore: 1 })],
    [['tier'], () => ({ tier: 'Oak' })],
    [['nextChangeOn'], () => ({ nextChangeOn: null })],
    [['points of telemetry:activity'], () => contributions({ points: 77 })],
    [
      ['group:model of telemetry:activity'],
      () => {
        const { inputs } = score.contributions[0]!;
        return contributions({ inputs: new Map(inputs).set('group:model', 77) });
      },
    ],
    [['lines that the score counts'], () => counted({ seq: 2 })],
    [['points that the score counts'], () => counted({ totalScore: 2 })],
    [['points that the score counts, category award'], () => counted({ categoryTotals: new Map([['award', 2]]) })],
    [['points that the score counts, source award'], () => counted({ sourceTotals: new Map([['award', 2]]) })],
    [['points of award:award-ada'], () => granted({ listed: [] })],
    [['grants that are not listed'], () => granted({ older: { ...score.granted.older, count: 2 } })],
    [
      ['points that are not listed, source badge'],
      () => granted({ older: { ...score.granted.older, points: new Map([['badge', 2]]) } }),
    ],
  ])('is %j', (what, change) => {
    expect(whats(figuresOfScore(score), figuresOfScore({ ...score, ...change() }))).toEqual(what);
  });
});

describe('what is compared of a balance', () => {
  it.each<[what: string, change: Partial<Balance>]>([
    ['balance', { totalScore: 1 }],
    ['lines of the balance', { seq: 2 }],
    ['balance, category award', { categoryTotals: new Map([['award', 1]]) }],
    ['balance, source award', { sourceTotals: new Map([['award', 1]]) }],
    ['chain head of the balance', { head: 'another' }],
    ['contributions of the balance', { contributions: 2 }],
    ['publish points of the balance', { publishPoints: 2 }],
  ])('is %s', (what, change) => {
    expect(whats(figuresOfBalance(balance), figuresOfBalance({ ...balance, ...change }))).toEqual([what]);
  });
});

describe('a difference', () => {
  it('is as well what only one of the two has', () => {
    expect(differencesOf(new Map([['a', 1]]), new Map([['b', 2]]))).toEqual([
      { what: 'a', expected: 1, found: null },
      { what: 'b', expected: null, found: 2 },
    ]);
  });

  it('is told in a text that can be read, however long the figures are', () => {
    const [long, longer] = ['x'.repeat(5_000), 'x'.repeat(5_001)];
    const [{ expected, found }] = differencesOf(new Map([['a', long]]), new Map([['a', longer]])) as [any];

    for (const text of [expected, found]) expect(text).toMatch(/^x{200}…$/u);
  });
});
