import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import { nothingGranted, type Granted } from '../../../domain/grants/granted.ts';
import { Username } from '../../../domain/identity/username.ts';
import { byListing } from '../../../domain/scoring/contributions.ts';
import type {
  DayRow,
  NextMetrics,
  Revision,
  StoredMetrics,
  StoredScore,
} from '../../../domain/scoring/score-store.port.ts';
import type { UserScore } from '../../../domain/scoring/score.ts';
import { isKnown, type UserMetrics } from '../../../domain/scoring/username-metrics.ts';
import type { ScoreStep } from '../../../domain/scoring/score-steps.ts';
import { shardOf } from '../../../domain/shared/shard.ts';
import { dateOfDayNumber, dayNumberOf } from '../../../domain/shared/utc.ts';
import { packMetrics, unpackMetrics } from './score-store.metrics-codec.ts';

/**
 * The items of the `user_scores` table.
 *
 *   USER#<name>    METRICS           username_metrics, packed
 *   USER#<name>    PROFILE           what the user chose: whether the leaderboards show them
 *   USER#<name>    SCORE             the score; in the index `byShard`
 *   USER#<name>    DAY#2026-08-21    the last score of a past date
 */
export type Item = Record<string, AttributeValue>;

export const METRICS_SK = 'METRICS';
export const PROFILE_SK = 'PROFILE'; // between the two in their order: one query reads all three
export const SCORE_SK = 'SCORE';
export const DAY_PREFIX = 'DAY#';
const USER_PREFIX = 'USER#';
export const userPk = (username: Username): string => `${USER_PREFIX}${username}`;
export const usernameOf = ({ pk }: Item): Username => Username.parse(pk?.S?.slice(USER_PREFIX.length));
export const daySk = (date: string): string => `${DAY_PREFIX}${date}`;

const Count = z.int().check(z.nonnegative());
const RevisionNumber = z.int().check(z.positive());

const MetricsItem = z.object({
  foldedAt: z.iso.datetime(),
  /** Metrics that were stored before refreshes were skipped have none. */
  starts: z._default(z.record(z.string(), z.int()), {}),
  basis: z.string(),
  packed: z.instanceof(Uint8Array),
  rev: RevisionNumber,
});

const ContributionItem = z.object({
  category: z.string(),
  source: z.string(),
  points: z.int(),
  inputs: z.record(z.string(), z.int()),
});

/** Keys with their points: a hundred of them take about 4 KB, so what follows from a key is not kept. */
const GrantedItem = z.object({
  seq: Count,
  totalScore: z.int(),
  categoryTotals: z.record(z.string(), z.int()),
  sourceTotals: z.record(z.string(), z.int()),
  listed: z.record(z.string(), z.int()),
  reversed: z.array(z.string()),
  olderCount: Count,
  olderPoints: z.record(z.string(), z.int()),
});

/** [days since 1970-01-01 of the date through which it stood, score, …]: a flat list of numbers, as JSON. */
const PackedSteps = z.pipe(
  z.string(),
  z.transform((text): readonly ScoreStep[] => {
    const numbers = z.array(z.int()).parse(JSON.parse(text));
    return numbers.flatMap((score, index) =>
      index % 2 === 0 ? [] : [{ through: dateOfDayNumber(numbers[index - 1] ?? 0), score }],
    );
  }),
);
const packSteps = (steps: readonly ScoreStep[]): string =>
  JSON.stringify(steps.flatMap(({ through, score }) => [dayNumberOf(through), score]));

const TierReachedItem = z.object({ tier: z.string(), reachedAt: z.iso.datetime(), hasBadge: z.boolean() });

const ScoreItem = z.object({
  username: Username,
  date: z.iso.date(),
  contributions: z.record(z.string(), ContributionItem),
  canonicalScore: z.int(),
  activityScore: Count,
  tier: z.string(),
  // Neither is in a score that was saved before there was a ledger.
  tiersReached: z._default(z.array(TierReachedItem), []),
  granted: z.optional(GrantedItem),
  standingSince: z.iso.datetime(),
  steps: PackedSteps,
  isHidden: z._default(z.boolean(), false), // only there where it is true
  nextChangeOn: z.nullable(z.iso.date()),
  rulesVersion: z.string(),
  refreshedAt: z.iso.datetime(),
  rev: RevisionNumber,
  /** Of a score that was saved before it was kept: that of no metrics. */
  metricsRev: z._default(Count, 0),
});

const ProfileItem = z.object({ isHidden: z.boolean() });
const DayItem = z.object({ sk: z.string(), canonicalScore: z.int() });

export const sortKeyOf = (item: Item): string | undefined => item.sk?.S;

export const toMetricsItem = (
  username: Username,
  { metrics: { basis, ...metrics }, foldedAt, starts }: NextMetrics,
  rev: Revision,
): Item => {
  const folds = [metrics.sealed, ...metrics.open.values()];
  // Beside the packed bytes, for whoever reads the table by hand.
  const totalEvents = folds.flatMap(({ events }) => [...events.values()]).reduce((sum, count) => sum + count, 0);
  const packed = packMetrics(metrics);
  const folded = { foldedAt, starts: Object.fromEntries(starts) };
  return marshall({ pk: userPk(username), sk: METRICS_SK, username, ...folded, totalEvents, basis, packed, rev });
};

