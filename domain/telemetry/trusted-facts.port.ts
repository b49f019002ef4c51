import type { AccountId } from '../identity/account.ts';

export type RecordOutcome = 'recorded' | 'already-there';

/** Facts that others report of a user, each with an identity of its own: a repeat changes nothing. */
export type TrustedFacts = {
  /**
   * A fact is the user's own: two users may have created issues of the same id. `id` is the date if one fact counts for
   * each date; `at` is epoch milliseconds.
   */
  record(account: AccountId, event: string, id: string, at: number): Promise<RecordOutcome>;
  /** Whether a fact of the user is there. Strongly consistent. */
  isThere(account: AccountId, event: string, id: string): Promise<boolean>;
};
