import * as z from 'zod/mini';
import { nothingGranted, type Granted } from '../../../../domain/grants/granted.ts';
import { AccountId } from '../../../../domain/identity/account.ts';
import { byListing, isTouched, withUntouched } from '../../../../domain/scoring/contributions.ts';
import {
  type DayRow,
  type NextMetrics,
  type Revision,
  type StoredMetrics,
  type StoredScore,
  type StoredUser,
} from '../../../../domain/scoring/score-store.port.ts';
import type { UserScore } from '../../../../domain/scoring/score.ts';
import type { Turn } from '../../../../domain/scoring/turns.ts';
import { isKnown, type UserMetrics } from '../../../../domain/scoring/user-metrics.ts';
import type { DayScore } from '../../../../domain/scoring/score-steps.ts';
import { rulebook } from '../../../../domain/rules/current-rules.ts';
import { partsOf, type Part } from '../../../../domain/rules/parts.ts';
import type { ByDate } from '../../../../domain/shared/by-date.ts';
import { shardOf } from '../../../../domain/shared/shard.ts';
import { dateOfDayNumber, dayNumberOf, type UtcDate } from '../../../../domain/shared/utc.ts';
import { packMetrics, unpackMetrics } from './metrics.codec.ts';
import { parseProfileItem } from './profile.items.ts';
import { type Item, userPk } from '../shared/item.ts';
import { PROFILE_SK, SCORE_SK } from '../../../runtime/names.ts';
import { fromItem, toItem } from '../shared/format.ts';

/**
 * The items of the `user_scores` table.
 *
 *   USER#<account>    METRICS           the folded counts (`UserMetrics`), packed
 *   USER#<account>    PROFILE           whether the leaderboards show the user; merges; when the account was erased
 *   USER#<account>    REFRESH           whose turn it is to refresh a user with many devices
 *   USER#<account>    SCORE             the score; in the index `byShard`
 *   USER#<account>    DAY#2026-08-21    scores of past dates, up to this one, that SCORE no longer holds
 *   USER#<account>    DAYS#2026-08      scores of past dates of this month, refolded from facts
 */

// One query reads METRICS, PROFILE, REFRESH and SCORE: they follow each other in this order.
export const METRICS_SK = 'METRICS';
export const REFRESH_SK = 'REFRESH';
export const DAY_PREFIX = 'DAY#';
export const daySk = (date: string): string => `${DAY_PREFIX}${date}`;

const Count = z.int().check(z.nonnegative());
export const RevisionNumber = z.int().check(z.positive());

const MetricsItem = z.object({
  foldedAt: z.iso.datetime(),
  /** Metrics that were stored before refreshes were skipped have none. */
  starts: z._default(z.record(z.string(), z.int()), {}),
  foldedBy: z._default(z.string(), ''), // '' for items of a release that named no fold
  basis: z.string(),
  /** `+` and the device's id if it is the account's own, else `-` and the id. */
  links: z.optional(z.array(z.string().check(z.regex(/^[+-]./su)))),
  packed: z.instanceof(Uint8Array),
  rev: RevisionNumber,
});

type Pair = readonly [day: number, number: number];
const Integers = z.array(z.int());
/** A flat list of pairs of numbers, as JSON. */
const Pairs = z.pipe(
  z.string(),
  z.transform((text): readonly Pair[] => {
    const numbers = Integers.parse(JSON.parse(text));
    return numbers.flatMap((number, index) => (index % 2 === 0 ? [] : [[numbers[index - 1] ?? 0, number] as const]));
  }),
);
const dated = ([day, number]: Pair) => [dateOfDayNumber(day), number] as const;
/** [days since 1970-01-01, number, …] */
export const PackedDates = z.pipe(
  Pairs,
  z.transform((pairs): readonly (readonly [UtcDate, number])[] => pairs.map(dated)),
);
const pairsOf = (numbers: Iterable<readonly [UtcDate, number]>): readonly Pair[] =>
  [...numbers].map(([date, number]) => [dayNumberOf(date), number]);
