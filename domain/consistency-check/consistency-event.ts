import * as z from 'zod/mini';
import type { AccountId } from '../identity/account.ts';
import { Username } from '../identity/username.ts';
import { check, sentenceOf, withoutNulls } from '../shared/faults.ts';
import { err, ok, type Result } from '../shared/result.ts';

const MAX_USERNAMES = 1_000;
/** An invocation must last longer than it waits. */
export const LONGEST_STANDING_SECONDS = 480;

/** `{"sample"?, "from"?, "usernames"?, "standingSeconds"?}` */
const ConsistencyEvent = z.strictObject({
  sample: z.optional(z.enum(['hour', 'all'], 'expected hour or all')),
  from: z.optional(z.string('expected the next of an earlier answer')),
  usernames: z.optional(
    z
      .array(Username, 'expected a list of usernames')
      .check(
        z.minLength(1, 'expected at least one username'),
        z.maxLength(MAX_USERNAMES, `expected at most ${MAX_USERNAMES} usernames`),
      ),
  ),
  standingSeconds: z.optional(
    z
      .int('expected a whole number of seconds')
      .check(
        z.minimum(0, 'expected no less than 0'),
        z.maximum(LONGEST_STANDING_SECONDS, `expected at most ${LONGEST_STANDING_SECONDS}`),
      ),
  ),
});

/**
 * The users to check, and how long a difference must last to count; null for as long as refreshes may take. An event
 * has their names.
 */
export type ConsistencyRequest<User = AccountId> = {
  readonly of:
    | { readonly sample: 'hour' }
    | { readonly sample: 'all'; readonly from: string | null }
    | { readonly sample: 'named'; readonly usernames: readonly User[] };
  readonly standingMs: number | null;
};

/** Reads an event from any sender: `{}` is this hour's sample. The failure is a sentence that names the field. */
export function readConsistencyEvent(event: unknown): Result<ConsistencyRequest<Username>, string> {
  const checked = check(ConsistencyEvent, withoutNulls(event), 'event');
  if (!checked.ok) return err(sentenceOf(checked.error));
  const { sample, from, usernames, standingSeconds } = checked.value;
  const standingMs = standingSeconds === undefined ? null : standingSeconds * 1_000;
  if (usernames !== undefined) {
    if (sample !== undefined || from !== undefined) return err('usernames: cannot go with sample or from');
    return ok({ of: { sample: 'named', usernames: [...new Set(usernames)].sort() }, standingMs });
  }
  if (sample === 'all') return ok({ of: { sample, from: from ?? null }, standingMs });
  if (from !== undefined) return err('from: goes with sample all');
  return ok({ of: { sample: 'hour' }, standingMs });
}
