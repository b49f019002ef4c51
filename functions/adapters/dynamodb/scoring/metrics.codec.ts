import { Buffer } from 'node:buffer';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import * as z from 'zod/mini';
import type { CommandCount, Fold } from '../../../../domain/scoring/fold.ts';
import type { UserMetrics } from '../../../../domain/scoring/user-metrics.ts';
import type { ReportedCount } from '../../../../domain/telemetry/user-telemetry.port.ts';
import { byDate, nothingByDate, totalOf, type ByDate } from '../../../../domain/shared/by-date.ts';
import {
  dateOfDayNumber,
  dateOfHour,
  dayNumberOf,
  hourOf,
  MILLISECONDS_PER_HOUR,
  startOfHour,
  type UtcHour,
} from '../../../../domain/shared/utc.ts';

/**
 * Metrics as bytes: one table of names for all folds, numbers by their place in it, active dates as a bitset; JSON,
 * deflated. A user with five commands a day stays under 1 KB, so within one write unit, with any number of active days.
 */
const Count = z.int().check(z.nonnegative());
/** [last hour since the epoch or -1, place and count of each event …, place, total and failures of each command …] */
const Row = z.tuple([z.int(), z.array(Count), z.array(Count)]);
type Row = z.infer<typeof Row>;

/** [days since the date before, what it adds, …] */
const Days = z.array(z.int());

const Packed = z.object({
  events: z.array(z.string()),
  commands: z.array(z.string()),
  /** The first active day and, from it, one bit a day. */
  active: z.tuple([Count, z.base64()]),
  sealedThrough: z.iso.date(),
  sealed: Row,
  open: z.array(Row),
  ownedDevices: Count,
  sentFrom: z.array(Count),
  /** Issues and sign-ins, which an older release reads: how many, and the last hour since the epoch or -1. */
  reports: z.tuple([Count, z.int(), Count, z.int()]),
  /** Publishes and pulls; metrics that were stored before there was a registry have none. */
  registry: z._default(z.tuple([Count, Count]), [0, 0]),
  /**
   * What `reports` and `registry` sum up and the points of the activity, by date, with their rules; of an older
   * release's nothing.
   */
  byDate: z.optional(
    z.object({ issues: Days, signIns: Days, publishes: Days, pulls: Days, activity: Days, rules: z.string() }),
  ),
  /** Other reported kinds by their events: the last hour, then counts by date. */
  facts: z.optional(z.record(z.string(), z.tuple([z.int(), Days]))),
});

const NONE = -1;
const ISSUES = 'issue_created';
const SIGN_INS = 'daily_sign_in';
const noReports: ReportedCount = { byDate: nothingByDate, lastHour: null };
const hourNumberOf = (hour: UtcHour | null): number =>
  hour === null ? NONE : Date.parse(startOfHour(hour)) / MILLISECONDS_PER_HOUR;
const hourOfNumber = (hour: number): UtcHour | null => (hour === NONE ? null : hourOf(hour * MILLISECONDS_PER_HOUR));

type PackedMetrics = Omit<UserMetrics, 'inputsHash' | 'foldedBy'>;

export function packMetrics(metrics: PackedMetrics): Uint8Array {
  const folds = [metrics.sealed, ...metrics.open.values()];
  const [issues, signIns] = [metrics.reports.get(ISSUES) ?? noReports, metrics.reports.get(SIGN_INS) ?? noReports];
  const others = [...metrics.reports].filter(([event]) => event !== ISSUES && event !== SIGN_INS);
  const events = namesOf(folds.map((fold) => fold.events));
  const commands = namesOf(folds.map((fold) => fold.commands));
  const rowOf = (fold: Fold): Row => [
    hourNumberOf(fold.lastHour),
    flatten(fold.events, events, (count) => [count]),
    flatten(fold.commands, commands, ({ total, successes }) => [total, total - successes]),
  ];
  const packed: z.infer<typeof Packed> = {
    events,
    commands,
    active: toBits(folds.flatMap(({ activeDays }) => activeDays)),
    sealedThrough: metrics.sealedThrough,
    sealed: rowOf(metrics.sealed),
    open: relative([...metrics.open.values()].map(rowOf)),
    ownedDevices: metrics.ownedDevices,
    sentFrom: [...metrics.sentFrom],
    // Sums too: an older release reads them.
    reports: [
      totalOf(issues.byDate),
      hourNumberOf(issues.lastHour),
      totalOf(signIns.byDate),
      hourNumberOf(signIns.lastHour),
    ],
    registry: [totalOf(metrics.registry.publishes), totalOf(metrics.registry.pulls)],
    byDate: {
      issues: packDays(issues.byDate),
      signIns: packDays(signIns.byDate),
      publishes: packDays(metrics.registry.publishes),
      pulls: packDays(metrics.registry.pulls),
      activity: packDays(metrics.activity.points),
      rules: metrics.activity.rulesVersion,
    },
    ...(others.length === 0 ? {} : { facts: Object.fromEntries(others.map(packReports)) }),
  };
  return deflateRawSync(JSON.stringify(packed), { level: 9 });
}

