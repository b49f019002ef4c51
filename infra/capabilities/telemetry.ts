import type { Construct } from 'constructs';
import { ImportHistoryEnv } from '../../functions/import-history/env.ts';
import { IngestTelemetryEnv } from '../../functions/ingest-telemetry/env.ts';
import { ManageDevicesEnv } from '../../functions/manage-devices/env.ts';
import { environmentOf } from '../environment.ts';
import { API_TIMEOUT, LaurelFunction } from '../laurel-function.ts';
import { sendTo } from '../policies.ts';
import type { Foundation } from './foundation.ts';
import type { Scoring } from './scoring.ts';

/** Stores events, binds and unbinds devices, and imports the past. */
export function telemetry(
  scope: Construct,
  { stage, variables, may, behindApi }: Foundation,
  { scoreRefresh }: Scoring,
) {
  const ingestTelemetry = new LaurelFunction(scope, 'IngestTelemetry', {
    stage,
    role: 'ingest-telemetry',
    environment: environmentOf(IngestTelemetryEnv, { ...variables, SCORE_REFRESH_QUEUE_URL: scoreRefresh.queueUrl }),
    timeout: API_TIMEOUT,
    memoryMegabytes: 1_024, // its most expensive request takes less than half its time: test/functions/costliest-requests.test.ts
  });
  ingestTelemetry.allow(
    may.makeAccounts,
    may.appendManyGrants,
    may.recordPulls,
    may.storeTelemetry,
    may.authenticate,
    sendTo(scoreRefresh), // `extension_published` asks for a refresh
  );

  ingestTelemetry.countFromLog('Accepted');

  // A separate function, because no other one may unbind a device.
  const manageDevices = behindApi('ManageDevices', 'manage-devices', ManageDevicesEnv);
  manageDevices.allow(may.makeAccounts, may.unbindDevices, may.authenticate);

  // A separate function, because no other one may record versions as well as events.
  const importHistory = behindApi('ImportHistory', 'import-history', ImportHistoryEnv, {
    memoryMegabytes: 1_769, // one processor: test/functions/costliest-requests.test.ts
  });
  importHistory.allow(may.makeAccounts, may.appendManyGrants, may.importVersions, may.storeTelemetry, may.authenticate);

  importHistory.countFromLog('Accepted');

  return { ingestTelemetry, importHistory, manageDevices };
}
