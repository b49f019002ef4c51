import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { RankLeaderboardsEnv } from '../../functions/rank-leaderboards/env.ts';
import { SetVisibilityEnv } from '../../functions/set-visibility/env.ts';
import { alarmOnDateAhead } from '../alarms.ts';
import { environmentOf } from '../environment.ts';
import { sendTo } from '../policies.ts';
import { QueueSchedules } from '../queue-schedules.ts';
import { QueueWorker } from '../queue-worker.ts';
import type { Foundation } from './foundation.ts';

/** A million scores are read, sorted and written in a few minutes. */
const RANK_TIMEOUT = Duration.minutes(15);
/** The windows of the boards move with the date, even if no score changes. */
const RANKS = [{ name: 'rank-at-midnight', cron: '0 0 * * ? *', message: {} }] as const;
/** A new board is built right after the deployment, and other rules are noted. */
const ON_DEPLOYMENT = {};

/** Builds the boards when a message asks for it and at midnight. Accounts choose whether boards show them. */
export function leaderboards(scope: Construct, { stage, variables, may, behindApi }: Foundation) {
  const { queue: rank, worker } = new QueueWorker(scope, 'RankLeaderboards', {
    stage,
    role: 'rank-leaderboards',
    queueRole: 'rank',
    environment: (queue) => environmentOf(RankLeaderboardsEnv, { ...variables, RANK_QUEUE_URL: queue.queueUrl }),
    timeout: RANK_TIMEOUT,
    memoryMegabytes: 1_769, // a whole processor, because sorting takes most of the time
    maxConcurrency: 2,
  });
  alarmOnDateAhead(worker);
  worker.allow(
    may.listNames,
    may.readNames,
    may.listScores,
    may.buildBoards,
    sendTo(rank), // it sends requests that are not due yet to its own queue
  );
  new QueueSchedules(scope, 'RankSchedules', { stage, queue: rank, schedules: RANKS, onDeployment: ON_DEPLOYMENT });

  const setVisibility = behindApi('SetVisibility', 'set-visibility', SetVisibilityEnv);
  setVisibility.allow(may.readNames, may.saveProfiles, may.authenticate);

  return { rank, setVisibility };
}
export type Leaderboards = ReturnType<typeof leaderboards>;
