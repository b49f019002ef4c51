import { emptyFold, type Fold } from '../../domain/scoring/fold.ts';
import { SEALED_AT_AGE, type UserMetrics } from '../../domain/scoring/user-metrics.ts';
import { nothingByDate } from '../../domain/shared/by-date.ts';
import { addDays } from '../../domain/shared/utc.ts';
import { aRegistryCount } from './registry.ts';
import { aReportOf } from './reports.ts';

/** Metrics of a date; empty by default. `telemetry` holds sealed days. */
export const someMetricsOf = (
  date: string,
  { telemetry = emptyFold, ...rest }: Partial<UserMetrics> & { readonly telemetry?: Fold } = {},
): UserMetrics => ({
  foldedBy: 'fold',
  inputsHash: 'inputs',
  sealedThrough: addDays(date, -SEALED_AT_AGE),
  sealed: telemetry,
  open: new Map(),
  activity: { rulesVersion: '1', points: nothingByDate },
  ownedDevices: 0,
  sentFrom: [],
  reports: aReportOf(),
  registry: aRegistryCount(),
  ...rest,
});
