import * as z from 'zod/mini';
import { AccountId } from '../identity/account.ts';

/** The announcement that a user's facts changed: "recompute this", never what to. Safe to deliver again at any time. */
export const ScoreRefreshRequested = z.object({
  username: AccountId,
  /** UTC dates whose telemetry changed. Without it, everything is folded from nothing. */
  days: z.optional(z.array(z.iso.date())),
  /** Whether reported facts of the user changed. Without `days`, they are counted again in any case. */
  reports: z.optional(z.boolean()),
  /** Whether to list the grants again although the ledger has not moved, as a backfill asks. */
  grants: z.optional(z.boolean()),
  /** Whether versions or pulls that count for the user changed. Without `days`, they are counted again in any case. */
  registry: z.optional(z.boolean()),
  /** False if the ledger did not move: the totals that are stored with the score are then carried on. */
  ledger: z.optional(z.boolean()),
  /** When the change was committed (ISO 8601); the refresh lag is measured from it. */
  changedAt: z.optional(z.iso.datetime()),
  /**
   * Every change that this announces was committed before (ISO 8601). A fold that began later has seen them all, so the
   * message is then done. Without it, the user is refreshed in any case.
   */
  changedBefore: z.optional(z.iso.datetime()),
  /** How often it was put off because another refresh of the user was under way. */
  putOffs: z.optional(z.int().check(z.nonnegative())),
});
export type ScoreRefreshRequested = z.infer<typeof ScoreRefreshRequested>;
