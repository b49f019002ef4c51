import type { AccountId } from '../identity/account.ts';

/** What users chose for themselves. It is theirs: no recomputation changes it. */
export type Profiles = {
  /** Whether the leaderboards leave the user out; the later of two choices wins. Readers are told at once. */
  setHidden(account: AccountId, isHidden: boolean): Promise<void>;
  /** The users among them who are hidden now. */
  hiddenAmong(usernames: readonly string[]): Promise<ReadonlySet<string>>;
};
