import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { AnnounceChangesEnv } from '../functions/announce-changes/env.ts';
import type { BackfillEnv } from '../functions/backfill/env.ts';
import type { ConfirmPublishEnv } from '../functions/confirm-publish/env.ts';
import type { IngestTelemetryEnv } from '../functions/ingest-telemetry/env.ts';
import type { ManageDevicesEnv } from '../functions/manage-devices/env.ts';
import type { ManageKeysEnv } from '../functions/manage-keys/env.ts';
import type { RankLeaderboardsEnv } from '../functions/rank-leaderboards/env.ts';
import type { ReadApiEnv } from '../functions/read-api/env.ts';
import type { RefreshScoreEnv } from '../functions/refresh-score/env.ts';
import type { RecordAwardEnv } from '../functions/record-award/env.ts';
import type { SetVisibilityEnv } from '../functions/set-visibility/env.ts';
import type { ShadowReportEnv } from '../functions/shadow-report/env.ts';
import type { RollUpMetricsEnv } from '../functions/roll-up-metrics/env.ts';
import { alarmOnAccountConcurrency, alarmOnDateAhead } from './alarms.ts';
import { ACCESS, LaurelApi } from './laurel-api.ts';
import { LaurelDashboard } from './dashboard.ts';
import { API_TIMEOUT, LaurelFunction } from './laurel-function.ts';
import { LaurelQueue } from './laurel-queue.ts';
import { BY_HOUR_INDEX, BY_SHARD_INDEX, BY_USER_INDEX, laurelTables } from './laurel-tables.ts';
import { ConservationCheck } from './conservation-check.ts';
import { QueueSchedules } from './queue-schedules.ts';
import { QueueWorker } from './queue-worker.ts';
import type { Stage } from './stage.ts';
import { StreamWorker } from './stream-worker.ts';

export type LaurelStackOptions = {
  readonly alarmTopicArn?: string | undefined; // without it, alarms show in the console and tell nobody
  readonly basePath?: string | undefined; // `/api`, where the API is also served behind it
  readonly accountConcurrency?: number | undefined; // how many invocations at a time the account may have
};

/** What AWS gives an account at first, or after it has asked once. */
const USUAL_CONCURRENCY = 1_000;

/** It reads every user and every line, and an operator waits for it. */
const REPORT_TIMEOUT = Duration.minutes(15);

/** It stops itself well before, and goes on in another invocation. */
const BACKFILL_TIMEOUT = Duration.minutes(5);
/** An hour takes seconds; invoked by hand, the function does all open days. */
const ROLL_UP_TIMEOUT = Duration.minutes(5);

/** When which backfill runs. */
const BACKFILLS = [
  { name: 'stale-hourly', cron: '35 * * * ? *', message: { mode: 'stale' } },
  // Streaks and windows move with the date: what is behind at midnight is mended before anyone looks.
  { name: 'stale-after-midnight', cron: '5 0 * * ? *', message: { mode: 'stale' } },
  { name: 'all-weekly', cron: '20 3 ? * SUN *', message: { mode: 'all' } },
] as const;

/** A million scores are read, sorted and written in a few minutes. */
const RANK_TIMEOUT = Duration.minutes(15);
/** The windows of the boards move with the date, whether a score changes or not. */
const RANKS = [{ name: 'rank-at-midnight', cron: '0 0 * * ? *', message: {} }] as const;

/** All that a writer of grants may do: no role updates or deletes a line, nor writes one without its condition's read. */
const APPEND_GRANTS = ['dynamodb:GetItem', 'dynamodb:PutItem'];

/** All that it takes to know the holder of a key: the update notes when it was last used. */
const AUTHENTICATE = ['dynamodb:GetItem', 'dynamodb:UpdateItem'];

/** A version, a pull and a line of the history stay; only a membership of today goes. */
const SET_MEMBERS = ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:DeleteItem'];

