import type { AccountId } from '../identity/account.ts';
import type { ByDate } from '../shared/by-date.ts';
import type { UtcHour } from '../shared/utc.ts';

/** How many facts of one kind servers reported of a user, by their own dates, and the hour of the newest. */
export type ReportedCount = { readonly byDate: ByDate; readonly lastHour: UtcHour | null };

/** By the events that reported them; a kind of which there is nothing is not there. */
export type ReportedFacts = ReadonlyMap<string, ReportedCount>;

/** The reported facts of a user and of the accounts merged into it, each identity once; also of kinds that no rules name any more. Strongly consistent. */
export type UserReports = { reportsOf(account: AccountId, merged?: readonly AccountId[]): Promise<ReportedFacts> };
