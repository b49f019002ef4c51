import { AttributeType, ProjectionType, StreamViewType } from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import { LaurelTable } from './laurel-table.ts';
import type { Stage } from './stage.ts';
import { BY_HOUR_INDEX, BY_SHARD_INDEX, BY_USER_INDEX } from '../functions/runtime/names.ts';

/** Facts by their hour, for roll-ups. Keys only, so that later changes of a fact cost no index write. */
const BY_HOUR = {
  indexName: BY_HOUR_INDEX,
  partitionKey: { name: 'dayShard', type: AttributeType.STRING },
  sortKey: { name: 'hour', type: AttributeType.STRING },
  projectionType: ProjectionType.KEYS_ONLY,
} as const;

/** All tables, with their indexes and streams. */
export function laurelTables(scope: Construct, stage: Stage) {
  const { table: telemetry } = new LaurelTable(scope, 'Telemetry', {
    stage,
    role: 'telemetry',
    timeToLiveAttribute: 'expiresAt', // of hours of devices that nobody owns
    stream: StreamViewType.NEW_AND_OLD_IMAGES,
    indexes: [BY_HOUR],
  });
  const { table: scoreGrants } = new LaurelTable(scope, 'ScoreGrants', {
    stage,
    role: 'score_grants',
    stream: StreamViewType.NEW_AND_OLD_IMAGES,
    indexes: [
      {
        indexName: BY_USER_INDEX, // only grants have both a seq and a username, so the index has no balances
        partitionKey: { name: 'username', type: AttributeType.STRING },
        sortKey: { name: 'seq', type: AttributeType.NUMBER },
        projectionType: ProjectionType.ALL,
      },
      BY_HOUR,
    ],
  });
  const { table: registry } = new LaurelTable(scope, 'Registry', {
    stage,
    role: 'registry',
    stream: StreamViewType.NEW_AND_OLD_IMAGES,
    indexes: [BY_HOUR],
  });
  const { table: userScores } = new LaurelTable(scope, 'UserScores', {
    stage,
    role: 'user_scores',
    // for the boards, and for changes of a profile; a refresh never triggers a refresh
    stream: StreamViewType.NEW_AND_OLD_IMAGES,
    indexes: [
      {
        indexName: BY_SHARD_INDEX, // only SCORE items have a shard
        partitionKey: { name: 'scoreShard', type: AttributeType.STRING },
        sortKey: { name: 'pk', type: AttributeType.STRING },
        projectionType: ProjectionType.INCLUDE,
        nonKeyAttributes: [
          // the attributes that boards and gauges read
          ...['username', 'memberScore', 'tier', 'standingSince', 'steps', 'isHidden'],
          ...['rulesVersion', 'nextChangeOn', 'v'], // the attributes by which a backfill finds outdated scores
        ],
      },
    ],
  });
  const { table: backfillRuns } = new LaurelTable(scope, 'BackfillRuns', {
    stage,
    role: 'backfill_runs',
    timeToLiveAttribute: 'expiresAt',
  });
  const { table: leaderboards } = new LaurelTable(scope, 'Leaderboards', {
    stage,
    role: 'leaderboards',
    timeToLiveAttribute: 'expiresAt',
  });
  const { table: rollups } = new LaurelTable(scope, 'MetricRollupHour', { stage, role: 'metric_rollup_hour' });
  const { table: credentials } = new LaurelTable(scope, 'Credentials', { stage, role: 'credentials' });
  const { table: hookSources } = new LaurelTable(scope, 'HookSources', { stage, role: 'hook_sources' });
  const { table: accounts } = new LaurelTable(scope, 'Accounts', { stage, role: 'accounts' });
  return {
    accounts,
    telemetry,
    scoreGrants,
    registry,
    userScores,
    backfillRuns,
    leaderboards,
    rollups,
    credentials,
    hookSources,
  };
}
export type LaurelTables = ReturnType<typeof laurelTables>;
