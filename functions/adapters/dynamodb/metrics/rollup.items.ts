import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import * as z from 'zod/mini';
import type { KnownNames } from '../../../../domain/leaderboards/snapshot.ts';
import { wholeOf } from '../../../../domain/leaderboards/row-names.ts';
import { accountsIn, figureOf, type ExtensionSort, type ListLeaf } from '../../../../domain/metrics/extension-list.ts';
import type { ExtensionSummary } from '../../../../domain/metrics/extension-summary.ts';
import { idOfSeries, type Series, type Tally } from '../../../../domain/metrics/tally.ts';
import { MetricRollupHourMetric } from '../../../../domain/metrics/catalog.ts';
import type { DayOfSeries, DaySet, DayTotals, RolledUpDay, Slot } from '../../../../domain/metrics/rolled-up-day.ts';
import type { WeekCounts } from '../../../../domain/metrics/weeks.ts';
import { Publisher } from '../../../../domain/registry/extension.ts';
import { isoOf, type UtcDate } from '../../../../domain/shared/utc.ts';
import type { Item } from '../shared/item.ts';
import { fromItem, readable, toItem } from '../shared/format.ts';

/**
 * The items of the `metric_rollup_hour` table.
 *
 *   DAY#2026-08-21    ROLLUP                              the day's revision, and when each of its hours was rolled up
 *   DAY#2026-08-21    METRIC#<metric>#<scope>[#<key>…]    24 hour slots of event_count and value_sum
 *   DAY#2026-08-21    SET#<metric>#<part>                 who was there: packed hashes with their hours
 *   TOTALS            2026-08-21                          the day's total of every community metric
 *   SERIES#<metric>#extension#<name>    2026-08-21        an extension's total of that day
 *   WEEKS             2026-08-21                          how many there were in the seven days up to that date
 *   EXTENSIONS        <name>                              what the community sees of an extension
 *   EXTENSIONS#<sort> ROOT                                its leaves, with their numbers of rows; how old its names are
 *   EXTENSIONS#<sort> LEAF#<ref>                          some hundred extensions, and the names of their publishers; the
 *                                                         address is a hash of the content
 */

export const ROLLUP_SK = 'ROLLUP';
export const METRIC_PREFIX = 'METRIC#';
export const SET_PREFIX = 'SET#';
export const TOTALS_PK = 'TOTALS';
export const dayPk = (date: UtcDate): string => `DAY#${date}`;
export const setPrefixOf = (metric: string): string => `${SET_PREFIX}${metric}#`;

/** Numbers go to and from the table as text: a sum may be larger than what a double holds exactly. */
const WholeNumber = z.pipe(
  z.object({ N: z.string().check(z.regex(/^-?\d+$/u)) }),
  z.transform(({ N }) => BigInt(N)),
);
const Text = z.pipe(
  z.object({ S: z.string() }),
  z.transform(({ S }) => S),
);
const number = (value: bigint): AttributeValue => ({ N: String(value) });

const SlotItem = z.object({ M: z.object({ event_count: WholeNumber, value_sum: WholeNumber, at: z.optional(Text) }) });
const MetricItem = z.object({
  metric: z.pipe(Text, MetricRollupHourMetric),
  scope: z.pipe(Text, z.enum(['community', 'command', 'extension'])),
  key1: z.optional(Text),
  key2: z.optional(Text),
  hours: z.object({ M: z.record(z.string().check(z.regex(/^\d\d$/u)), SlotItem) }),
});
const TotalsItem = z.object({
  sk: Text,
  totals: z.object({ M: z.record(z.string(), z.object({ L: z.tuple([WholeNumber, WholeNumber]) })) }),
});
const HourNumber = z.string().check(z.regex(/^\d\d$/u));
const RollupItem = z.object({
  rev: z.int().check(z.positive()),
  rolledUpAt: z.record(HourNumber, z.iso.datetime()),
  tookMs: z.optional(z.record(HourNumber, z.int().check(z.nonnegative()))),
});

