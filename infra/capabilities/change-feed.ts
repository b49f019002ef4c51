import type { Construct } from 'constructs';
import { AnnounceChangesEnv } from '../../functions/announce-changes/env.ts';
import { environmentOf } from '../environment.ts';
import { sendTo } from '../policies.ts';
import { StreamWorker } from '../stream-worker.ts';
import type { Foundation } from './foundation.ts';
import type { Identity } from './identity.ts';
import type { Leaderboards } from './leaderboards.ts';
import type { Metrics } from './metrics.ts';
import type { Scoring } from './scoring.ts';
import { PROFILE_SK, REFRESH_DELAY_SECONDS, SCORE_SK } from '../../functions/runtime/names.ts';

/** Maps each change of a fact or a score to the recomputations that it needs, and requests them. */
export function changeFeed(
  scope: Construct,
  { stage, tables, variables, may }: Foundation,
  { scoreRefresh, rollUp, rank, erase }: Scoring & Metrics & Pick<Leaderboards, 'rank'> & Pick<Identity, 'erase'>,
): void {
  const { worker } = new StreamWorker(scope, 'AnnounceChanges', {
    stage,
    role: 'announce-changes',
    sources: {
      Telemetry: { table: tables.telemetry },
      Grants: { table: tables.scoreGrants },
      Registry: { table: tables.registry },
      Scores: { table: tables.userScores, sortKeys: [SCORE_SK, PROFILE_SK] }, // a refresh also writes METRICS and day rows
    },
    environment: environmentOf(AnnounceChangesEnv, {
      ...variables,
      SCORE_REFRESH_QUEUE_URL: scoreRefresh.queueUrl,
      ROLL_UP_QUEUE_URL: rollUp.queueUrl,
      RANK_QUEUE_URL: rank.queueUrl,
      REFRESH_DELAY_SECONDS: String(REFRESH_DELAY_SECONDS),
      ERASE_QUEUE_URL: erase.queueUrl,
    }),
  });
  worker.allow(may.readOwners, may.noteLateStreams, sendTo(scoreRefresh), sendTo(rollUp), sendTo(rank), sendTo(erase));
}
