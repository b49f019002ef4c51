import type { AccountId } from '../identity/account.ts';
import type { ByDate } from '../shared/by-date.ts';
import type { UtcDate } from '../shared/utc.ts';

/** The registry's counts for a user by date, up to one above the caps. */
export type RegistryCounts = {
  /** Versions credited: each from the date of its publishing until the date of its yank. */
  readonly publishes: ByDate;
  /** Pulls of credited versions by others. */
  readonly pulls: ByDate;
};

/** A version that is credited to a user. One that was restored has never been yanked. */
export type CreditedVersion = { readonly publishedOn: UtcDate; readonly yankedOn: UtcDate | null };

export type CountedPull = { readonly puller: string; readonly on: UtcDate };

/** The registry's facts that a user's score counts. Strongly consistent, page by page in no order of time. */
export type UserRegistry = {
  /** With those of the accounts merged into it, each once. */
  versionsOf(account: AccountId, merged?: readonly AccountId[]): AsyncIterable<readonly CreditedVersion[]>;
  /** Pulls of the user's extensions, their own included; with those of the accounts merged into it, each once. */
  pullsOf(author: AccountId, merged?: readonly AccountId[]): AsyncIterable<readonly CountedPull[]>;
};