const hourText = (hour: number): string => String(hour).padStart(2, '0');

const toSlotItem = ({ eventCount, valueSum, at }: Slot): AttributeValue => ({
  M: {
    event_count: number(eventCount),
    value_sum: number(valueSum),
    ...(at === undefined ? {} : { at: { S: at } }),
  },
});

const toMetricItem = (date: UtcDate, { series, hours }: DayOfSeries): Item => {
  const { metric, scope, key1, key2 } = series;
  const slots = [...hours].sort(([a], [b]) => a - b).map(([hour, slot]) => [hourText(hour), toSlotItem(slot)] as const);
  return {
    ...toItem('metric-of-day', {
      ...{ pk: dayPk(date), sk: METRIC_PREFIX + idOfSeries(series), metric, scope, key1, key2 },
    }),
    hours: { M: Object.fromEntries(slots) },
  };
};

export function parseMetricItem(item: Item): DayOfSeries {
  const { metric, scope, key1, key2, hours } = MetricItem.parse(readable('metric-of-day', item));
  const slots = Object.entries(hours.M).map(([hour, { M: slot }]) => {
    const at = slot.at === undefined ? {} : { at: slot.at };
    return [Number(hour), { eventCount: slot.event_count, valueSum: slot.value_sum, ...at }] as const;
  });
  const keys = { ...(key1 === undefined ? {} : { key1 }), ...(key2 === undefined ? {} : { key2 }) };
  return { series: { metric, scope, ...keys }, hours: new Map(slots.sort(([a], [b]) => a - b)) };
}

/** 96 bits: no two leaves of a list are alike. */
const LEAF_REF_LENGTH = 16;

/** Bytes of one member in a packed set: 8 of its hash, 3 of its hours. */
const MEMBER_BYTES = 11;
const HASH_BYTES = 8;
/** Far enough below the 400 KB of an item for hashes that are spread unevenly. */
const MEMBERS_PER_PART = 20_000;

/** The number of parts of a set: a power of two, so that the first bits of a hash give its part. */
const partsOf = (members: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, members / MEMBERS_PER_PART)));
const HASH_PREFIX_BITS = 16;

/** The items of a set, one after the other. The set is read twice: its size gives the number of its parts. */
export function* toSetItems(date: UtcDate, metric: string, set: DaySet): Generator<Item> {
  const parts = partsOf(set.size);
  const shift = HASH_PREFIX_BITS - Math.log2(parts);
  const partOf = (hash: string): number => parseInt(hash.slice(0, HASH_PREFIX_BITS / 4), 16) >> shift;
  let members: (readonly [string, number])[] = [];
  const toItemOfPart = (): Item => {
    const packed = Buffer.alloc(members.length * MEMBER_BYTES);
    for (const [index, [hash, hours]] of members.entries()) {
      packed.write(hash, index * MEMBER_BYTES, 'hex');
      packed.writeUIntBE(hours, index * MEMBER_BYTES + HASH_BYTES, MEMBER_BYTES - HASH_BYTES);
    }
    const part = String(partOf(members[0]?.[0] ?? '')).padStart(5, '0');
    const sk = `${setPrefixOf(metric)}${parts}#${part}`;
    return toItem('set-of-day', { pk: dayPk(date), sk, members: new Uint8Array(packed) });
  };
  for (const member of set.entries()) {
    const [first] = members;
    if (first !== undefined && partOf(first[0]) !== partOf(member[0])) {
      yield toItemOfPart();
      members = [];
    }
    members.push(member);
  }
  if (members.length > 0) yield toItemOfPart();
}

const SetItem = z.object({ sk: z.string(), members: z.instanceof(Uint8Array) });