/** Throws on bytes that `packMetrics` did not make. */
export function unpackMetrics(bytes: Uint8Array): PackedMetrics {
  const packed = Packed.parse(JSON.parse(inflateRawSync(bytes).toString()));
  const activeDays = fromBits(packed.active);
  const foldOf = ([hour, events, commands]: Row, isMine: (day: number) => boolean): Fold => ({
    events: new Map(records(events, packed.events, 1).map(([name, [count = 0]]) => [name, count])),
    commands: new Map(
      records(commands, packed.commands, 2).map(([name, [total = 0, failures = 0]]): [string, CommandCount] => [
        name,
        { total, successes: total - failures },
      ]),
    ),
    activeDays: activeDays.filter(isMine),
    lastHour: hourOfNumber(hour),
  });
  const lastSealed = dayNumberOf(packed.sealedThrough);
  const dated = (kind: 'issues' | 'signIns' | 'publishes' | 'pulls', sum: number): ByDate =>
    packed.byDate === undefined ? byDate([[packed.sealedThrough, sum]]) : unpackDays(packed.byDate[kind]);
  const open = absolute(packed.open).map((row) => {
    const dayNumber = dayNumberOf(dateOfHour(hourOf(row[0] * MILLISECONDS_PER_HOUR)));
    return [dateOfDayNumber(dayNumber), foldOf(row, (day) => day === dayNumber)] as const;
  });
  return {
    sealedThrough: packed.sealedThrough,
    sealed: foldOf(packed.sealed, (day) => day <= lastSealed),
    open: new Map(open),
    ownedDevices: packed.ownedDevices,
    sentFrom: packed.sentFrom,
    activity: { rulesVersion: packed.byDate?.rules ?? '', points: unpackDays(packed.byDate?.activity ?? []) },
    reports: new Map(
      [
        [ISSUES, { byDate: dated('issues', packed.reports[0]), lastHour: hourOfNumber(packed.reports[1]) }] as const,
        [SIGN_INS, { byDate: dated('signIns', packed.reports[2]), lastHour: hourOfNumber(packed.reports[3]) }] as const,
        ...Object.entries(packed.facts ?? {}).map(
          ([event, [hour, days]]) => [event, { byDate: unpackDays(days), lastHour: hourOfNumber(hour) }] as const,
        ),
      ].filter(([, { lastHour }]) => lastHour !== null),
    ),
    registry: { publishes: dated('publishes', packed.registry[0]), pulls: dated('pulls', packed.registry[1]) },
  };
}

const packReports = ([event, { byDate: additions, lastHour }]: readonly [string, ReportedCount]): [
  string,
  [number, number[]],
] => [event, [hourNumberOf(lastHour), packDays(additions)]];

/** Dates as distances: small numbers that repeat compress well. */
function packDays(additions: ByDate): number[] {
  let before = 0;
  return [...additions].flatMap(([date, amount]) => {
    const day = dayNumberOf(date);
    const distance = day - before;
    before = day;
    return [distance, amount];
  });
}

function unpackDays(numbers: readonly number[]): ByDate {
  const additions: (readonly [string, number])[] = [];
  for (let index = 0, day = 0; index < numbers.length; index += 2) {
    day += numbers[index] ?? 0;
    additions.push([dateOfDayNumber(day), numbers[index + 1] ?? 0]);
  }
  return byDate(additions);
}

const namesOf = (maps: readonly ReadonlyMap<string, unknown>[]): string[] =>
  [...new Set(maps.flatMap((map) => [...map.keys()]))].sort();

/** For each name: its place in the table, then its numbers. */
const flatten = <Value>(
  map: ReadonlyMap<string, Value>,
  names: readonly string[],
  numbersOf: (value: Value) => number[],
): number[] =>
  names.flatMap((name, place) => {
    const value = map.get(name);
    return value === undefined ? [] : [place, ...numbersOf(value)];
  });

function records(numbers: readonly number[], names: readonly string[], width: number): (readonly [string, number[]])[] {
  const found: (readonly [string, number[]])[] = [];
  for (let at = 0; at < numbers.length; at += width + 1) {
    const name = names[numbers[at] ?? NONE];
    if (name === undefined) throw new Error('metrics: a place outside of the table of names');
    found.push([name, numbers.slice(at + 1, at + 1 + width)]);
  }
  return found;
}

/** Hours as distances to the row before: small numbers that repeat compress well. */
const relative = (rows: readonly Row[]): Row[] =>
  rows.map(([hour, ...counts], index) => [hour - (rows[index - 1]?.[0] ?? 0), ...counts]);

function absolute(rows: readonly Row[]): Row[] {
  let before = 0;
  return rows.map(([distance, ...counts]) => [(before += distance), ...counts]);
}

function toBits(days: readonly number[]): [number, string] {
  const [first, last] = [Math.min(...days), Math.max(...days)];
  if (days.length === 0) return [0, ''];
  const bytes = new Uint8Array(((last - first) >> 3) + 1);
  for (const day of days) bytes[(day - first) >> 3] = (bytes[(day - first) >> 3] ?? 0) | (1 << ((day - first) & 7));
  return [first, Buffer.from(bytes).toString('base64')];
}

const fromBits = ([first, base64]: readonly [number, string]): number[] =>
  [...Buffer.from(base64, 'base64')].flatMap((byte, index) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => byte & (1 << bit)).map((bit) => first + 8 * index + bit),
  );
