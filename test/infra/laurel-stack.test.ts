import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AnnounceChangesEnv } from '../../functions/announce-changes/env.ts';
import { BackfillEnv } from '../../functions/backfill/env.ts';
import { ConfirmPublishEnv } from '../../functions/confirm-publish/env.ts';
import { IngestTelemetryEnv } from '../../functions/ingest-telemetry/env.ts';
import { ManageDevicesEnv } from '../../functions/manage-devices/env.ts';
import { ManageKeysEnv } from '../../functions/manage-keys/env.ts';
import { ReadApiEnv } from '../../functions/read-api/env.ts';
import { RecordAwardEnv } from '../../functions/record-award/env.ts';
import { ShadowReportEnv } from '../../functions/shadow-report/env.ts';
import { RollUpMetricsEnv } from '../../functions/roll-up-metrics/env.ts';
import { RefreshScoreEnv } from '../../functions/refresh-score/env.ts';
import { RUNBOOK } from '../../infra/alarms.ts';
import type { LaurelFunctionProps } from '../../infra/laurel-function.ts';
import { byRole, grantsOf, ofType, resourcesOf, targetOf } from '../support/template.ts';

const resources = resourcesOf('test');
const functions = byRole(resources, 'AWS::Lambda::Function');
const tables = byRole(resources, 'AWS::DynamoDB::GlobalTable');
const queues = byRole(resources, 'AWS::SQS::Queue');
const mappings = ofType(resources, 'AWS::Lambda::EventSourceMapping').map(([, { Properties }]) => Properties);
const alarms = ofType(resources, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties);

const FOURTEEN_DAYS = 14 * 24 * 60 * 60;
const dynamodb = (...actions: string[]) => actions.map((action) => `dynamodb:${action}`).sort();
const sqs = (...actions: string[]) => actions.map((action) => `sqs:${action}`).sort();

