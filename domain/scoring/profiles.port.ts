import type { Username } from '../identity/username.ts';

/** What users chose for themselves. It is theirs: no recomputation changes it. */
export type Profiles = {
  /** Whether the leaderboards leave the user out; of two choices the later one stands. */
  setHidden(username: Username, isHidden: boolean): Promise<void>;
  /** Those of the users who are hidden now. */
  hiddenAmong(usernames: readonly string[]): Promise<ReadonlySet<string>>;
};
