import type { Reports } from '../../domain/telemetry/user-reports.port.ts';

/** What servers reported of a user: nothing, unless said. */
export const aReportOf = (issues = 0, signIns = 0, hour = '2026-08-21T12'): Reports => ({
  issues: { count: issues, lastHour: issues > 0 ? hour : null },
  signIns: { count: signIns, lastHour: signIns > 0 ? hour : null },
});