export const packDates = (numbers: Iterable<readonly [UtcDate, number]>): string =>
  JSON.stringify(pairsOf(numbers).flat());

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
  /** Of all lines together, by an older release. */
  byDate: z.optional(PackedDates),
  datesOf: z._default(z.record(z.string(), PackedDates), {}),
});

/**
 * Steps by the last date of each, then what each part adds. The index has no other attribute for the parts, and its
 * projection cannot be changed. An older release takes what follows `PARTS_FOLLOW` for steps of long ago, which it
 * never looks at: so days there are below 200, or negative.
 */
const PackedSteps = z.pipe(
  Pairs,
  z.transform((pairs): Pick<UserScore, 'steps' | 'parts'> => {
    const end = pairs.findIndex(([day]) => day === PARTS_FOLLOW);
    const steps = (end < 0 ? pairs : pairs.slice(0, end)).map(dated).map(([through, score]) => ({ through, score }));
    return end < 0 ? { steps } : { steps, parts: partsIn(pairs.slice(end + 1)) };
  }),
);
const PARTS_FOLLOW = 0;

const packSteps = ({ steps, parts }: Pick<UserScore, 'steps' | 'parts'>): string => {
  const packed = pairsOf(steps.map(({ through, score }) => [through, score] as const));
  if (parts === undefined) return JSON.stringify(packed.flat());
  return JSON.stringify([...packed, [PARTS_FOLLOW, 0], ...[...parts].flatMap(packPart)].flat());
};

/** [-day of the first, the part's number], then [days since the one before, points] for each. */
function packPart([part, additions]: readonly [Part, ByDate]): readonly Pair[] {
  const days = pairsOf(additions);
  const first = days[0]?.[0] ?? 0;
  return [
    [-first, numberOfPart(part)],
    ...days.map(([day, points], index): Pair => [day - (days[index - 1]?.[0] ?? first), points]),
  ];
}

function partsIn(pairs: readonly Pair[]): ReadonlyMap<Part, ByDate> {
  const parts = new Map<Part, Map<UtcDate, number>>();
  let additions = new Map<UtcDate, number>();
  let day = 0;
  for (const [distance, number] of pairs) {
    if (distance < 0) {
      day = -distance;
      additions = new Map();
      parts.set(PARTS.get(number) ?? `/${number}`, additions);
    } else {
      day += distance;
      additions.set(dateOfDayNumber(day), number);
    }
  }
  return parts;
}

/** A part as a number that no other release takes for another part: 32 bits of a hash (FNV-1a). */
const numberOfPart = (part: Part): number =>
  Array.from(part).reduce(
    (hash, letter) => Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01_00_01_93) >>> 0,
    0x81_1c_9d_c5,
  );
/** A part that no rules name any more counts on no board of some categories. */
const PARTS: ReadonlyMap<number, Part> = new Map(partsOf(rulebook.all).map((part) => [numberOfPart(part), part]));

/**
 * By which rules a score was computed, and by which fold: one text, since the index has no other attribute for it, and
 * an older release takes it for rules that are not its own. Without the second part it is such a release's.
 */
const COMPUTED_BY = /^(?<rulesVersion>.*?)(?:\/(?<foldedBy>[^/]*))?$/su;
export type ComputedBy = Pick<UserScore, 'rulesVersion' | 'foldedBy'>;
export const computedBy = ({ rulesVersion, foldedBy }: ComputedBy): string => `${rulesVersion}/${foldedBy}`;
function fromComputedBy(text: string): ComputedBy {
  const { rulesVersion = text, foldedBy = '' } = COMPUTED_BY.exec(text)?.groups ?? {};
  return { rulesVersion, foldedBy };
}

const TierReachedItem = z.object({
  tier: z.string(),
  reachedAt: z.iso.datetime(),
  hasBadge: z.boolean(),
  isTogether: z.optional(z.boolean()),
});

