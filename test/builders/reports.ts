import { byDate } from '../../domain/shared/by-date.ts';
import { dateOfHour } from '../../domain/shared/utc.ts';
import type { ReportedFacts } from '../../domain/telemetry/user-reports.port.ts';

/** The reports of servers about a user, all in one hour; empty by default. */
export const aReportOf = (issues = 0, signIns = 0, hour = '2026-08-21T12'): ReportedFacts => ({
  issues: { byDate: byDate([[dateOfHour(hour), issues]]), lastHour: issues > 0 ? hour : null },
  signIns: { byDate: byDate([[dateOfHour(hour), signIns]]), lastHour: signIns > 0 ? hour : null },
});