/** All of Laurel for one stage. */
export class LaurelStack extends Stack {
  constructor(
    scope: Construct,
    stage: Stage,
    { alarmTopicArn, basePath, accountConcurrency = USUAL_CONCURRENCY }: LaurelStackOptions = {},
  ) {
    super(scope, `Laurel-${stage.name}`, {
      description: 'Laurel: contributor scores from telemetry, publishes and awards',
      analyticsReporting: false, // keeps the template to what Laurel runs on
      // Not before there is data: the CDK could not delete a stack whose creation failed, and would not create it again.
      terminationProtection: stage.protects('telemetry'),
    });

    const { telemetry, scoreGrants, registry, userScores, backfillRuns, leaderboards, rollups, credentials } =
      laurelTables(this, stage);

    const refreshScore = new QueueWorker<RefreshScoreEnv>(this, 'RefreshScore', {
      stage,
      role: 'refresh-score',
      queueRole: 'score-refresh',
      environment: (queue) => ({
        TELEMETRY_TABLE: telemetry.tableName,
        GRANTS_TABLE: scoreGrants.tableName,
        REGISTRY_TABLE: registry.tableName,
        SCORES_TABLE: userScores.tableName,
        SCORE_REFRESH_QUEUE_URL: queue.queueUrl,
      }),
      feedsItself: true, // puts off what another refresh of the same user is about to cover; bounded by the message
      maxConcurrency: 10,
    });
    alarmOnDateAhead(refreshScore.worker);
    refreshScore.worker
      .allow(['dynamodb:Query'], telemetry.tableArn)
      .allow(['dynamodb:Query'], registry.tableArn)
      .allow(['dynamodb:Query', 'dynamodb:PutItem'], userScores.tableArn)
      .allow(['sqs:SendMessage'], refreshScore.queue.queueArn)
      .allow(APPEND_GRANTS, scoreGrants.tableArn) // badges of tiers
      .allow(['dynamodb:Query'], `${scoreGrants.tableArn}/index/${BY_USER_INDEX}`);

    const backfill = new QueueWorker<BackfillEnv>(this, 'Backfill', {
      stage,
      role: 'backfill',
      queueRole: 'backfill',
      environment: (queue) => ({
        TELEMETRY_TABLE: telemetry.tableName,
        SCORES_TABLE: userScores.tableName,
        GRANTS_TABLE: scoreGrants.tableName,
        REGISTRY_TABLE: registry.tableName,
        ROLLUPS_TABLE: rollups.tableName,
        RUNS_TABLE: backfillRuns.tableName,
        SCORE_REFRESH_QUEUE_URL: refreshScore.queue.queueUrl,
        BACKFILL_QUEUE_URL: queue.queueUrl,
      }),
      timeout: BACKFILL_TIMEOUT,
      isOneByOne: true,
      feedsItself: true,
      maxConcurrency: 2,
    });
    backfill.worker
      .allow(['dynamodb:Query'], registry.tableArn)
      .allow(['dynamodb:Query', 'dynamodb:Scan'], telemetry.tableArn)
      .allow(['dynamodb:GetItem', 'dynamodb:Scan'], scoreGrants.tableArn)
      .allow(['dynamodb:Query', 'dynamodb:PutItem'], userScores.tableArn)
      .allow(['dynamodb:Query', 'dynamodb:Scan'], `${userScores.tableArn}/index/${BY_SHARD_INDEX}`)
      .allow(
        ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:BatchWriteItem'],
        backfillRuns.tableArn,
      )
      .allow(['sqs:SendMessage'], refreshScore.queue.queueArn)
      .allow(['sqs:SendMessage'], backfill.queue.queueArn);
    // What another release folded or scored otherwise is refreshed right after the deployment.
    const onDeployment = { mode: 'stale' };
    new QueueSchedules(this, 'BackfillSchedules', { stage, queue: backfill.queue, schedules: BACKFILLS, onDeployment });

    const rollUpMetrics = new QueueWorker<RollUpMetricsEnv>(this, 'RollUpMetrics', {
      stage,
      role: 'roll-up-metrics',
      queueRole: 'roll-up',
      environment: {
        TELEMETRY_TABLE: telemetry.tableName,
        GRANTS_TABLE: scoreGrants.tableName,
        REGISTRY_TABLE: registry.tableName,
        SCORES_TABLE: userScores.tableName,
        ROLLUPS_TABLE: rollups.tableName,
      },
      timeout: ROLL_UP_TIMEOUT,
      maxConcurrency: 2, // a day's hours are saved one after the other
    });
    rollUpMetrics.worker
      .allow(['dynamodb:Query'], `${userScores.tableArn}/index/${BY_SHARD_INDEX}`)
      .allow(['dynamodb:Query'], registry.tableArn); // the versions in an extension's summary; a backfill has it anyway
    for (const { worker } of [rollUpMetrics, backfill]) {
      for (const { tableArn } of [telemetry, scoreGrants, registry]) {
        worker
          .allow(['dynamodb:BatchGetItem'], tableArn)
          .allow(['dynamodb:Query'], `${tableArn}/index/${BY_HOUR_INDEX}`);
      }
      worker
        .allow(['dynamodb:GetItem'], registry.tableArn)
        .allow(['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:DeleteItem'], rollups.tableArn);
    }

    const rankLeaderboards = new QueueWorker<RankLeaderboardsEnv>(this, 'RankLeaderboards', {
      stage,
      role: 'rank-leaderboards',
      queueRole: 'rank',
      environment: (queue) => ({
        SCORES_TABLE: userScores.tableName,
        LEADERBOARDS_TABLE: leaderboards.tableName,
        RANK_QUEUE_URL: queue.queueUrl,
      }),
      timeout: RANK_TIMEOUT,
      memoryMegabytes: 1_769, // a whole processor: sorting takes most of the time
      maxConcurrency: 2,
    });
    rankLeaderboards.worker
      .allow(['dynamodb:Query'], `${userScores.tableArn}/index/${BY_SHARD_INDEX}`)
      .allow(['dynamodb:GetItem', 'dynamodb:PutItem'], leaderboards.tableArn)
      .allow(['sqs:SendMessage'], rankLeaderboards.queue.queueArn); // what is not due yet waits there
    new QueueSchedules(this, 'RankSchedules', { stage, queue: rankLeaderboards.queue, schedules: RANKS });

    const announceChanges = new StreamWorker<AnnounceChangesEnv>(this, 'AnnounceChanges', {
      stage,
      role: 'announce-changes',
      sources: {
        Telemetry: { table: telemetry },
        Grants: { table: scoreGrants },
        Registry: { table: registry },
        Scores: { table: userScores, sortKeys: ['SCORE', 'PROFILE'] }, // a refresh also writes METRICS and day rows
      },
      environment: {
        TELEMETRY_TABLE: telemetry.tableName,
        GRANTS_TABLE: scoreGrants.tableName,
        REGISTRY_TABLE: registry.tableName,
        SCORES_TABLE: userScores.tableName,
        RUNS_TABLE: backfillRuns.tableName,
        SCORE_REFRESH_QUEUE_URL: refreshScore.queue.queueUrl,
        ROLL_UP_QUEUE_URL: rollUpMetrics.queue.queueUrl,
        RANK_QUEUE_URL: rankLeaderboards.queue.queueUrl,
      },
    });
    announceChanges.worker
      .allow(['dynamodb:GetItem'], telemetry.tableArn)
      .allow(['dynamodb:PutItem'], backfillRuns.tableArn) // notes for the consistency check that a stream is late
      .allow(['sqs:SendMessage'], refreshScore.queue.queueArn)
      .allow(['sqs:SendMessage'], rollUpMetrics.queue.queueArn)
      .allow(['sqs:SendMessage'], rankLeaderboards.queue.queueArn);

    const ingestTelemetry = new LaurelFunction<IngestTelemetryEnv>(this, 'IngestTelemetry', {
      stage,
      role: 'ingest-telemetry',
      environment: {
        TELEMETRY_TABLE: telemetry.tableName,
        GRANTS_TABLE: scoreGrants.tableName,
        REGISTRY_TABLE: registry.tableName,
        CREDENTIALS_TABLE: credentials.tableName,
        SCORE_REFRESH_QUEUE_URL: refreshScore.queue.queueUrl,
      },
      timeout: API_TIMEOUT,
    });
    ingestTelemetry
      .allow(APPEND_GRANTS, scoreGrants.tableArn)
      .allow(['dynamodb:GetItem', 'dynamodb:PutItem'], registry.tableArn) // pulls
      .allow(['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:UpdateItem'], telemetry.tableArn)
      .allow(AUTHENTICATE, credentials.tableArn)
      .allow(['sqs:SendMessage'], refreshScore.queue.queueArn); // `extension_published` asks for a refresh

    const manageKeys = new LaurelFunction<ManageKeysEnv>(this, 'ManageKeys', {
      stage,
      role: 'manage-keys',
      environment: { CREDENTIALS_TABLE: credentials.tableName, REGISTRY_TABLE: registry.tableName },
      timeout: API_TIMEOUT,
    });
    manageKeys
      .allow(['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:Scan'], credentials.tableArn)
      .allow([...SET_MEMBERS, 'dynamodb:Query'], registry.tableArn);

    const confirmPublish = new LaurelFunction<ConfirmPublishEnv>(this, 'ConfirmPublish', {
      stage,
      role: 'confirm-publish',
      environment: {
        REGISTRY_TABLE: registry.tableName,
        GRANTS_TABLE: scoreGrants.tableName,
        CREDENTIALS_TABLE: credentials.tableName,
      },
      timeout: API_TIMEOUT,
    });
    confirmPublish
      .allow([...SET_MEMBERS, 'dynamodb:Query', 'dynamodb:ConditionCheckItem'], registry.tableArn)
      .allow(['dynamodb:BatchGetItem', 'dynamodb:PutItem'], scoreGrants.tableArn)
      .allow(AUTHENTICATE, credentials.tableArn);

    const manageDevices = new LaurelFunction<ManageDevicesEnv>(this, 'ManageDevices', {
      stage,
      role: 'manage-devices',
      environment: { TELEMETRY_TABLE: telemetry.tableName, CREDENTIALS_TABLE: credentials.tableName },
      timeout: API_TIMEOUT,
    });
    manageDevices
      .allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], telemetry.tableArn)
      .allow(AUTHENTICATE, credentials.tableArn);

    const setVisibility = new LaurelFunction<SetVisibilityEnv>(this, 'SetVisibility', {
      stage,
      role: 'set-visibility',
      environment: { SCORES_TABLE: userScores.tableName, CREDENTIALS_TABLE: credentials.tableName },
      timeout: API_TIMEOUT,
    });
    setVisibility
      .allow(['dynamodb:Query', 'dynamodb:PutItem'], userScores.tableArn)
      .allow(AUTHENTICATE, credentials.tableArn);

    const recordAward = new LaurelFunction<RecordAwardEnv>(this, 'RecordAward', {
      stage,
      role: 'record-award',
      environment: { GRANTS_TABLE: scoreGrants.tableName, CREDENTIALS_TABLE: credentials.tableName },
      timeout: API_TIMEOUT,
    });
    recordAward.allow(APPEND_GRANTS, scoreGrants.tableArn).allow(AUTHENTICATE, credentials.tableArn);

    const shadowReport = new LaurelFunction<ShadowReportEnv>(this, 'ShadowReport', {
      stage,
      role: 'shadow-report',
      environment: {
        SCORES_TABLE: userScores.tableName,
        GRANTS_TABLE: scoreGrants.tableName,
        REGISTRY_TABLE: registry.tableName,
      },
      timeout: REPORT_TIMEOUT,
    });
    shadowReport
      .allow(['dynamodb:GetItem'], registry.tableArn) // which versions are yanked
      .allow(['dynamodb:Query', 'dynamodb:Scan'], userScores.tableArn)
      .allow(['dynamodb:GetItem', 'dynamodb:Scan'], scoreGrants.tableArn)
      .allow(['dynamodb:Query'], `${scoreGrants.tableArn}/index/${BY_USER_INDEX}`);

    const { worker: checkConservation } = new ConservationCheck(this, 'Conservation', {
      stage,
      polledQueue: refreshScore.queue,
      environment: {
        TELEMETRY_TABLE: telemetry.tableName,
        GRANTS_TABLE: scoreGrants.tableName,
        REGISTRY_TABLE: registry.tableName,
        SCORES_TABLE: userScores.tableName,
        RUNS_TABLE: backfillRuns.tableName,
        SCORE_REFRESH_QUEUE_URL: refreshScore.queue.queueUrl,
        BACKFILL_QUEUE_URL: backfill.queue.queueUrl,
      },
    });
    checkConservation
      .allow(['dynamodb:Query', 'dynamodb:Scan', 'dynamodb:DescribeTable'], telemetry.tableArn)
      .allow(['dynamodb:Query'], registry.tableArn)
      .allow(['dynamodb:Query', 'dynamodb:DescribeTable'], userScores.tableArn)
      .allow(['dynamodb:Scan'], `${userScores.tableArn}/index/${BY_SHARD_INDEX}`)
      .allow(['dynamodb:GetItem', 'dynamodb:Scan', 'dynamodb:DescribeTable'], scoreGrants.tableArn)
      .allow(['dynamodb:Query'], `${scoreGrants.tableArn}/index/${BY_USER_INDEX}`)
      .allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], backfillRuns.tableArn) // who differs, and whether streams are late
      .allow(['sqs:GetQueueAttributes'], refreshScore.queue.queueArn)
      .allow(['sqs:GetQueueAttributes'], backfill.queue.queueArn);

    const readApi = new LaurelFunction<ReadApiEnv>(this, 'ReadApi', {
      stage,
      role: 'read-api',
      environment: {
        SCORES_TABLE: userScores.tableName,
        GRANTS_TABLE: scoreGrants.tableName,
        ROLLUPS_TABLE: rollups.tableName,
        LEADERBOARDS_TABLE: leaderboards.tableName,
      },
      timeout: API_TIMEOUT,
    });
    readApi
      .allow(['dynamodb:Query', 'dynamodb:BatchGetItem'], userScores.tableArn)
      .allow(['dynamodb:Query'], rollups.tableArn)
      .allow(['dynamodb:GetItem', 'dynamodb:Query'], leaderboards.tableArn)
      .allow(['dynamodb:GetItem'], scoreGrants.tableArn)
      .allow(['dynamodb:Query'], `${scoreGrants.tableArn}/index/${BY_USER_INDEX}`);

    const api = new LaurelApi(this, 'Api', {
      stage,
      basePath,
      routes: [
        { target: ingestTelemetry, access: ACCESS.keyOptional, paths: ['/ingest'] },
        { target: manageKeys, access: ACCESS.keyed, paths: ['/v1/keys', '/v1/keys/{id}', '/api/whoami'] },
        { target: manageDevices, access: ACCESS.keyed, paths: ['/v1/devices/{proxy+}'] },
        { target: confirmPublish, access: ACCESS.keyed, paths: ['/v1/collectives/{slug}'] },
        {
          target: confirmPublish,
          access: ACCESS.keyOptional, // `latest` is public
          paths: ['/api/v1/extensions/{proxy+}'],
        },
        { target: setVisibility, access: ACCESS.keyed, paths: ['/v1/users/{username}/visibility'] },
        { target: recordAward, access: ACCESS.keyed, paths: ['/v1/awards', '/v1/badges', '/v1/grants/{proxy+}'] },
        {
          target: readApi,
          access: ACCESS.public,
          paths: [
            '/health',
            '/v1/stats',
            '/v1/scores/{username}',
            '/v1/scores/{username}/{view}',
            '/v1/leaderboards/{board}',
            '/v1/leaderboards/{board}/users/{username}',
            '/community-metrics',
            '/community-metrics/{view}',
            '/openapi.json',
          ],
        },
      ],
    });
    new CfnOutput(this, 'ApiUrl', { value: api.url });
    alarmOnAccountConcurrency(this, accountConcurrency);

    const constructs = this.node.findAll();
    const drained = constructs.filter((each) => each instanceof QueueWorker).map(({ queue }) => queue);
    new LaurelDashboard(this, 'Operations', {
      stage,
      functions: constructs.filter((construct) => construct instanceof LaurelFunction),
      queues: drained,
      leftovers: constructs.filter((each) => each instanceof LaurelQueue).filter((queue) => !drained.includes(queue)),
    });

    if (alarmTopicArn !== undefined) {
      const tell = new SnsAction(Topic.fromTopicArn(this, 'AlarmTopic', alarmTopicArn));
      for (const construct of constructs) if (construct instanceof Alarm) construct.addAlarmAction(tell);
    }
  }
}
