import { scoreAtEndOf } from '../scoring/score-steps.ts';
import { ACTIVITY_PART, countsPart } from '../rules/parts.ts';
import { atEndOf, totalOf } from '../shared/by-date.ts';
import type { UtcDate } from '../shared/utc.ts';
import type { BoardRules } from '../rules/community.ts';
import { lastDateBefore } from './board.ts';
import type { BoardRow, LeafStart, Place } from './snapshot.ts';
import type { Standing } from './standings.port.ts';

/** A row with its place. */
export type PlacedRow = BoardRow & Place;

/** The row without its place. */
export const toBoardRow = ({ username, points, canonicalScore, tier, rulesVersion }: PlacedRow): BoardRow => ({
  username,
  points,
  canonicalScore,
  tier,
  rulesVersion,
});

/** What a board counts, and over which time. */
type Counted = Pick<BoardRules, 'window' | 'categories' | 'sources'>;

/** A user's row on a board whose window ends on `date`; null without a positive number to list. */
export function rowOn(board: Counted, date: UtcDate, standing: Standing): PlacedRow | null {
  const { username, canonicalScore, tier, since, rulesVersion } = standing;
  const before = lastDateBefore(board, date);
  const on = countOf(board, standing);
  const points = before === null ? on(null) : on(date) - on(before);
  return points > 0 ? { username, points, canonicalScore, tier, since, rulesVersion } : null;
}

/** What a board counts by the end of a date; for null, all of it. */
function countOf(board: Counted, { canonicalScore, steps, parts }: Standing): (date: UtcDate | null) => number {
  const score = (date: UtcDate | null) =>
    date === null ? canonicalScore : scoreAtEndOf(date, { steps, canonicalScore });
  if (board.categories === undefined && board.sources === undefined) return score;
  if (parts === undefined) return () => 0; // the refresh that tells them apart is under way
  const isOfActivity = countsPart(board, ACTIVITY_PART);
  // The activity is what the other parts leave of the score.
  const wanted = [...parts].filter(([part]) => countsPart(board, part) !== isOfActivity);
  const sum = (date: UtcDate | null) =>
    wanted
      .map(([, additions]) => (date === null ? totalOf(additions) : atEndOf(date, additions)))
      .reduce((total, points) => total + points, 0);
  return isOfActivity ? (date) => score(date) - sum(date) : sum;
}

const compareTexts = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/**
 * The order of every board: points, then whose score is older, then the id of the account. No two rows are equal in it.
 */
export const comparePlaces = (a: Place, b: Place): number =>
  b.points - a.points || a.since - b.since || compareTexts(a.username, b.username);

/**
 * Whether a place comes before every row that a leaf with this start may hold. Omitted parts of the start sort first.
 */
export function isBefore(place: Place, start: LeafStart): boolean {
  if (place.points !== start.points) return place.points > start.points;
  if (start.since === undefined || place.since !== start.since) return place.since < (start.since ?? -Infinity);
  return start.username !== undefined && place.username < start.username;
}

/** More than a lifetime in milliseconds, as a power of two. */
const LARGEST_UNIT = 2 ** 41;

/**
 * The roundest whole number above `low` and up to `high`: most of its bits are 0, which takes next to nothing to store.
 */
function roundestBetween(low: number, high: number): number {
  let unit = LARGEST_UNIT;
  while (unit > 1 && Math.floor(high / unit) * unit <= low) unit /= 2;
  return Math.floor(high / unit) * unit;
}

/** The shortest start that tells a leaf's first row from the last row of the leaf before. */
export function startBetween(last: Place, first: Place): LeafStart {
  const { points, since, username } = first;
  if (last.points !== points) return { points };
  return last.since === since ? { points, since, username } : { points, since: roundestBetween(last.since, since) };
}
