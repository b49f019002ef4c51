import type { MetricRollupHourMetric, MetricScope } from './catalog.ts';

/** How often something happened, and its sum. Whole numbers without a limit. */
export type Tally = { readonly eventCount: bigint; readonly valueSum: bigint };

/** What one row of the rollup counts: a metric of the community, or of one command or extension. */
export type Series = {
  readonly metric: MetricRollupHourMetric;
  readonly scope: 'community' | MetricScope['scope'];
  readonly key1?: string;
  readonly key2?: string;
};

/** The text by which a series is known: neither a command nor an extension has a `#` in its name. */
export const idOfSeries = ({ metric, scope, key1, key2 }: Series): string =>
  [metric, scope, key1, key2].filter((part) => part !== undefined).join('#');

/** How many there are: one after the other, so that they need no memory. */
export const countOf = (items: Iterable<unknown>): number =>
  Iterator.from(items).reduce<number>((count) => count + 1, 0);

export const plus = (a: Tally | undefined, b: Tally): Tally =>
  a === undefined ? b : { eventCount: a.eventCount + b.eventCount, valueSum: a.valueSum + b.valueSum };