/** The members in an item of a set, with their hours. */
export function parseSetItem(item: Item): { readonly metric: string; readonly members: readonly [string, number][] } {
  const { sk, members } = SetItem.parse(fromItem('set-of-day', item));
  const packed = Buffer.from(members.buffer, members.byteOffset, members.byteLength);
  if (packed.length % MEMBER_BYTES !== 0) throw new Error(`${sk}: ${packed.length} bytes are no whole members`);
  const entries = Array.from({ length: packed.length / MEMBER_BYTES }, (_, index): [string, number] => {
    const start = index * MEMBER_BYTES;
    const hash = packed.toString('hex', start, start + HASH_BYTES);
    return [hash, packed.readUIntBE(start + HASH_BYTES, MEMBER_BYTES - HASH_BYTES)];
  });
  return { metric: sk.slice(SET_PREFIX.length).split('#')[0] ?? '', members: entries };
}

/** A day's rows, without its sets and without the two that change with every save: its guard and its totals. */
export const toRows = ({ date, series }: RolledUpDay): readonly Item[] =>
  [...series.values()].filter(({ hours }) => hours.size > 0).map((of) => toMetricItem(date, of));

const byHour = <Value>(hours: ReadonlyMap<number, Value>): Readonly<Record<string, Value>> =>
  Object.fromEntries([...hours].map(([hour, value]) => [hourText(hour), value]));
const fromHours = <Value>(hours: Readonly<Record<string, Value>>): ReadonlyMap<number, Value> =>
  new Map(Object.entries(hours).map(([hour, value]) => [Number(hour), value]));

export const toGuardItem = ({ date, rolledUpAt, tookMs }: RolledUpDay, revision: number): Item =>
  toItem('rolled-up-day', {
    ...{ pk: dayPk(date), sk: ROLLUP_SK, rev: revision, rolledUpAt: byHour(rolledUpAt) },
    tookMs: tookMs && byHour(tookMs),
  });

export const toTotalsItem = (date: UtcDate, ofDay: DayTotals): Item => {
  const totals = [...ofDay].map(([metric, { eventCount, valueSum }]): [string, AttributeValue] => [
    metric,
    { L: [number(eventCount), number(valueSum)] },
  ]);
  return { ...toItem('totals', { pk: TOTALS_PK, sk: date }), totals: { M: Object.fromEntries(totals) } };
};

export function parseTotalsItem(item: Item): { readonly date: UtcDate; readonly totals: DayTotals } {
  const { sk, totals } = TotalsItem.parse(readable('totals', item));
  const known = Object.entries(totals.M).flatMap(([name, { L }]) => {
    const metric = MetricRollupHourMetric.safeParse(name); // a metric that was removed has no total
    const tally: Tally = { eventCount: L[0], valueSum: L[1] };
    return metric.success ? [[metric.data, tally] as const] : [];
  });
  return { date: sk, totals: new Map(known) };
}

/** The totals of extensions by day: each in a partition of its own, so that its whole past is one query. */
export const seriesPk = (id: string): string => `SERIES#${id}`;
export const pullsSeries = (extension: string): Series => ({
  metric: 'EXTENSION_PULLED',
  scope: 'extension',
  key1: extension,
});

/** The day total of a row, if it is stored separately. */
export function toSeriesItem(date: UtcDate, row: Item): Item | undefined {
  if (row.scope?.S !== 'extension') return undefined;
  const { series, hours } = parseMetricItem(row);
  const slots = [...hours.values()];
  return {
    ...toItem('series', { pk: seriesPk(idOfSeries(series)), sk: date }),
    event_count: number(slots.reduce((sum, { eventCount }) => sum + eventCount, 0n)),
    value_sum: number(slots.reduce((sum, { valueSum }) => sum + valueSum, 0n)),
  };
}

const SeriesItem = z.object({ event_count: WholeNumber });
export const eventCountOf = (item: Item): bigint => SeriesItem.parse(readable('series', item)).event_count;

export const EXTENSIONS_PK = 'EXTENSIONS';
const SummaryItem = z.object({
  sk: z.string(),
  publisher: Publisher,
  versions: z.int(),
  pulls: z.int(),
  firstPublished: z.iso.datetime(),
  lastPublished: z.iso.datetime(),
});

