import type { Engine } from './engine.ts';

export type Handler = (event: unknown, context?: object) => Promise<unknown>;

/** Imports the deployed handlers. Install the stubs first. */
export async function loadFunctions(engine: Engine) {
  const environment = {
    ACCOUNTS_TABLE: engine.table('accounts'),
    TELEMETRY_TABLE: engine.table('telemetry'),
    SCORES_TABLE: engine.table('user_scores'),
    GRANTS_TABLE: engine.table('score_grants'),
    REGISTRY_TABLE: engine.table('registry'),
    CREDENTIALS_TABLE: engine.table('credentials'),
    ROLLUPS_TABLE: engine.table('metric_rollup_hour'),
    RUNS_TABLE: engine.table('backfill_runs'),
    SCORE_REFRESH_QUEUE_URL: 'http://queues/000000000000/score-refresh',
    ROLL_UP_QUEUE_URL: 'http://queues/000000000000/roll-up',
    LEADERBOARDS_TABLE: engine.table('leaderboards'),
    RANK_QUEUE_URL: 'http://queues/000000000000/rank',
    BACKFILL_QUEUE_URL: 'http://queues/000000000000/backfill',
  };
  Object.assign(process.env, environment); // the environment that Lambda gives to each function
  const announceChanges = await import('../../functions/announce-changes/handler.ts');
  const backfill = await import('../../functions/backfill/handler.ts');
  const checkConsistency = await import('../../functions/check-conservation/handler.ts');
  const confirmPublish = await import('../../functions/confirm-publish/handler.ts');
  const ingestTelemetry = await import('../../functions/ingest-telemetry/handler.ts');
  const manageDevices = await import('../../functions/manage-devices/handler.ts');
  const rankLeaderboards = await import('../../functions/rank-leaderboards/handler.ts');
  const readApi = await import('../../functions/read-api/handler.ts');
  const recordAward = await import('../../functions/record-award/handler.ts');
  const refreshScore = await import('../../functions/refresh-score/handler.ts');
  const rollUpMetrics = await import('../../functions/roll-up-metrics/handler.ts');
  const setVisibility = await import('../../functions/set-visibility/handler.ts');
  return {
    'announce-changes': announceChanges.handler,
    backfill: backfill.handler,
    'check-conservation': checkConsistency.handler,
    'confirm-publish': confirmPublish.handler,
    'ingest-telemetry': ingestTelemetry.handler,
    'manage-devices': manageDevices.handler,
    'rank-leaderboards': rankLeaderboards.handler,
    'read-api': readApi.handler,
    'record-award': recordAward.handler,
    'refresh-score': refreshScore.handler,
    'roll-up-metrics': rollUpMetrics.handler,
    'set-visibility': setVisibility.handler,
  } satisfies Record<string, Handler>;
}

export type Functions = Awaited<ReturnType<typeof loadFunctions>>;
export type Role = keyof Functions;
