import * as z from 'zod/mini';
import { BOARDS } from './board.ts';

/** The leaderboards' answers, each with its schema: the documentation and the handlers use the same. */

const Count = z.int().check(z.nonnegative());
const Rank = z.int().check(z.positive());
/** When the build began to read; null before the first, while the board is empty. */
const AsOf = z.nullable(z.iso.datetime());

export const RankedRowView = z.object({
  rank: Rank,
  username: z.string(),
  /** The canonicalScore on `alltime`; on other boards what its window, categories and sources bring of it. */
  points: z.int().check(z.positive()),
  canonicalScore: z.int(),
  tier: z.string(),
  /**
   * With `compare`: places gained since the earlier snapshot, negative for lost; null for a user who had none of its first
   * 1,000.
   */
  change: z.optional(z.nullable(z.int())),
  /** Only while the board has rows of more than one. */
  rulesVersion: z.optional(z.string()),
});
export type RankedRowView = z.infer<typeof RankedRowView>;

/** How many rows are by which version of the rules; only while a change of the rules has not reached all of them. */
const RulesVersions = z.optional(z.record(z.string(), Count));

export const BoardView = z.object({
  board: z.enum(BOARDS),
  asOf: AsOf,
  rows: z.array(RankedRowView),
  /** How many users the board lists. */
  total: Count,
  rulesVersions: RulesVersions,
  /** How many users of the whole board have which tier; missing in snapshots that were built without. */
  tiers: z.optional(z.record(z.string(), Count)),
  /** The cursor of the next page, within the same snapshot. */
  next: z.optional(z.string()),
});
export type BoardView = z.infer<typeof BoardView>;

export const BoardPlaceView = z.object({
  board: z.enum(BOARDS),
  asOf: z.iso.datetime(),
  rank: Rank,
  points: z.int().check(z.positive()),
  canonicalScore: z.int(),
  tier: z.string(),
  total: Count,
  rulesVersions: RulesVersions,
  /** Up to three rows, in the order of ranks: the nearest is the last. */
  above: z.array(RankedRowView),
  /** Up to three rows, the nearest is the first. */
  below: z.array(RankedRowView),
});
export type BoardPlaceView = z.infer<typeof BoardPlaceView>;