export const toSummaryItem = ({ extension, ...summary }: ExtensionSummary, revision: number): Item =>
  toItem('extension-summary', { pk: EXTENSIONS_PK, sk: extension, ...summary, rev: revision });

export function parseSummaryItem(item: Item): ExtensionSummary {
  const { sk, ...summary } = SummaryItem.parse(fromItem('extension-summary', item));
  return { extension: sk, ...summary };
}

export const WEEKS_PK = 'WEEKS';
const WeekItem = z.object({
  rev: z.int().check(z.positive()),
  counts: z.record(z.string(), z.int().check(z.nonnegative())),
});
export const toWeekItem = (end: UtcDate, counts: WeekCounts, revision: number): Item =>
  toItem('week', { pk: WEEKS_PK, sk: end, rev: revision, counts: Object.fromEntries(counts) });

export function parseWeekItem(item: Item): { readonly counts: WeekCounts; readonly revision: number } {
  const { rev, counts } = WeekItem.parse(fromItem('week', item));
  const known = Object.entries(counts).flatMap(([name, count]) => {
    const metric = MetricRollupHourMetric.safeParse(name);
    return metric.success ? [[metric.data, count] as const] : [];
  });
  return { counts: new Map(known), revision: rev };
}

const Revised = z.object({ rev: z.int().check(z.positive()) });
export const revisionOf = (item: Item | undefined): number =>
  item === undefined ? 0 : Revised.parse(fromItem('extension-summary', item)).rev;

export const LIST_ROOT_SK = 'ROOT';
export const listPk = (sort: ExtensionSort): string => `${EXTENSIONS_PK}#${sort}`;
export const leafSk = (ref: string): string => `LEAF#${ref}`;

const ListItem = z.object({
  rev: z.int().check(z.positive()),
  leaves: z.array(z.tuple([z.number(), z.int(), z.string()])),
  /** Missing in a list of an older release, whose leaves have no names. */
  namesAt: z.optional(z.iso.datetime()),
});
/** The leaves of a list, and since when their names are right; null if they have none. */
export type ListRoot = { readonly leaves: readonly ListLeaf[]; readonly namesAt: string | null };

export const toListItem = (sort: ExtensionSort, { leaves, namesAt }: ListRoot, revision: number): Item =>
  toItem('extension-list', {
    ...{ pk: listPk(sort), sk: LIST_ROOT_SK, rev: revision, namesAt: namesAt ?? undefined },
    leaves: leaves.map(({ figure, count, ref }) => [figure, count, ref]),
  });

export function parseListItem(item: Item | undefined): ListRoot & { readonly revision: number } {
  if (item === undefined) return { leaves: [], namesAt: null, revision: 0 };
  const { leaves, rev, namesAt = null } = ListItem.parse(fromItem('extension-list', item));
  return { leaves: leaves.map(([figure, count, ref]) => ({ figure, count, ref })), namesAt, revision: rev };
}

const LeafRow = z.tuple([z.string(), Publisher, z.int(), z.int(), z.number(), z.number()]);
/** The names of the accounts among the publishers, in their order, and of other accounts that these refer to. */
const LeafNames = z.tuple([z.array(z.nullable(z.string())), z.array(z.tuple([z.string(), z.string()]))]);
const LeafItem = z.object({
  sk: z.string(),
  rows: z.instanceof(Uint8Array),
  names: z.optional(z.instanceof(Uint8Array)),
});
const packed = (text: string): Uint8Array => new Uint8Array(gzipSync(text));
const unpacked = (bytes: Uint8Array): unknown => JSON.parse(gunzipSync(bytes).toString('utf8'));