describe('functions', () => {
  it('are known by their roles', () => {
    expect([...functions.keys()].sort()).toEqual([
      'announce-changes',
      'backfill',
      'confirm-publish',
      'ingest-telemetry',
      'manage-devices',
      'manage-keys',
      'read-api',
      'record-award',
      'refresh-score',
      'roll-up-metrics',
      'shadow-report',
    ]);
  });

  it.each([
    [
      'ingest-telemetry',
      {
        telemetry: dynamodb('GetItem', 'Query', 'PutItem', 'UpdateItem'),
        score_grants: dynamodb('GetItem', 'PutItem'),
        registry: dynamodb('GetItem', 'PutItem'),
        credentials: dynamodb('GetItem', 'UpdateItem'),
        'score-refresh': sqs('SendMessage'),
      },
    ],
    [
      'announce-changes',
      {
        'telemetry.StreamArn': dynamodb('DescribeStream', 'GetRecords', 'GetShardIterator'),
        'score_grants.StreamArn': dynamodb('DescribeStream', 'GetRecords', 'GetShardIterator'),
        'registry.StreamArn': dynamodb('DescribeStream', 'GetRecords', 'GetShardIterator'),
        telemetry: dynamodb('GetItem'),
        'score-refresh': sqs('SendMessage'),
        'roll-up': sqs('SendMessage'),
        'announce-changes-failures': sqs('SendMessage'),
      },
    ],
    [
      'refresh-score',
      {
        telemetry: dynamodb('Query'),
        registry: dynamodb('Query'),
        user_scores: dynamodb('Query', 'PutItem'),
        score_grants: dynamodb('GetItem', 'PutItem'),
        'score_grants/index/byUser': dynamodb('Query'),
        'score-refresh': sqs('ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'),
      },
    ],
    [
      'backfill',
      {
        telemetry: dynamodb('BatchGetItem', 'Query', 'Scan'),
        'telemetry/index/byHour': dynamodb('Query'),
        registry: dynamodb('BatchGetItem', 'GetItem', 'Query'),
        'registry/index/byHour': dynamodb('Query'),
        score_grants: dynamodb('BatchGetItem', 'GetItem', 'Scan'),
        'score_grants/index/byHour': dynamodb('Query'),
        metric_rollup_hour: dynamodb('GetItem', 'Query', 'PutItem', 'DeleteItem'),
        user_scores: dynamodb('Query', 'PutItem'),
        'user_scores/index/byNextChange': dynamodb('Query', 'Scan'),
        backfill_runs: dynamodb('GetItem', 'Query', 'PutItem', 'UpdateItem', 'BatchWriteItem'),
        'score-refresh': sqs('SendMessage'),
        backfill: sqs('SendMessage', 'ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'),
      },
    ],
    [
      'manage-devices',
      { telemetry: dynamodb('GetItem', 'UpdateItem'), credentials: dynamodb('GetItem', 'UpdateItem') },
    ],
    [
      'manage-keys',
      {
        credentials: dynamodb('GetItem', 'PutItem', 'UpdateItem', 'Scan'),
        registry: dynamodb('GetItem', 'PutItem', 'DeleteItem', 'Query'),
      },
    ],
    [
      'confirm-publish',
      {
        registry: dynamodb('GetItem', 'PutItem', 'DeleteItem', 'Query', 'ConditionCheckItem'),
        score_grants: dynamodb('GetItem', 'PutItem'),
        credentials: dynamodb('GetItem', 'UpdateItem'),
      },
    ],
    ['record-award', { score_grants: dynamodb('GetItem', 'PutItem'), credentials: dynamodb('GetItem', 'UpdateItem') }],
    [
      'shadow-report',
      {
        registry: dynamodb('GetItem'),
        user_scores: dynamodb('Query', 'Scan'),
        score_grants: dynamodb('GetItem', 'Scan'),
        'score_grants/index/byUser': dynamodb('Query'),
      },
    ],
    [
      'roll-up-metrics',
      {
        telemetry: dynamodb('BatchGetItem'),
        'telemetry/index/byHour': dynamodb('Query'),
        score_grants: dynamodb('BatchGetItem'),
        'score_grants/index/byHour': dynamodb('Query'),
        registry: dynamodb('BatchGetItem', 'GetItem', 'Query'),
        'registry/index/byHour': dynamodb('Query'),
        'user_scores/index/byNextChange': dynamodb('Query'),
        metric_rollup_hour: dynamodb('GetItem', 'Query', 'PutItem', 'DeleteItem'),
        'roll-up': sqs('ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'),
      },
    ],
    [
      'read-api',
      {
        user_scores: dynamodb('Query'),
        metric_rollup_hour: dynamodb('Query'),
        score_grants: dynamodb('GetItem'),
        'score_grants/index/byUser': dynamodb('Query'),
      },
    ],
  ])('%s may do what it needs and nothing else', (role, needs) => {
    const ownLog = [[`Allow log of /aws/lambda/laurel-test-${role}`, ['logs:CreateLogStream', 'logs:PutLogEvents']]];
    const allowed = Object.entries(needs).map(([target, actions]) => [`Allow ${target}`, actions]);

    expect(grantsOf(resources, role)).toEqual(Object.fromEntries([...ownLog, ...allowed]));
  });

  it('have roles without managed or inline policies, which the grants above would not show', () => {
    for (const [, { Properties }] of ofType(resources, 'AWS::IAM::Role')) {
      expect(Properties).not.toHaveProperty('ManagedPolicyArns');
      expect(Properties).not.toHaveProperty('Policies');
    }
    expect(ofType(resources, 'AWS::IAM::ManagedPolicy')).toEqual([]);
  });

  it('have one role each', () => {
    const roles = [...functions.values()].map(({ Properties }) => Properties.Role['Fn::GetAtt'][0]);

    expect(new Set(roles).size).toBe(functions.size);
  });

  it.each([
    ['ingest-telemetry', IngestTelemetryEnv],
    ['announce-changes', AnnounceChangesEnv],
    ['backfill', BackfillEnv],
    ['refresh-score', RefreshScoreEnv],
    ['manage-devices', ManageDevicesEnv],
    ['manage-keys', ManageKeysEnv],
    ['record-award', RecordAwardEnv],
    ['shadow-report', ShadowReportEnv],
    ['confirm-publish', ConfirmPublishEnv],
    ['read-api', ReadApiEnv],
    ['roll-up-metrics', RollUpMetricsEnv],
  ])('%s is given the environment that it parses, no name more', (role, schema) => {
    const given = Object.keys(functions.get(role)!.Properties.Environment.Variables);

    expect(given.sort()).toEqual(Object.keys(schema.shape).sort());
  });

  it('do not compile without a name that their environment asks for', () => {
    // @ts-expect-error SCORES_TABLE is missing: should this compile, `npm run check` fails here
    const environment: LaurelFunctionProps<RefreshScoreEnv>['environment'] = { TELEMETRY_TABLE: 'a-table' };

    expect(environment).not.toHaveProperty('SCORES_TABLE');
  });

  it.each([
    ['ingest-telemetry', 10],
    ['manage-devices', 10],
    ['manage-keys', 10],
    ['record-award', 10],
    ['shadow-report', 900],
    ['confirm-publish', 10],
    ['read-api', 10],
    ['announce-changes', 60],
    ['refresh-score', 60],
    ['roll-up-metrics', 300],
    ['backfill', 300],
  ])('%s is ended after %i s', (role, seconds) => {
    expect(functions.get(role)!.Properties.Timeout).toBe(seconds);
  });

  it('are named by stage and role, run on Node 24 and arm64, and keep their logs for a while', () => {
    for (const [role, { Properties }] of functions) {
      expect(Properties).toMatchObject({
        FunctionName: `laurel-test-${role}`,
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
      });
      const log = resources[Properties.LoggingConfig.LogGroup.Ref]!;
      expect(log.Properties.RetentionInDays).toBeGreaterThan(0);
    }
  });
});

