import { byDate } from '../../domain/shared/by-date.ts';
import { dateOfHour } from '../../domain/shared/utc.ts';
import type { ReportedFacts } from '../../domain/telemetry/user-reports.port.ts';

/** What servers reported of a user, all in one hour: nothing, unless said. */
export const aReportOf = (issues = 0, signIns = 0, hour = '2026-08-21T12'): ReportedFacts => ({
  issues: { byDate: byDate([[dateOfHour(hour), issues]]), lastHour: issues > 0 ? hour : null },
  signIns: { byDate: byDate([[dateOfHour(hour), signIns]]), lastHour: signIns > 0 ? hour : null },
});