const ScoreItem = z.object({
  username: AccountId,
  date: z.iso.date(),
  /** Without those in which nothing counts. */
  contributions: z.record(z.string(), ContributionItem),
  canonicalScore: z.int(),
  activityScore: Count,
  tier: z.string(),
  // Neither is in a score that was saved before there was a ledger.
  tiersReached: z._default(z.array(TierReachedItem), []),
  granted: z.optional(GrantedItem),
  standingSince: z.iso.datetime(),
  steps: PackedSteps,
  isHidden: z._default(z.boolean(), false), // stored only if true
  isMerged: z.optional(z.boolean()), // the same
  nextChangeOn: z.nullable(z.iso.date()),
  rulesVersion: z.string(),
  refreshedAt: z.iso.datetime(),
  rev: RevisionNumber,
  /** Of a score that was saved before it was kept: that of no metrics. */
  metricsRev: z._default(Count, 0),
});

const TurnItem = z.object({ by: z.string(), until: Count });
/** `earlier`: dates before its own, where several were left behind at once. */
const DayItem = z.object({
  sk: z.string(),
  canonicalScore: z.int(),
  rulesVersion: z.optional(z.string()),
  earlier: z._default(PackedDates, []),
});

export const sortKeyOf = (item: Item): string | undefined => item.sk?.S;

export const toMetricsItem = (
  account: AccountId,
  { metrics: { inputsHash, foldedBy, links, ...metrics }, foldedAt, starts }: NextMetrics,
  rev: Revision,
): Item => {
  const folds = [metrics.sealed, ...metrics.open.values()];
  // In addition to the packed bytes, for people who read the table by hand.
  const totalEvents = folds.flatMap(({ events }) => [...events.values()]).reduce((sum, count) => sum + count, 0);
  const packed = packMetrics(metrics);
  const kept = links?.map(({ deviceId, owned }) => `${owned ? '+' : '-'}${deviceId}`);
  const folded = { foldedAt, starts: Object.fromEntries(starts), foldedBy, basis: inputsHash, links: kept, packed };
  return toItem('metrics', { pk: userPk(account), sk: METRICS_SK, username: account, ...folded, totalEvents, rev });
};

export function parseMetricsItem(item: Item): StoredMetrics {
  const { basis: inputsHash, packed, rev, ...stored } = MetricsItem.parse(fromItem('metrics', item));
  const { foldedAt, foldedBy, starts, links: kept } = stored;
  const links = kept?.map((text) => ({ deviceId: text.slice(1), owned: text.startsWith('+') }));
  const metrics = { foldedBy, inputsHash, ...(links && { links }), ...unpackMetrics(packed) };
  return { metrics, foldedAt, starts: new Map(Object.entries(starts)), revision: rev };
}

function toGrantedItem({ balance, listed, older, byDate }: Granted): z.input<typeof GrantedItem> {
  const { categoryTotals, sourceTotals, ...rest } = balance;
  return {
    ...rest,
    categoryTotals: Object.fromEntries(categoryTotals),
    sourceTotals: Object.fromEntries(sourceTotals),
    listed: Object.fromEntries(listed.map(({ key, granted }) => [key, granted])),
    reversed: listed.flatMap(({ key, isReversed }) => (isReversed ? [key] : [])),
    olderCount: older.count,
    olderPoints: Object.fromEntries(older.points),
    datesOf: Object.fromEntries([...byDate].map(([line, additions]) => [line, packDates(additions)])),
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
    byDate: new Map([
      ...Object.entries(item.datesOf).map(([line, additions]) => [line, new Map(additions)] as const),
      ...(item.byDate === undefined ? [] : [['', new Map(item.byDate)] as const]),
    ]),
  };
}

/**
 * Every score once, in `SCORE_SHARDS` partitions: one small entry for each user, while the table has one for each of
 * their days. Its keys never change, so a reader that pages through it finds each score once, even if scores are saved
 * meanwhile. A save that changes nothing in an entry pays nothing for it.
 */
export const SCORE_SHARDS = 8;
export const scoreShardOf = (shard: number): string => `SHARD#${shard}`;

/** An entry of the index. `memberScore` is missing if nothing is known of the user any more. */
export const ScoreEntry = z.object({
  username: AccountId,
  memberScore: z.optional(z.int()),
  tier: z.string(),
  standingSince: z.iso.datetime(),
  steps: PackedSteps,
  isHidden: z._default(z.boolean(), false),
  rulesVersion: z.pipe(
    z._default(z.string(), ''),
    z.transform((text) => fromComputedBy(text).rulesVersion),
  ),
});
export type ScoreEntry = z.infer<typeof ScoreEntry>;