describe('tables', () => {
  it.each([['telemetry'], ['user_scores'], ['credentials'], ['score_grants'], ['backfill_runs'], ['registry']])(
    '%s is on demand, recoverable, and keyed by pk and sk',
    (role) => {
      expect(tables.get(role)!.Properties).toMatchObject({
        TableName: `laurel-test-${role}`,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        Replicas: [{ PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } }],
      });
    },
  );

  it('of grants is written by puts only: nobody may update, delete or write in batches', () => {
    for (const role of functions.keys()) {
      const actions = grantsOf(resources, role!)['Allow score_grants'] ?? [];
      expect(dynamodb('GetItem', 'BatchGetItem', 'Scan', 'PutItem')).toEqual(expect.arrayContaining(actions));
    }
  });

  it('of grants lists the lines of a user in their order, whole', () => {
    expect(tables.get('score_grants')!.Properties.GlobalSecondaryIndexes[0]).toEqual({
      IndexName: 'byUser',
      KeySchema: [
        { AttributeName: 'username', KeyType: 'HASH' },
        { AttributeName: 'seq', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'ALL' },
    });
  });

  it('of scores lists by shard and date what will be behind, and beside its keys its score', () => {
    expect(tables.get('user_scores')!.Properties.GlobalSecondaryIndexes).toEqual([
      {
        IndexName: 'byNextChange',
        KeySchema: [
          { AttributeName: 'changeShard', KeyType: 'HASH' },
          { AttributeName: 'changesOn', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['memberScore'] },
      },
    ]);
  });

  it.each(['telemetry', 'score_grants', 'registry'])('of facts, as %s, list them by hour, keys only', (role) => {
    const indexes: any[] = tables.get(role)!.Properties.GlobalSecondaryIndexes;

    expect(indexes.find(({ IndexName }) => IndexName === 'byHour')).toMatchObject({
      KeySchema: [
        { AttributeName: 'dayShard', KeyType: 'HASH' },
        { AttributeName: 'hour', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'KEYS_ONLY' },
    });
  });

  it('of backfills forgets its items by itself, and no other table does', () => {
    const expiring = [...tables].flatMap(
      ([
        role,
        {
          Properties: { TimeToLiveSpecification },
        },
      ]) => (TimeToLiveSpecification === undefined ? [] : [[role, TimeToLiveSpecification]]),
    );

    expect(expiring).toEqual([['backfill_runs', { AttributeName: 'expiresAt', Enabled: true }]]);
  });

  it('have a stream where they hold facts, none where a refresh could trigger itself', () => {
    const streamed = [...tables].filter(([, { Properties }]) => Properties.StreamSpecification !== undefined);

    expect(streamed.map(([role]) => role)).toEqual(['telemetry', 'score_grants', 'registry']);
    for (const [, { Properties }] of streamed) {
      expect(Properties.StreamSpecification.StreamViewType).toBe('NEW_AND_OLD_IMAGES');
    }
  });

  it.each([
    ['prod', 'Retain', true],
    ['staging', 'Retain', true],
    ['dev', 'Delete', false],
    ['local', 'Delete', false],
  ])('of stage %s: %s with the stack, protected from deletion: %s', (stage, policy, isProtected) => {
    for (const [, table] of ofType(resourcesOf(stage), 'AWS::DynamoDB::GlobalTable')) {
      expect(table.DeletionPolicy).toBe(policy);
      expect(table.Properties.Replicas[0].DeletionProtectionEnabled).toBe(isProtected);
    }
  });
});

describe('queues', () => {
  const drained = mappings.filter(({ EventSourceArn }) => queues.has(targetOf(resources, EventSourceArn)));

  it('keep every message for 14 days', () => {
    expect([...queues.keys()].sort()).toEqual([
      'announce-changes-failures',
      'backfill',
      'backfill-dlq',
      'backfill-schedule-dlq',
      'roll-up',
      'roll-up-dlq',
      'score-refresh',
      'score-refresh-dlq',
    ]);
    for (const [, { Properties }] of queues) expect(Properties.MessageRetentionPeriod).toBe(FOURTEEN_DAYS);
  });

  it('answer over TLS only', () => {
    const guarded = ofType(resources, 'AWS::SQS::QueuePolicy').flatMap(([, { Properties }]) =>
      Properties.PolicyDocument.Statement.some(
        ({ Effect, Condition }: any) => Effect === 'Deny' && Condition?.Bool?.['aws:SecureTransport'] === 'false',
      )
        ? Properties.Queues.map((queue: any) => targetOf(resources, queue))
        : [],
    );

    expect(guarded.sort()).toEqual([...queues.keys()].sort());
  });

  it('that are drained hide a message for six function timeouts and the batching window', () => {
    expect(drained).toHaveLength(3);
    for (const mapping of drained) {
      const queue = queues.get(targetOf(resources, mapping.EventSourceArn))!.Properties;
      const { Timeout } = functions.get(targetOf(resources, mapping.FunctionName))!.Properties;

      expect(queue.VisibilityTimeout).toBeGreaterThanOrEqual(6 * Timeout + mapping.MaximumBatchingWindowInSeconds);
    }
  });

  it('that are drained give a message up to their own dead letters after five receives', () => {
    for (const { EventSourceArn } of drained) {
      const role = targetOf(resources, EventSourceArn);
      const { deadLetterTargetArn, maxReceiveCount } = queues.get(role)!.Properties.RedrivePolicy;

      expect(targetOf(resources, deadLetterTargetArn)).toBe(`${role}-dlq`);
      expect(maxReceiveCount).toBe(5);
    }
  });

  it.each([
    ['score-refresh', 100, 1, 10],
    ['backfill', 1, 0, 2],
    ['roll-up', 100, 1, 2],
  ])('%s reports single failures, in batches of %i within %i s, %i at a time', (role, size, window, concurrency) => {
    const mapping = drained.find(({ EventSourceArn }) => targetOf(resources, EventSourceArn) === role);

    expect(mapping).toMatchObject({
      BatchSize: size,
      MaximumBatchingWindowInSeconds: window,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: concurrency },
    });
  });

  it('bound their functions by their mappings, not by a reserved concurrency, which would fill the dead letters', () => {
    for (const { Properties } of functions.values()) {
      expect(Properties).not.toHaveProperty('ReservedConcurrentExecutions');
    }
  });
});

describe('schedules', () => {
  const schedules = ofType(resources, 'AWS::Scheduler::Schedule').map(([, { Properties }]) => Properties);

  it('send the stale backfill every hour and after midnight, the whole one every week', () => {
    const sent = schedules.map(({ ScheduleExpression, Target }) => [ScheduleExpression, JSON.parse(Target.Input)]);

    expect(sent).toEqual([
      ['cron(35 * * * ? *)', { mode: 'stale' }],
      ['cron(5 0 * * ? *)', { mode: 'stale' }],
      ['cron(20 3 ? * SUN *)', { mode: 'all' }],
    ]);
  });

  it('go by UTC, to the queue of the backfill, and leave what cannot be delivered in their dead letters', () => {
    for (const { ScheduleExpressionTimezone, Target } of schedules) {
      expect(ScheduleExpressionTimezone).toBe('UTC');
      expect(targetOf(resources, Target.Arn)).toBe('backfill');
      expect(targetOf(resources, Target.DeadLetterConfig.Arn)).toBe('backfill-schedule-dlq');
    }
  });

  it('may send to those two queues and nothing else', () => {
    const roles = new Set(schedules.map(({ Target }) => Target.RoleArn['Fn::GetAtt'][0]));
    const statements = ofType(resources, 'AWS::IAM::Policy')
      .filter(([, { Properties }]) => Properties.Roles.some((role: any) => roles.has(role.Ref)))
      .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement);

    expect(statements.flatMap(({ Action }) => Action)).toEqual(statements.map(() => 'sqs:SendMessage'));
    expect(statements.flatMap(({ Resource }) => [Resource].flat()).map((arn) => targetOf(resources, arn))).toEqual([
      'backfill',
      'backfill-schedule-dlq',
    ]);
  });
});

