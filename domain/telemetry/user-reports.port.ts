import type { Username } from '../identity/username.ts';
import type { UtcHour } from '../shared/utc.ts';

/** How many facts of one kind servers reported of a user, and the hour of the newest. */
export type ReportCount = { readonly count: number; readonly lastHour: UtcHour | null };

/** Issues created, and dates signed in on. */
export type Reports = { readonly issues: ReportCount; readonly signIns: ReportCount };

/** The facts that servers report of a user. Strongly consistent. */
export type UserReports = { reportsOf(username: Username): Promise<Reports> };