function leafNamesOf(rows: readonly ExtensionSummary[], names: ReadonlyMap<string, string>): z.infer<typeof LeafNames> {
  const own = accountsIn(rows);
  const others: [string, string][] = [];
  for (const id of own) {
    for (let whole = wholeOf(names.get(id)); whole !== undefined; whole = wholeOf(names.get(whole))) {
      others.push([whole, names.get(whole) ?? '']);
    }
  }
  return [own.map((id) => names.get(id) ?? null), others.filter(([, name]) => name !== '')];
}

/** The rows of a leaf, compressed: names and times repeat much of each other. */
export function toLeafItem(
  sort: ExtensionSort,
  rows: readonly ExtensionSummary[],
  known: ReadonlyMap<string, string> = new Map(),
): readonly [ListLeaf, Item] {
  const text = JSON.stringify(
    rows.map(({ extension, publisher, versions, pulls, firstPublished, lastPublished }) => [
      ...[extension, publisher, versions, pulls],
      ...[Date.parse(firstPublished), Date.parse(lastPublished)],
    ]),
  );
  const [own, others] = leafNamesOf(rows, known);
  const names = own.some((name) => name !== null) ? JSON.stringify([own, others]) : undefined;
  const hash = createHash('sha256').update(text + (names ?? ''));
  const ref = hash.digest('base64url').slice(0, LEAF_REF_LENGTH);
  const [first] = rows;
  if (first === undefined) throw new Error('a leaf without rows is not kept');
  const columns = { rows: packed(text), names: names === undefined ? undefined : packed(names) };
  const item = toItem('extension-leaf', { pk: listPk(sort), sk: leafSk(ref), ...columns });
  return [{ figure: figureOf(sort, first), count: rows.length, ref }, item];
}

export function parseLeafItem(item: Item): {
  readonly ref: string;
  readonly rows: readonly ExtensionSummary[];
  readonly names: ReadonlyMap<string, string>;
} {
  const { sk, ...columns } = LeafItem.parse(fromItem('extension-leaf', item));
  const rows = z
    .array(LeafRow)
    .parse(unpacked(columns.rows))
    .map(([extension, publisher, versions, pulls, first, last]) => ({
      ...{ extension, publisher, versions, pulls },
      ...{ firstPublished: isoOf(first), lastPublished: isoOf(last) },
    }));
  const [own, others] = columns.names === undefined ? [[], []] : LeafNames.parse(unpacked(columns.names));
  const names = new Map(others);
  for (const [index, id] of accountsIn(rows).entries()) {
    const name = own[index];
    if (typeof name === 'string') names.set(id, name);
  }
  return { ref: sk.slice(leafSk('').length), rows, names };
}

/** The names that leaves of a list have. */
export const namesIn = (
  { namesAt: at }: Pick<ListRoot, 'namesAt'>,
  leaves: Iterable<{ readonly names: ReadonlyMap<string, string> }>,
): KnownNames | null => (at === null ? null : { at, names: new Map([...leaves].flatMap(({ names }) => [...names])) });

/** Reads a day's guard and its rows, without its sets. Throws on an item that was not written here. */
export function parseDay(
  date: UtcDate,
  items: readonly Item[],
): { readonly day: RolledUpDay; readonly revision: number } {
  const series = new Map<string, DayOfSeries>();
  let revision = 0;
  let times: Pick<RolledUpDay, 'rolledUpAt' | 'tookMs'> = { rolledUpAt: new Map() };
  for (const item of items) {
    const sk = item.sk?.S ?? '';
    if (sk === ROLLUP_SK) {
      const { rev, rolledUpAt, tookMs } = RollupItem.parse(fromItem('rolled-up-day', item));
      revision = rev;
      times = { rolledUpAt: fromHours(rolledUpAt), ...(tookMs === undefined ? {} : { tookMs: fromHours(tookMs) }) };
    } else if (sk.startsWith(METRIC_PREFIX)) {
      const parsed = parseMetricItem(item);
      series.set(idOfSeries(parsed.series), parsed);
    } else throw new Error(`no row of a rolled up day has the key ${sk}`);
  }
  return { day: { date, series, sets: new Map(), ...times }, revision };
}