export function parseMetricsItem(item: Item): StoredMetrics {
  const { foldedAt, starts, basis, packed, rev } = MetricsItem.parse(unmarshall(item));
  const metrics = { basis, ...unpackMetrics(packed) };
  return { metrics, foldedAt, starts: new Map(Object.entries(starts)), revision: rev };
}

function toGrantedItem({ balance, listed, older }: Granted): z.infer<typeof GrantedItem> {
  const { categoryTotals, sourceTotals, ...rest } = balance;
  return {
    ...rest,
    categoryTotals: Object.fromEntries(categoryTotals),
    sourceTotals: Object.fromEntries(sourceTotals),
    listed: Object.fromEntries(listed.map(({ key, granted }) => [key, granted])),
    reversed: listed.flatMap(({ key, isReversed }) => (isReversed ? [key] : [])),
    olderCount: older.count,
    olderPoints: Object.fromEntries(older.points),
  };
}

function parseGranted(item: z.infer<typeof GrantedItem> | undefined): Granted {
  if (item === undefined) return nothingGranted;
  const reversed = new Set(item.reversed);
  return {
    balance: {
      seq: item.seq,
      totalScore: item.totalScore,
      categoryTotals: new Map(Object.entries(item.categoryTotals)),
      sourceTotals: new Map(Object.entries(item.sourceTotals)),
    },
    listed: Object.entries(item.listed)
      .map(([key, granted]) => ({ key, granted, isReversed: reversed.has(key) }))
      .sort((a, b) => (a.key < b.key ? -1 : 1)), // a stored map has no order
    older: { count: item.olderCount, points: new Map(Object.entries(item.olderPoints)) },
  };
}

/**
 * Every score once, in `SCORE_SHARDS` partitions: one small entry for each user, while the table has one for each of their
 * days. Its keys never change, so that whoever pages through it meets each score once, whatever is saved meanwhile, and
 * a save that changes nothing in an entry pays nothing for it.
 */
export const BY_SHARD_INDEX = 'byShard';
export const SCORE_SHARDS = 8;
export const scoreShardOf = (shard: number): string => `SHARD#${shard}`;

/** What an entry of the index says. `memberScore` is missing where nothing is known of the user any more. */
export const ScoreEntry = z.object({
  username: Username,
  memberScore: z.optional(z.int()),
  tier: z.string(),
  standingSince: z.iso.datetime(),
  steps: PackedSteps,
  isHidden: z._default(z.boolean(), false),
});
export type ScoreEntry = z.infer<typeof ScoreEntry>;

/** `memberScore` is the score where anything is known of the user: what the gauges of all members read. */
export const toScoreItem = (
  { contributions, granted, steps, isHidden, ...score }: UserScore,
  metrics: { readonly metrics: UserMetrics; readonly revision: Revision },
  rev: Revision,
): Item => {
  const isMember = isKnown(metrics.metrics) || granted.balance.seq > 0;
  const byKey = Object.fromEntries(
    contributions.map(({ key, inputs, ...rest }) => [key, { ...rest, inputs: Object.fromEntries(inputs) }]),
  );
  return marshall({
    pk: userPk(score.username),
    sk: SCORE_SK,
    ...score,
    contributions: byKey,
    granted: toGrantedItem(granted),
    scoreShard: scoreShardOf(shardOf(score.username, SCORE_SHARDS)),
    steps: packSteps(steps),
    ...(isHidden ? { isHidden } : {}),
    ...(isMember ? { memberScore: score.canonicalScore } : {}),
    metricsRev: metrics.revision,
    rev,
  });
};

export function parseScoreItem(item: Item): StoredScore {
  const { rev, metricsRev, contributions, granted, ...score } = ScoreItem.parse(unmarshall(item));
  const listed = Object.entries(contributions)
    .map(([key, { inputs, ...rest }]) => ({ key, ...rest, inputs: new Map(Object.entries(inputs)) }))
    .sort(byListing); // a stored map has no order
  return {
    score: { ...score, contributions: listed, granted: parseGranted(granted) },
    revision: rev,
    metricsRevision: metricsRev,
  };
}

export const toProfileItem = (username: Username, isHidden: boolean): Item =>
  marshall({ pk: userPk(username), sk: PROFILE_SK, isHidden });
export const parseProfileItem = (item: Item) => ProfileItem.parse(unmarshall(item));

/** The row knows the revision of the score it was taken from: an older score cannot replace a newer one. */
export const toDayItem = (username: Username, { date, canonicalScore }: DayRow, scoreRev: Revision): Item =>
  marshall({ pk: userPk(username), sk: daySk(date), canonicalScore, scoreRev });

export function parseDayItem(item: Item): DayRow {
  const { sk, canonicalScore } = DayItem.parse(unmarshall(item));
  return { date: sk.slice(DAY_PREFIX.length), canonicalScore };
}
