import { byDate } from '../../domain/shared/by-date.ts';
import { dateOfHour } from '../../domain/shared/utc.ts';
import type { ReportedFacts } from '../../domain/telemetry/user-telemetry.port.ts';

/** What servers reported of a user, all in one hour: nothing, unless said. */
export const aReportOf = (issues = 0, signIns = 0, hour = '2026-08-21T12'): ReportedFacts =>
  new Map(
    Object.entries({ issue_created: issues, daily_sign_in: signIns })
      .filter(([, count]) => count > 0)
      .map(([event, count]) => [event, { byDate: byDate([[dateOfHour(hour), count]]), lastHour: hour }]),
  );