describe('a function that feeds itself through a queue', () => {
  it('is allowed to, and no other is', () => {
    const allowed = [...functions].filter(([, { Properties }]) => Properties.RecursiveLoop === 'Allow');

    expect(allowed.map(([role]) => role)).toEqual(['backfill']);
  });
});

describe.each([['telemetry'], ['score_grants'], ['registry']])('stream mapping of %s', (table) => {
  const [mapping] = mappings.filter(
    ({ EventSourceArn }) => targetOf(resources, EventSourceArn) === `${table}.StreamArn`,
  );

  it('feeds announce-changes, from its first record on', () => {
    expect(targetOf(resources, mapping.FunctionName)).toBe('announce-changes');
    expect(mapping.StartingPosition).toBe('TRIM_HORIZON');
  });

  it('bounds retries and record age, halves a failing batch, and reports single failures', () => {
    expect(mapping).toMatchObject({
      BatchSize: 100,
      MaximumBatchingWindowInSeconds: 1,
      ParallelizationFactor: 1,
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      MaximumRetryAttempts: 5,
      MaximumRecordAgeInSeconds: 24 * 60 * 60,
    });
  });

  it('leaves what it gave up in its failure queue', () => {
    const { Destination } = mapping.DestinationConfig.OnFailure;

    expect(targetOf(resources, Destination)).toBe('announce-changes-failures');
  });
});

