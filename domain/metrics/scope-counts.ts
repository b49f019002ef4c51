import { LINES, type NewSorter, type Sorter } from '../shared/sorter.port.ts';
import type { MetricRollupHourMetric, MetricScope, Occurrence } from './catalog.ts';
import { plus, type Series, type Tally } from './tally.ts';

/** A row of an hour: what is counted, and how often it happened. */
export type Counted = { readonly series: Series; readonly tally: Tally };

type Scope = MetricScope['scope'];
/** The keys of one scope of a metric. */
type Keys = {
  readonly metric: MetricRollupHourMetric;
  readonly scope: Scope;
  readonly counts: Map<string, { eventCount: number; valueSum: bigint }>;
  readonly spilled: Sorter<string>;
};

/**
 * The number of keys of a scope that have a row of their own in an hour: the most frequent ones, and of equals the
 * first ones. The others share the row `other`, so that no user's text can make rows without bound. The registry knows
 * its extensions.
 */
const MAX_KEYS: Readonly<Record<Scope, number>> = { command: 64, extension: Infinity };
const OTHER = 'other';
const KEYS_IN_MEMORY = 5_000;

/** Counts by command and by extension. Strangers invent commands: beyond some thousand keys, counts go through sorters. */
export function scopeCounter(newSorter: NewSorter) {
  const scopes = new Map<MetricRollupHourMetric, Map<Scope, Keys>>();
  const all = () => [...scopes.values()].flatMap((ofMetric) => [...ofMetric.values()]);

  const spill = ({ counts, spilled }: Keys) => {
    for (const [key, { eventCount, valueSum }] of counts) spilled.add(`${key}\t${eventCount}\t${valueSum}`);
    counts.clear();
  };

  return {
    add(metric: MetricRollupHourMetric, occurrence: Occurrence): void {
      if (occurrence.within === undefined) return;
      const { scope, key1, key2 } = occurrence.within;
      const ofMetric = scopes.get(metric) ?? new Map<Scope, Keys>();
      const keys: Keys = ofMetric.get(scope) ?? { metric, scope, counts: new Map(), spilled: newSorter(LINES) };
      scopes.set(metric, ofMetric.set(scope, keys));
      const key = key2 === undefined ? key1 : `${key1}#${key2}`;
      const count = keys.counts.get(key) ?? { eventCount: 0, valueSum: 0n };
      count.eventCount += 1;
      if (occurrence.value !== undefined) count.valueSum += BigInt(occurrence.value);
      keys.counts.set(key, count);
      if (keys.counts.size >= KEYS_IN_MEMORY) spill(keys);
    },

    rows(): readonly Counted[] {
      return all().flatMap((keys) => {
        spill(keys);
        return rowsOf(keys);
      });
    },

    close(): void {
      for (const { spilled } of all()) spilled.close();
    },
  };
}

type Row = { readonly key: string; readonly tally: Tally };

/** The rows of a scope: those with a key of their own, and the row of the others. */
function rowsOf({ metric, scope, spilled }: Keys): readonly Counted[] {
  const most = MAX_KEYS[scope];
  let own: Row[] = [];
  let others: Tally | undefined;
  const cut = () => {
    own.sort((a, b) => Number(b.tally.eventCount - a.tally.eventCount) || LINES.compare(a.key, b.key));
    if (own.length > most) for (const { tally } of own.splice(most)) others = plus(others, tally);
  };
  for (const row of together(spilled.sorted())) {
    own.push(row);
    if (own.length >= 2 * KEYS_IN_MEMORY && most < Infinity) cut();
  }
  cut();
  if (others !== undefined) {
    const other = own.find(({ key }) => key === OTHER);
    own = [...own.filter((row) => row !== other), { key: OTHER, tally: plus(other?.tally, others) }];
  }
  return own.map(({ key, tally }) => {
    const [key1 = '', key2] = key.split('#'); // neither a command nor an extension has one in its name
    return { series: { metric, scope, key1, ...(key2 === undefined ? {} : { key2 }) }, tally };
  });
}

/** Each key once, with all of its counts. */
function* together(sorted: Iterable<string>): Generator<Row> {
  let open: Row | undefined;
  for (const line of sorted) {
    const [key = '', eventCount = '', valueSum = ''] = line.split('\t');
    const tally = { eventCount: BigInt(eventCount), valueSum: BigInt(valueSum) };
    if (open?.key === key) {
      open = { key, tally: plus(open.tally, tally) };
      continue;
    }
    if (open !== undefined) yield open;
    open = { key, tally };
  }
  if (open !== undefined) yield open;
}
