import * as z from 'zod/mini';
import { isAward } from '../grants/grant.ts';
import { currentRules } from '../rules/current-rules.ts';
import { activityEventsOf, commandToday } from '../telemetry/event-kind.ts';
import type { CommunityHour } from './community-hour.ts';
import type { ScoreTotals } from './score-totals.port.ts';

/** Something that happened. It counts for the community, and within its scope if it names one. */
export type Occurrence = {
  /** The value that a sum adds; a counter has none. */
  readonly value?: number;
  readonly within?: MetricScope;
};

/** A part of the community's figures that is kept beside them: by command, by extension. */
export type MetricScope = { readonly scope: 'command' | 'extension'; readonly key1: string; readonly key2?: string };

/** Which facts a metric is folded from. */
type Source = 'telemetry' | 'registry' | 'ledger' | 'scores';

/**
 * Counts a metric from all facts at once: an entry for each fact, and a distinct `who` once. Each event is there once; its
 * `kind` is `cli_invocation model failed`, or the name of another event.
 */
export type Oracle = (facts: {
  readonly events: readonly {
    readonly hour: string;
    readonly deviceId: string;
    readonly kind: string;
    readonly sender: string | null;
  }[];
  readonly versions: readonly { readonly name: string; readonly publishedAt: string; readonly publisher: string }[];
  readonly pulls: readonly { readonly name: string; readonly hour: string }[];
  readonly lines: readonly { readonly grantId: string; readonly grantedAt: string; readonly amount: number }[];
}) => readonly { readonly hour: string; readonly who?: string; readonly points?: number }[];

/** All that there is to know about a metric: the rollup, the answers and their documentation are made from it. */
export type Metric = {
  /** UPPER_SNAKE_CASE; the very string that is stored. */
  readonly name: string;
  readonly source: Source;
  /** Its name in answers. */
  readonly field: string;
  readonly description: string;
  /** The same count, written a second time for the proof tools. `proof/model/metrics.ts` has it for the first metrics. */
  readonly oracle?: Oracle;
} & (
  | { readonly kind: 'counter' | 'sum'; readonly fold: (hour: CommunityHour) => readonly Occurrence[] }
  /** The members that count once, each by a text that names no other. */
  | { readonly kind: 'distinct'; readonly fold: (hour: CommunityHour) => readonly string[] }
  /** A state, read at some time. */
  | { readonly kind: 'gauge'; readonly fold: (scores: ScoreTotals) => bigint }
);

const ACTIVITY = activityEventsOf(currentRules);

/** The metrics of the community, in the order in which answers list them. A new one is an entry here with its fold. */
const METRICS = [
  {
    name: 'CLI_INVOCATION',
    kind: 'counter',
    source: 'telemetry',
    field: 'cli_invocations',
    description: 'Invocations of the tool, whatever came of them',
    fold: ({ events }) =>
      events.flatMap(({ entry: { kind } }) => {
        const command = commandToday(kind, ACTIVITY);
        return command === null ? [] : [{ within: { scope: 'command', key1: command } }];
      }),
  },
  {
    name: 'ACTIVE_DEVICE',
    kind: 'distinct',
    source: 'telemetry',
    field: 'active_devices',
    description: 'Devices that sent any event',
    fold: ({ activeDevices }) => [...activeDevices],
  },
  {
    name: 'ACTIVE_MEMBER',
    kind: 'distinct',
    source: 'telemetry',
    field: 'active_members',
    description: 'Members whose key came with any event of a device; owning the device is not enough',
    fold: ({ deviceEvents }) => deviceEvents.flatMap(({ entry: { sender } }) => sender ?? []),
  },
  {
    name: 'NEW_DEVICE',
    kind: 'counter',
    source: 'telemetry',
    field: 'new_devices',
    description: 'Devices seen for the first time',
    fold: ({ newDevices }) => newDevices.map(() => ({})),
  },
  {
    name: 'EXTENSION_PUBLISHED',
    kind: 'counter',
    source: 'registry',
    field: 'extensions_published',
    description: 'Versions of extensions published, yanked since or not',
    fold: ({ versions }) => versions.map(({ name }) => ({ within: { scope: 'extension', key1: name } })),
  },
  {
    name: 'DISTINCT_PUBLISHER',
    kind: 'distinct',
    source: 'registry',
    field: 'distinct_publishers',
    description: 'Accounts and collectives that published',
    fold: ({ versions }) => versions.map(({ publisher: { kind, name } }) => `${kind}:${name}`),
  },
  {
    name: 'EXTENSION_PULLED',
    kind: 'counter',
    source: 'registry',
    field: 'extensions_pulled',
    description: 'Pulls of extensions, each version once by each puller',
    fold: ({ pulls }) => pulls.map(({ name }) => ({ within: { scope: 'extension', key1: name } })),
  },
  {
    name: 'AWARD_GRANTED',
    kind: 'sum',
    source: 'ledger',
    field: 'awards_granted',
    description: 'Awards given, and their points',
    fold: ({ grants }) => grants.filter(isAward).map(({ amount }) => ({ value: amount })),
  },
  {
    name: 'POINTS_GRANTED',
    kind: 'sum',
    source: 'ledger',
    field: 'points_granted',
    description: 'Lines of the ledger, and their points: reversals take points away',
    fold: ({ grants }) => grants.map(({ amount }) => ({ value: amount })),
  },
  {
    name: 'MEMBER_COUNT',
    kind: 'gauge',
    source: 'scores',
    field: 'members',
    description: 'Members that are known: the newest sample',
    fold: ({ members }) => BigInt(members),
  },
  {
    name: 'TOTAL_SCORE',
    kind: 'gauge',
    source: 'scores',
    field: 'total_score',
    description: "All members' scores together: the newest sample",
    fold: ({ totalScore }) => totalScore,
  },
] as const satisfies readonly Metric[];

export const MetricRollupHourMetric = z.enum(METRICS.map(({ name }) => name));
export type MetricRollupHourMetric = (typeof METRICS)[number]['name'];

/** The rollup, the answers and their documentation loop over this list. */
export const communityMetrics: readonly (Metric & { readonly name: MetricRollupHourMetric })[] = METRICS;
