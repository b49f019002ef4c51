import type { Username } from '../identity/username.ts';

/** What of the registry counts for a user, as far as it was counted. */
export type RegistryCounts = {
  /** Versions credited and not yanked. */
  readonly publishes: number;
  /** Pulls of credited versions by others. */
  readonly pulls: number;
};

/** The registry's facts that a user's score counts. Strongly consistent; a count stops at `most`. */
export type UserRegistry = {
  countPublishes(username: Username, most: number): Promise<number>;
  /** Pulls of the user's extensions, without those that `isOwn` says are the user's own. */
  countPulls(author: Username, isOwn: (puller: string) => boolean, most: number): Promise<number>;
};
