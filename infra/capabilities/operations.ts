import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { BackfillEnv } from '../../functions/backfill/env.ts';
import { CheckConservationEnv } from '../../functions/check-conservation/env.ts';
import { ShadowReportEnv } from '../../functions/shadow-report/env.ts';
import { ConsistencyCheck } from '../consistency-check.ts';
import { environmentOf } from '../environment.ts';
import { LaurelFunction } from '../laurel-function.ts';
import { measure, sendTo } from '../policies.ts';
import { QueueSchedules } from '../queue-schedules.ts';
import { QueueWorker } from '../queue-worker.ts';
import type { Foundation } from './foundation.ts';
import type { Scoring } from './scoring.ts';

/** The function stops well before this, and continues in another invocation. */
const BACKFILL_TIMEOUT = Duration.minutes(5);
/** The function reads every account and every line, and an operator waits for it. */
const REPORT_TIMEOUT = Duration.minutes(15);

const BACKFILLS = [
  { name: 'stale-hourly', cron: '35 * * * ? *', message: { mode: 'stale' } },
  // Streaks and windows move with the date. Outdated scores are refreshed right after midnight.
  { name: 'stale-after-midnight', cron: '5 0 * * ? *', message: { mode: 'stale' } },
  { name: 'all-weekly', cron: '20 3 ? * SUN *', message: { mode: 'all' } },
] as const;

/** Scores that another release folded or scored differently are refreshed right after the deployment. */
const ON_DEPLOYMENT = { mode: 'stale' };

/** Computes projections again, and checks them against their facts. */
export function operations(scope: Construct, { stage, variables, may }: Foundation, { scoreRefresh }: Scoring): void {
  const available = { ...variables, SCORE_REFRESH_QUEUE_URL: scoreRefresh.queueUrl };

  const backfill = new QueueWorker(scope, 'Backfill', {
    stage,
    role: 'backfill',
    queueRole: 'backfill',
    environment: (queue) => environmentOf(BackfillEnv, { ...available, BACKFILL_QUEUE_URL: queue.queueUrl }),
    timeout: BACKFILL_TIMEOUT,
    memoryMegabytes: 1_024, // asks for some thousand refreshes a second after midnight: `npm run bench -- --only midnight`
    isOneByOne: true,
    feedsItself: true,
    maxConcurrency: 2,
  });
  backfill.worker.allow(
    may.readNames,
    may.listAccounts,
    may.listNames,
    may.readRegistry,
    may.refoldTelemetry,
    may.readBalances,
    may.readLines,
    may.saveScores,
    may.listAndFindScores,
    may.keepRuns,
    sendTo(scoreRefresh),
    sendTo(backfill.queue),
    may.rollUp,
  );
  new QueueSchedules(scope, 'BackfillSchedules', {
    stage,
    queue: backfill.queue,
    schedules: BACKFILLS,
    onDeployment: ON_DEPLOYMENT,
  });

  const shadowReport = new LaurelFunction(scope, 'ShadowReport', {
    stage,
    role: 'shadow-report',
    environment: environmentOf(ShadowReportEnv, variables),
    timeout: REPORT_TIMEOUT,
    memoryMegabytes: 1_769, // one processor
  });
  shadowReport.allow(may.readNames, may.readVersions, may.explainScores, may.findScores, may.scanGrants, may.readLines);

  const { worker: consistencyCheck } = new ConsistencyCheck(scope, 'Conservation', {
    stage,
    polledQueue: scoreRefresh,
    environment: environmentOf(CheckConservationEnv, { ...available, BACKFILL_QUEUE_URL: backfill.queue.queueUrl }),
  });
  consistencyCheck.allow(
    may.readNames,
    may.sampleTelemetry,
    may.readRegistry,
    may.sampleScores,
    may.findScores,
    may.sampleGrants,
    may.readLines,
    may.keepDifferences,
    measure(scoreRefresh),
    measure(backfill.queue),
  );
}
