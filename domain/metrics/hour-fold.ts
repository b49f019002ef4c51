import type { Sha256 } from '../shared/environment.ts';
import { communityHourOf, type HourFacts } from './community-hour.ts';
import { communityMetrics, type MetricRollupHourMetric, type Occurrence, type MetricScope } from './catalog.ts';

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

/** A member that counts once, as 16 hexadecimal digits: the first 8 bytes of the SHA-256 of its name. */
export type MemberHash = string;

/** The fold of the facts of one hour. */
export type CommunityHourFold = {
  readonly tallies: readonly { readonly series: Series; readonly tally: Tally }[];
  readonly members: ReadonlyMap<MetricRollupHourMetric, ReadonlySet<MemberHash>>;
};

/**
 * The number of keys of a scope that have a row of their own in an hour: the most frequent ones, and of equals the
 * first ones. The others share the row `other`, so that no user's text can make rows without bound. The registry knows
 * its extensions.
 */
const MAX_KEYS: Readonly<Record<MetricScope['scope'], number>> = { command: 64, extension: Infinity };
const OTHER = 'other';

/** The first 8 bytes of a hash tell members apart: among a million there are two alike once in 37 million cases. */
const hashOf = (sha256: Sha256, text: string): MemberHash => sha256(text).slice(0, 16);

/** Folds an hour for every metric of the registry: from its facts alone, so the same facts give the same numbers. */
export function foldCommunityHour(facts: HourFacts, sha256: Sha256): CommunityHourFold {
  const hour = communityHourOf(facts);
  const tallies: { series: Series; tally: Tally }[] = [];
  const members = new Map<MetricRollupHourMetric, ReadonlySet<MemberHash>>();
  for (const metric of communityMetrics) {
    switch (metric.kind) {
      case 'counter':
      case 'sum': {
        const occurrences = metric.fold(hour);
        if (occurrences.length > 0) {
          tallies.push({ series: { metric: metric.name, scope: 'community' }, tally: tallyOf(occurrences) });
        }
        tallies.push(...scoped(metric.name, occurrences));
        break;
      }
      case 'distinct': {
        const hashes = new Set(metric.fold(hour).map((member) => hashOf(sha256, member)));
        members.set(metric.name, hashes);
        if (hashes.size > 0) {
          const tally = { eventCount: BigInt(hashes.size), valueSum: 0n };
          tallies.push({ series: { metric: metric.name, scope: 'community' }, tally });
        }
        break;
      }
      case 'gauge': // a state has no facts of an hour: it is sampled
        break;
    }
  }
  return { tallies, members };
}

const tallyOf = (occurrences: readonly Occurrence[]): Tally => ({
  eventCount: BigInt(occurrences.length),
  valueSum: occurrences.reduce((sum, { value }) => sum + BigInt(value ?? 0), 0n),
});

function scoped(metric: MetricRollupHourMetric, occurrences: readonly Occurrence[]): CommunityHourFold['tallies'] {
  const within = occurrences.flatMap((occurrence) =>
    occurrence.within === undefined ? [] : [{ occurrence, ...occurrence.within }],
  );
  return [...Map.groupBy(within, ({ scope }) => scope)].flatMap(([scope, ofScope]) => {
    const byKey = [...Map.groupBy(ofScope, ({ key1, key2 }) => idOfSeries({ metric, scope, ...keys(key1, key2) }))];
    byKey.sort(([a, ofA], [b, ofB]) => ofB.length - ofA.length || (a < b ? -1 : 1));
    const own = byKey.slice(0, MAX_KEYS[scope]);
    const rest = byKey.slice(MAX_KEYS[scope]).flatMap(([, group]) => group);
    const rows = own.map(([, group]) => ({ group, ...keys(group[0]?.key1, group[0]?.key2) }));
    const other = rows.find(({ key1, key2 }) => key1 === OTHER && key2 === undefined);
    if (rest.length > 0 && other === undefined) rows.push({ group: rest, key1: OTHER });
    else if (other !== undefined) other.group = [...other.group, ...rest];
    return rows.map(({ group, ...rowKeys }) => ({
      series: { metric, scope, ...rowKeys },
      tally: tallyOf(group.map(({ occurrence }) => occurrence)),
    }));
  });
}

const keys = (key1: string | undefined, key2: string | undefined) => ({
  ...(key1 === undefined ? {} : { key1 }),
  ...(key2 === undefined ? {} : { key2 }),
});
