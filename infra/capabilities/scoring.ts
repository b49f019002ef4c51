import type { Construct } from 'constructs';
import { RefreshScoreEnv } from '../../functions/refresh-score/env.ts';
import { alarmOnDateAhead } from '../alarms.ts';
import { environmentOf } from '../environment.ts';
import { sendTo } from '../policies.ts';
import { QueueWorker } from '../queue-worker.ts';
import type { Foundation } from './foundation.ts';

/** Folds the facts of each account in a message, and saves its score. */
export function scoring(scope: Construct, { stage, variables, may }: Foundation) {
  const { queue: scoreRefresh, worker } = new QueueWorker(scope, 'RefreshScore', {
    stage,
    role: 'refresh-score',
    queueRole: 'score-refresh',
    environment: (queue) => environmentOf(RefreshScoreEnv, { ...variables, SCORE_REFRESH_QUEUE_URL: queue.queueUrl }),
    // delays a message that another refresh of the same user will cover; the message limits the number of delays
    feedsItself: true,
    maxConcurrency: stage.limits.refreshes,
  });
  alarmOnDateAhead(worker);
  worker.countFromLog('RefreshLag');
  worker.allow(
    may.foldTelemetry,
    may.readRegistry,
    may.saveScores,
    may.checkProfiles,
    sendTo(scoreRefresh),
    may.appendGrants, // badges of tiers
    may.readLines,
  );
  return { scoreRefresh };
}
export type Scoring = ReturnType<typeof scoring>;
