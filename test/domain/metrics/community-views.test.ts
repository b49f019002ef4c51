import { describe, expect, it } from 'vitest';
import { compareLastPeriods, readHours, readSeries, seriesDays } from '../../../domain/metrics/community-views.ts';
import type { DayOfSeries } from '../../../domain/metrics/rolled-up-day.ts';
import type { Tally } from '../../../domain/metrics/tally.ts';
import { communityMetrics, MetricRollupHourMetric } from '../../../domain/metrics/catalog.ts';
import type { RollupReader } from '../../../domain/metrics/rollup-store.port.ts';
import type { WeekCounts } from '../../../domain/metrics/weeks.ts';
import { addDays } from '../../../domain/shared/utc.ts';

const DAY = 86_400_000;
const at = (iso: string): number => Date.parse(iso);
const NOW = at('2026-08-21T12:00:00.000Z');

type Days = Readonly<Record<string, Readonly<Record<string, readonly [number | bigint, number | bigint]>>>>;

/** Roll-ups of these days. The caller gives the distinct counts of several days. */
function rollupsOf(
  days: Days,
  distinct: (from: string, to: string) => number = () => 0,
  hours: ReadonlyMap<string, DayOfSeries['hours']> = new Map(),
  weeks?: ReadonlyMap<string, WeekCounts>,
): RollupReader {
  const all = Object.entries(days).map(([date, totals]) => {
    const tallies = Object.entries(totals).map(
      ([name, [count, sum]]) =>
        [
          MetricRollupHourMetric.parse(name),
          { eventCount: BigInt(count), valueSum: BigInt(sum) } satisfies Tally,
        ] as const,
    );
    return { date, totals: new Map(tallies) };
  });
  return {
    totalsOf: async (from, to) => all.filter(({ date }) => from <= date && date <= to),
    lastSampleBefore: async (metric, date) =>
      all.findLast((day) => day.date < date && day.totals.has(metric))?.totals.get(metric)?.valueSum ?? null,
    hoursOf: async (_metric, dates) => dates.map((date) => ({ date, hours: hours.get(date) ?? new Map() })),
    extensionsOf: async () => ({ count: 0, rows: [], names: null }),
    weekOf: async (end) => weeks?.get(end),
    distinctOf: async (_metric, from, to) => distinct(from, to),
  };
}

it.each([
  ['CLI_INVOCATION', 3n],
  ['POINTS_GRANTED', 70n],
] as const)('the hours of %s are those of whole days, 0 where nothing happened', async (metric, value) => {
  const hours = new Map([['2026-08-20', new Map([[9, { eventCount: 3n, valueSum: 70n }]])]]);
  const view = await readHours(rollupsOf({}, undefined, hours), metric, { from: '2026-08-20', to: '2026-08-21' });

  expect(view.metric).toBe(metric);
  expect(view.steps_start_times.slice(8, 10)).toEqual([at('2026-08-20T08:00:00.000Z'), at('2026-08-20T09:00:00.000Z')]);
  expect(view.values).toEqual([...Array(9).fill(0n), value, ...Array(38).fill(0n)]);
});

describe('the days of a series', () => {
  it.each<[rule: string, since: string, to: string, from: string, last: string]>([
    [
      'are those between two midnights',
      '2026-08-19T00:00:00.000Z',
      '2026-08-21T00:00:00.000Z',
      '2026-08-19',
      '2026-08-20',
    ],
    [
      'start at the midnight before since',
      '2026-08-19T23:59:59.999Z',
      '2026-08-20T00:00:00.000Z',
      '2026-08-19',
      '2026-08-19',
    ],
    [
      'end at the midnight after to',
      '2026-08-19T00:00:00.000Z',
      '2026-08-20T00:00:00.001Z',
      '2026-08-19',
      '2026-08-20',
    ],
    ['may be one day of no length', '2026-08-19T08:00:00.000Z', '2026-08-19T08:00:00.000Z', '2026-08-19', '2026-08-19'],
    [
      'end today if to is in the future',
      '2026-08-20T00:00:00.000Z',
      '2099-01-01T00:00:00.000Z',
      '2026-08-20',
      '2026-08-21',
    ],
    ['are at most 365', '2025-08-22T00:00:00.000Z', '2026-08-21T12:00:00.000Z', '2025-08-22', '2026-08-21'],
  ])('%s', (_rule, since, to, from, last) => {
    expect(seriesDays({ since: at(since), to: at(to) }, NOW)).toEqual({ ok: true, value: { from, to: last } });
  });

  it.each([
    ['a future time', '2099-01-01T00:00:00.000Z', '2026-08-20'],
    ['now', '2026-08-21T12:00:00.000Z', '2026-08-20'],
    ['an earlier day', '2026-08-19T12:00:00.000Z', '2026-08-19'],
  ])('end before today if they must be complete: to %s', (_what, to, last) => {
    const days = seriesDays({ since: at('2026-08-19'), to: at(to), isComplete: true }, NOW);

    expect(days).toEqual({ ok: true, value: { from: '2026-08-19', to: last } });
  });

  it('never complete if they start today', () => {
    const days = seriesDays({ since: at('2026-08-21'), to: NOW, isComplete: true }, NOW);

    expect(days).toMatchObject({ ok: false, error: { field: 'since' } });
  });

  it.each<[rule: string, since: number, to: number, field: string]>([
    ['366 days', at('2025-08-21T00:00:00.000Z'), at('2026-08-21T12:00:00.000Z'), 'to'],
    ['nothing between two equal midnights', at('2026-08-19'), at('2026-08-19'), 'to'],
    ['to before since', at('2026-08-19T08:00:00.001Z'), at('2026-08-19T08:00:00.000Z'), 'to'],
    ['since after today', at('2026-08-22'), at('2026-08-23'), 'since'],
    ['since beyond the calendar', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 'since'],
  ])('are never %s', (_rule, since, to, field) => {
    expect(seriesDays({ since, to }, NOW)).toMatchObject({ ok: false, error: { field } });
  });
});

