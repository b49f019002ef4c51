import type { Username } from '../identity/username.ts';
import type { ByDate } from '../shared/by-date.ts';
import type { UtcHour } from '../shared/utc.ts';

/** How many facts of one kind servers reported of a user, by their own dates, and the hour of the newest. */
export type ReportedCount = { readonly byDate: ByDate; readonly lastHour: UtcHour | null };

/** Issues created, and dates signed in on. */
export type ReportedFacts = { readonly issues: ReportedCount; readonly signIns: ReportedCount };

/** The facts that servers report of a user. Strongly consistent. */
export type UserReports = { reportsOf(username: Username): Promise<ReportedFacts> };