describe('HTTP API', () => {
  const routes = ofType(resources, 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => Properties);
  const functionOf = ({ Target }: any): string => {
    const [, [, { Ref: integrationId }]] = Target['Fn::Join'];
    return targetOf(resources, resources[integrationId]!.Properties.IntegrationUri);
  };

  it('routes each path to its function with any method, and the rest to ingest-telemetry', () => {
    expect(Object.fromEntries(routes.map((route) => [route.RouteKey, functionOf(route)]))).toEqual({
      'ANY /ingest': 'ingest-telemetry',
      'ANY /v1/devices/{proxy+}': 'manage-devices',
      'ANY /v1/keys': 'manage-keys',
      'ANY /v1/keys/{id}': 'manage-keys',
      'ANY /api/whoami': 'manage-keys',
      'ANY /api/v1/extensions/{proxy+}': 'confirm-publish',
      'ANY /v1/collectives/{slug}': 'confirm-publish',
      'ANY /v1/awards': 'record-award',
      'ANY /v1/badges': 'record-award',
      'ANY /v1/grants/{proxy+}': 'record-award',
      'ANY /health': 'read-api',
      'ANY /v1/stats': 'read-api',
      'ANY /v1/scores/{username}': 'read-api',
      'ANY /v1/scores/{username}/{view}': 'read-api',
      'ANY /community-metrics': 'read-api',
      'ANY /community-metrics/{view}': 'read-api',
      'ANY /openapi.json': 'read-api',
      $default: 'ingest-telemetry',
    });
  });

  it('speaks payload format 2.0', () => {
    for (const [, { Properties }] of ofType(resources, 'AWS::ApiGatewayV2::Integration')) {
      expect(Properties).toMatchObject({ IntegrationType: 'AWS_PROXY', PayloadFormatVersion: '2.0' });
    }
  });

  it('may invoke each routed function', () => {
    const invocable = ofType(resources, 'AWS::Lambda::Permission').map(([, { Properties }]) =>
      targetOf(resources, Properties.FunctionName),
    );

    expect(invocable.sort()).toEqual([...new Set(routes.map(functionOf))].sort());
  });

  it('throttles at 1,000 requests a second with bursts of 2,000, and writes an access log', () => {
    const [, stage] = ofType(resources, 'AWS::ApiGatewayV2::Stage')[0]!;

    expect(stage.Properties.DefaultRouteSettings).toEqual({ ThrottlingRateLimit: 1000, ThrottlingBurstLimit: 2000 });
    expect(stage.Properties.AccessLogSettings.Format).toContain('$context.requestId');
  });
});