describe('a series', () => {
  it('has a value of every metric for each of its days: 0 if nothing happened, null before the first sample', async () => {
    const rollups = rollupsOf({
      '2026-08-19': { CLI_INVOCATION: [3, 0], ACTIVE_DEVICE: [2, 0], AWARD_GRANTED: [1, 500] },
      '2026-08-21': { MEMBER_COUNT: [2, 7] },
    });

    const series = await readSeries(rollups, { from: '2026-08-19', to: '2026-08-21' });

    expect(series.steps_start_times).toEqual(['2026-08-19', '2026-08-20', '2026-08-21'].map(at));
    expect(Object.keys(series).sort()).toEqual(
      [...communityMetrics.map(({ field }) => field), 'steps_start_times'].sort(),
    );
    expect(series).toMatchObject({
      cli_invocations: [3n, 0n, 0n],
      active_devices: [2n, 0n, 0n],
      awards_granted: [500n, 0n, 0n],
      members: [null, null, 7n],
      total_score: [null, null, null],
    });
  });

  it('carries a sample forward, also one from before its first day', async () => {
    const rollups = rollupsOf({ '2026-07-01': { MEMBER_COUNT: [1, 4] }, '2026-08-20': { MEMBER_COUNT: [1, 6] } });

    const { members } = await readSeries(rollups, { from: '2026-08-19', to: '2026-08-21' });

    expect(members).toEqual([4n, 6n, 6n]);
  });
});

describe('the last periods', () => {
  it('of a day are the two days before the last midnight, always complete', async () => {
    const rollups = rollupsOf({
      '2026-08-19': { CLI_INVOCATION: [3, 0] },
      '2026-08-20': { CLI_INVOCATION: [5, 0], POINTS_GRANTED: [2, 2n ** 60n] },
      '2026-08-21': { CLI_INVOCATION: [100, 0] },
    });

    const view = await compareLastPeriods(rollups, 'DAY', NOW);

    const midnight = at('2026-08-21');
    expect(view.cli_invocations).toEqual({
      older: { period_start: midnight - 2 * DAY, period_end: midnight - DAY, event_count: 3n, value_count: 0n },
      newer: { period_start: midnight - DAY, period_end: midnight, event_count: 5n, value_count: 0n },
    });
    expect(view.points_granted?.newer).toMatchObject({ event_count: 2n, value_count: 2n ** 60n });
    expect(view.members?.newer).toMatchObject({ event_count: 0n, value_count: null });
  });

  it.each(['2026-08-21T00:00:00.000Z', '2026-08-21T23:59:59.999Z'])('are the same all day: at %s', async (now) => {
    const rollups = rollupsOf({ '2026-08-20': { CLI_INVOCATION: [5, 0] } });

    expect((await compareLastPeriods(rollups, 'DAY', at(now))).cli_invocations?.newer.event_count).toBe(5n);
  });

  it('of a week sum seven days, but count a member of several days once', async () => {
    const days = Object.fromEntries(
      Array.from({ length: 14 }, (_, back) => [
        addDays('2026-08-20', back - 13),
        { CLI_INVOCATION: [10, 0], ACTIVE_DEVICE: [4, 0], TOTAL_SCORE: [1, back] } as const,
      ]),
    );
    const asked: string[] = [];
    const rollups = rollupsOf(days, (from, to) => {
      asked.push(`${from} ${to}`);
      return 6;
    });

    const view = await compareLastPeriods(rollups, 'WEEK', NOW);

    expect(view.cli_invocations?.older).toMatchObject({ period_start: at('2026-08-07'), event_count: 70n });
    expect(view.cli_invocations?.newer).toMatchObject({ period_start: at('2026-08-14'), period_end: at('2026-08-21') });
    expect(view.active_devices?.newer.event_count).toBe(6n);
    expect(asked).toEqual(['2026-08-07 2026-08-13', '2026-08-14 2026-08-20']);
    expect(view.total_score?.older.value_count).toBe(6n);
    expect(view.total_score?.newer.value_count).toBe(13n);

    // What was counted of a week before is not counted again.
    const weeks = new Map(['2026-08-13', '2026-08-20'].map((end) => [end, new Map([['ACTIVE_DEVICE' as const, 5]])]));
    const known = rollupsOf(days, () => expect.fail('asked again'), undefined, weeks);
    expect((await compareLastPeriods(known, 'WEEK', NOW)).active_devices?.newer.event_count).toBe(5n);
  });
});
