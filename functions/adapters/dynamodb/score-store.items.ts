import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import { nothingGranted, type Granted } from '../../../domain/grants/granted.ts';
import { Username } from '../../../domain/identity/username.ts';
import { byListing } from '../../../domain/scoring/contributions.ts';
import type { DayRow, Revision, StoredMetrics, StoredScore } from '../../../domain/scoring/score-store.port.ts';
import type { UserScore } from '../../../domain/scoring/score.ts';
import { isKnown, type UserMetrics } from '../../../domain/scoring/username-metrics.ts';
import { shardOf } from '../../../domain/shared/shard.ts';
import { packMetrics, unpackMetrics } from './score-store.metrics-codec.ts';

/**
 * The items of the `user_scores` table.
 *
 *   USER#<name>    METRICS           username_metrics, packed
 *   USER#<name>    SCORE             the score; in the index `byNextChange` under changeShard and changesOn
 *   USER#<name>    DAY#2026-08-21    the last score of a past date
 */
export type Item = Record<string, AttributeValue>;

export const METRICS_SK = 'METRICS';
export const SCORE_SK = 'SCORE';
export const DAY_PREFIX = 'DAY#';
export const userPk = (username: Username): string => `USER#${username}`;
export const daySk = (date: string): string => `${DAY_PREFIX}${date}`;

const Count = z.int().check(z.nonnegative());
const RevisionNumber = z.int().check(z.positive());

const MetricsItem = z.object({
  foldedAt: z.iso.datetime(),
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
  nextChangeOn: z.nullable(z.iso.date()),
  rulesVersion: z.string(),
  refreshedAt: z.iso.datetime(),
  rev: RevisionNumber,
});

const DayItem = z.object({ sk: z.string(), canonicalScore: z.int() });

export const sortKeyOf = (item: Item): string | undefined => item.sk?.S;

export const toMetricsItem = (
  username: Username,
  { basis, ...metrics }: UserMetrics,
  foldedAt: string,
  rev: Revision,
): Item => {
  const folds = [metrics.sealed, ...metrics.open.values()];
  // Beside the packed bytes, for whoever reads the table by hand.
  const totalEvents = folds.flatMap(({ events }) => [...events.values()]).reduce((sum, count) => sum + count, 0);
  const packed = packMetrics(metrics);
  return marshall({ pk: userPk(username), sk: METRICS_SK, username, foldedAt, totalEvents, basis, packed, rev });
};

export function parseMetricsItem(item: Item): StoredMetrics {
  const { foldedAt, basis, packed, rev } = MetricsItem.parse(unmarshall(item));
  return { metrics: { basis, ...unpackMetrics(packed) }, foldedAt, revision: rev };
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
 * SCORE items by when they will be behind: in `CHANGE_SHARDS` partitions by `<rules version>#<nextChangeOn>`, so that two
 * ranges of a partition hold every score of other rules, and every one whose date has come.
 */
export const BY_NEXT_CHANGE_INDEX = 'byNextChange';
export const CHANGE_SHARDS = 8;
const NEVER = '9999-12-31';
export const changeShardOf = (shard: number): string => `SHARD#${shard}`;
export const changesOn = (rulesVersion: string, date: string | null): string => `${rulesVersion}#${date ?? NEVER}`;

/** `memberScore` is the score where anything is known of the user: what the gauges of all members read. */
export const toScoreItem = (
  { contributions, granted, ...score }: UserScore,
  metrics: UserMetrics,
  rev: Revision,
): Item => {
  const isMember = isKnown(metrics) || granted.balance.seq > 0;
  const byKey = Object.fromEntries(
    contributions.map(({ key, inputs, ...rest }) => [key, { ...rest, inputs: Object.fromEntries(inputs) }]),
  );
  return marshall({
    pk: userPk(score.username),
    sk: SCORE_SK,
    ...score,
    contributions: byKey,
    granted: toGrantedItem(granted),
    changeShard: changeShardOf(shardOf(score.username, CHANGE_SHARDS)),
    changesOn: changesOn(score.rulesVersion, score.nextChangeOn),
    ...(isMember ? { memberScore: score.canonicalScore } : {}),
    rev,
  });
};

export function parseScoreItem(item: Item): StoredScore {
  const { rev, contributions, granted, ...score } = ScoreItem.parse(unmarshall(item));
  const listed = Object.entries(contributions)
    .map(([key, { inputs, ...rest }]) => ({ key, ...rest, inputs: new Map(Object.entries(inputs)) }))
    .sort(byListing); // a stored map has no order
  return { score: { ...score, contributions: listed, granted: parseGranted(granted) }, revision: rev };
}

/** The row knows the revision of the score it was taken from: an older score cannot replace a newer one. */
export const toDayItem = (username: Username, { date, canonicalScore }: DayRow, scoreRev: Revision): Item =>
  marshall({ pk: userPk(username), sk: daySk(date), canonicalScore, scoreRev });

export function parseDayItem(item: Item): DayRow {
  const { sk, canonicalScore } = DayItem.parse(unmarshall(item));
  return { date: sk.slice(DAY_PREFIX.length), canonicalScore };
}