/** `memberScore` is the score if anything is known of the user. The gauges of all members read it. */
export const toScoreItem = (
  { contributions, granted, steps, parts, isHidden, rulesVersion, foldedBy, ...score }: UserScore,
  metrics: { readonly metrics: UserMetrics; readonly revision: Revision },
  rev: Revision,
): Item => {
  const isMember = score.isMerged !== true && (isKnown(metrics.metrics) || granted.balance.seq > 0);
  const byKey = Object.fromEntries(
    contributions
      .filter(isTouched)
      .map(({ key, inputs, ...rest }) => [key, { ...rest, inputs: Object.fromEntries(inputs) }]),
  );
  return toItem('score', {
    pk: userPk(score.username),
    sk: SCORE_SK,
    ...score,
    contributions: byKey,
    granted: toGrantedItem(granted),
    scoreShard: scoreShardOf(shardOf(score.username, SCORE_SHARDS)),
    steps: packSteps({ steps, ...(parts === undefined ? {} : { parts }) }),
    rulesVersion: computedBy({ rulesVersion, foldedBy }),
    ...(isHidden ? { isHidden } : {}),
    ...(isMember ? { memberScore: score.canonicalScore } : {}),
    metricsRev: metrics.revision,
    rev,
  });
};

export function parseScoreItem(item: Item): StoredScore {
  const { rev, metricsRev, contributions, granted, rulesVersion, steps, ...score } = ScoreItem.parse(
    fromItem('score', item),
  );
  const touched = Object.entries(contributions)
    .map(([key, { inputs, ...rest }]) => ({ key, ...rest, inputs: new Map(Object.entries(inputs)) }))
    .sort(byListing); // a stored map has no order
  const by = fromComputedBy(rulesVersion);
  const rules = rulebook.of(by.rulesVersion);
  const listed = rules === undefined ? touched : withUntouched(score.date, touched, rules);
  return {
    score: { ...score, ...steps, ...by, contributions: listed, granted: parseGranted(granted) },
    revision: rev,
    metricsRevision: metricsRev,
  };
}

export const toTurnItem = (account: AccountId, { by, until }: Turn): Item =>
  toItem('turn', { pk: userPk(account), sk: REFRESH_SK, by, until });
export const parseTurnItem = (item: Item): Turn => TurnItem.parse(fromItem('turn', item));

/** The row knows the revision of the score it was taken from: an older score cannot replace a newer one. */
export function toDayItem(
  account: AccountId,
  left: readonly DayScore[],
  rulesVersion: string,
  scoreRev: Revision,
): Item {
  const last = left.at(-1);
  if (last === undefined) throw new Error('a row without a date');
  const earlier = left.slice(0, -1).map(({ date, canonicalScore }) => [date, canonicalScore] as const);
  return toItem('day', {
    pk: userPk(account),
    sk: daySk(last.date),
    canonicalScore: last.canonicalScore,
    rulesVersion,
    ...(earlier.length > 0 ? { earlier: packDates(earlier) } : {}),
    scoreRev,
  });
}

export function parseDayItem(item: Item): readonly DayRow[] {
  const { sk, canonicalScore, rulesVersion = null, earlier } = DayItem.parse(fromItem('day', item));
  const days = [...earlier, [sk.slice(DAY_PREFIX.length), canonicalScore] as const];
  return days.map(([date, score]) => ({ date, canonicalScore: score, rulesVersion }));
}

/** One user's items as one value. Day rows are not read. */
export function storedUserOf(items: readonly Item[]): StoredUser {
  const [metrics, profile, turn, score] = [METRICS_SK, PROFILE_SK, REFRESH_SK, SCORE_SK].map((sk) =>
    items.find((item) => sortKeyOf(item) === sk),
  );
  const { isHidden, ...merge } = profile === undefined ? { isHidden: false } : parseProfileItem(profile);
  return {
    isHidden,
    ...merge,
    metrics: metrics === undefined ? null : parseMetricsItem(metrics),
    score: score === undefined ? null : parseScoreItem(score),
    ...(turn === undefined ? {} : { turn: parseTurnItem(turn) }),
  };
}