describe('alarms', () => {
  const readme = readFileSync(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8');
  const anchors = [...readme.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  );
  const watched = (metric: string, dimension: string): string[] =>
    alarms
      .filter(({ MetricName }) => MetricName === metric)
      .map(({ Dimensions }) => Dimensions.find(({ Name }: any) => Name === dimension).Value)
      .map((value) => targetOf(resources, Array.isArray(value) ? value[0] : value).replace(/\.QueueName$/, ''))
      .sort();

  it('each name a runbook heading that the README has', () => {
    expect(alarms.length).toBeGreaterThan(0);
    for (const { AlarmDescription } of alarms) {
      const anchor = /Runbook: README\.md#([a-z-]+)$/.exec(AlarmDescription)?.[1];
      expect(anchors, AlarmDescription).toContain(anchor);
    }
    expect(anchors).toEqual(expect.arrayContaining(Object.values(RUNBOOK)));
  });

  it.each([['Errors'], ['Throttles'], ['Duration']])("watch each function's %s", (metric) => {
    expect(watched(metric, 'FunctionName')).toEqual([...functions.keys()].sort());
  });

  it('watch depth and age where messages wait for an operator, and the age of every queue', () => {
    expect(watched('ApproximateNumberOfMessagesVisible', 'QueueName')).toEqual([
      'announce-changes-failures',
      'backfill-dlq',
      'backfill-schedule-dlq',
      'roll-up-dlq',
      'score-refresh-dlq',
    ]);
    expect(watched('ApproximateAgeOfOldestMessage', 'QueueName')).toEqual([...queues.keys()].sort());
  });

  it('warn before a function is cut off', () => {
    for (const { MetricName, Dimensions, Threshold } of alarms) {
      if (MetricName !== 'Duration') continue;
      const { Timeout } = functions.get(targetOf(resources, Dimensions[0].Value))!.Properties;
      expect(Threshold).toBeLessThan(Timeout * 1000);
    }
  });

  it('tell a topic where the stage has one', () => {
    const alarmTopicArn = 'arn:aws:sns:eu-west-1:123456789012:alarms';
    const told = ofType(resourcesOf('test', { alarmTopicArn }), 'AWS::CloudWatch::Alarm');

    for (const [, { Properties }] of told) expect(Properties.AlarmActions).toEqual([alarmTopicArn]);
  });
});

describe('the dashboard', () => {
  it('shows every function, every queue, what came in and how far scores are behind', () => {
    const [[, { Properties }]] = ofType(resources, 'AWS::CloudWatch::Dashboard') as [[string, any]];
    const body = JSON.stringify(Properties.DashboardBody);

    for (const { id } of [...functions.values(), ...queues.values()]) expect(body).toContain(id);
    for (const metric of ['Accepted', 'Duplicates', 'RefreshLag', 'Errors']) expect(body).toContain(metric);
  });
});
