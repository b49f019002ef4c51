import type { KnownNames } from '../leaderboards/snapshot.ts';
import type { ExtensionName } from '../registry/extension.ts';
import type { UtcDate } from '../shared/utc.ts';
import type { ExtensionsFound, ExtensionsQuery, ExtensionSort } from './extension-list.ts';
import type { ExtensionSummary } from './extension-summary.ts';
import type { MetricRollupHourMetric } from './catalog.ts';
import type { DayOfSeries, DayTotals, RolledUpDay } from './rolled-up-day.ts';
import type { WeekCounts } from './weeks.ts';

/** A day as it was read: whatever is decided from it is saved under the guard of that read. Closed also after an error. */
export type StoredDay = {
  /** Without its sets: those of a large community are read only by who changes them. */
  readonly day: RolledUpDay;
  /** The day with its sets, which can be read until the day is closed. */
  withSets(): Promise<RolledUpDay>;
  /**
   * Saves the day's new state, with its totals, if nobody has saved since it was read; also where nothing changed, so
   * that an older run cannot save over it. `stale` means that another run came first: start again from `load`. A save
   * that stops half way leaves the totals and the hours' times as they were, and the next run of the hour completes it.
   * Sets that were not read stay as they are. The hours' times are those that `whenDone` gives after everything else is
   * written: a save of large sets takes as long as their key allows.
   */
  save(next: RolledUpDay, whenDone?: () => RolledUpDay): Promise<'saved' | 'stale'>;
  close(): void;
};

/** An extension's summary as it was read, guarded as a day is. */
export type StoredSummary = { save(next: ExtensionSummary): Promise<'saved' | 'stale'> };

/** A list of extensions as it was read, guarded as a day is. */
export type StoredList = {
  /** Since when its names are right, but for those that readers are told of; null if it has none. */
  readonly namesAt: string | null;
  /** The rows and their publishers' names. Those of a leaf that was changed meanwhile are missing: a save is stale then. */
  read(): Promise<Omit<ExtensionsFound, 'count'>>;
  save(leaves: readonly (readonly ExtensionSummary[])[], names: KnownNames): Promise<'saved' | 'stale'>;
};

/** A week's counts as they were read, guarded as a day is. */
export type StoredWeek = { readonly isCounted: boolean; save(counts: WeekCounts): Promise<'saved' | 'stale'> };

/** The store of rollups, for their makers. Everything is read strongly consistent. */
export type RollupStore = {
  /** All that is rolled up of a day. */
  load(date: UtcDate): Promise<StoredDay>;
  loadSummary(extension: ExtensionName): Promise<StoredSummary>;
  loadList(sort: ExtensionSort): Promise<StoredList>;
  /** The counts of the week that ends on a date. */
  loadWeek(end: UtcDate): Promise<StoredWeek>;
  /** How many there were on any of the days from `from` to `to`, both included, each once. */
  distinctOf(metric: MetricRollupHourMetric, from: UtcDate, to: UtcDate): Promise<number>;
  /** All extensions, in no order. */
  summaries(): Promise<readonly ExtensionSummary[]>;
  /** The pulls of an extension over all its days. */
  pullsOf(extension: ExtensionName): Promise<number>;
};

/** What readers get of the rollups; each day is as one save left it. */
export type RollupReader = {
  /** The totals of the days from `from` to `to`, both included, that have any; in order. */
  totalsOf(from: UtcDate, to: UtcDate): Promise<readonly { readonly date: UtcDate; readonly totals: DayTotals }[]>;
  /**
   * By date, the hours of a counter or a sum in which something happened, by their number from 0 to 23. One read a day.
   */
  hoursOf(
    metric: MetricRollupHourMetric,
    dates: readonly UtcDate[],
  ): Promise<readonly { readonly date: UtcDate; readonly hours: DayOfSeries['hours'] }[]>;
  /** The newest sample of a gauge on a day before `date`. */
  lastSampleBefore(metric: MetricRollupHourMetric, date: UtcDate): Promise<bigint | null>;
  /** A page of all extensions. It reads the leaves of the list that hold the page. */
  extensionsOf(query: ExtensionsQuery): Promise<ExtensionsFound>;
  /** What was counted of the week that ends on a date; undefined if it has not been counted yet. */
  weekOf(end: UtcDate): Promise<WeekCounts | undefined>;
  /** The same from the members of its days, which costs reads by their number. */
  distinctOf(metric: MetricRollupHourMetric, from: UtcDate, to: UtcDate): Promise<number>;
};
