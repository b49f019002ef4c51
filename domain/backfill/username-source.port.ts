import type { AccountId } from '../identity/account.ts';
import type { UtcDate } from '../shared/utc.ts';

export type UsernamePage = {
  /** May name one more than once. */
  readonly usernames: readonly AccountId[];
  /** Where the next page starts; null after the last one. */
  readonly next: string | null;
};

/** A place that names usernames, read in segments and pages. One entry in one list: a further one is a line there. */
export type UsernameSource = {
  /** Part of its tasks' names: never changed while a run goes on. */
  readonly name: string;
  readonly segments: number;
  page(segment: number, position: string | null, date: UtcDate): Promise<UsernamePage>;
};

/** Where each kind of run finds its usernames. */
export type UsernameSources = {
  /** All accounts, also those of which nothing is known yet: a run counts them as unknown. */
  readonly all: readonly UsernameSource[];
  /** The users whose stored score follows other rules, or changes on the date or before it. */
  readonly stale: readonly UsernameSource[];
};
