import * as z from 'zod/mini';

const Count = z.int().check(z.nonnegative());
/** Null means that there is no value. */
const Figure = z.nullable(z.union([z.number(), z.string()]));

const ConsistencyDifference = z.object({
  username: z.string(),
  /** Which figure, in words: `events of 2026-08-21, cli_invocation`. */
  what: z.string(),
  /** As the facts or the lines have it. */
  expected: Figure,
  /** As the projection or the balance has it. */
  found: Figure,
});
export type ConsistencyDifference = z.infer<typeof ConsistencyDifference>;

export const ConsistencyReport = z.object({
  sample: z.enum(['hour', 'all', 'named']),
  /** Users that were compared. */
  checked: Count,
  /** Users with a difference that has lasted long enough. */
  different: Count,
  /** Their differences: the first hundred, at most five of one user. */
  differences: z.array(ConsistencyDifference),
  /** Users who were still changing when the time was up: neither right nor wrong. */
  unsettled: Count,
  /** Users who differ, found now or before; null if this run was told how long a difference must last. */
  remembered: z.nullable(Count),
  /** Users whose score is of other rules, until the hourly backfill has come to them: only their ledger is compared. */
  ofOtherRules: Count,
  /** Whether everybody of the sample was looked at before the time was up. */
  complete: z.boolean(),
  /** Where to go on with all, as `from`; null if nobody is left. */
  next: z.nullable(z.string()),
  /** Whether nothing differs. */
  ok: z.boolean(),
});
export type ConsistencyReport = z.infer<typeof ConsistencyReport>;
