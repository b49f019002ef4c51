import { describe, expect, it } from 'vitest';
import { AccountId } from '../../domain/identity/account.ts';
import { lineOfCopy } from '../../domain/metrics/hour-events.ts';
import { ofType, targetOf } from '../support/template.ts';
import { functions, mappings, queues, resources } from './template-under-test.ts';
import { PROFILE_SK, SCORE_SK } from '../../functions/runtime/names.ts';

const FOURTEEN_DAYS = 14 * 24 * 60 * 60;

describe('queues', () => {
  const drained = mappings.filter(({ EventSourceArn }) => queues.has(targetOf(resources, EventSourceArn)));

  it('keep every message for 14 days', () => {
    expect([...queues.keys()].sort()).toEqual([
      'announce-changes-failures',
      'backfill',
      'backfill-dlq',
      'backfill-schedule-dlq',
      'erase',
      'erase-dlq',
      'rank',
      'rank-dlq',
      'rank-schedule-dlq',
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

  it('with a consumer hide a message for six function timeouts and the batching window', () => {
    expect(drained).toHaveLength(5);
    for (const mapping of drained) {
      const queue = queues.get(targetOf(resources, mapping.EventSourceArn))!.Properties;
      const { Timeout } = functions.get(targetOf(resources, mapping.FunctionName))!.Properties;

      expect(queue.VisibilityTimeout).toBeGreaterThanOrEqual(6 * Timeout + mapping.MaximumBatchingWindowInSeconds);
    }
  });

  it('with a consumer move a message to their dead-letter queue after five receives', () => {
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
    ['erase', 1, 0, 2],
    ['roll-up', 100, 1, 2],
    ['rank', 100, 1, 2],
  ])('%s reports single failures, in batches of %i within %i s, %i at a time', (role, size, window, concurrency) => {
    const mapping = drained.find(({ EventSourceArn }) => targetOf(resources, EventSourceArn) === role);

    expect(mapping).toMatchObject({
      BatchSize: size,
      MaximumBatchingWindowInSeconds: window,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: concurrency },
    });
  });

  it('limit their functions by their mappings, not by a reserved concurrency, which would fill the dead-letter queues', () => {
    for (const { Properties } of functions.values()) {
      expect(Properties).not.toHaveProperty('ReservedConcurrentExecutions');
    }
  });
});

describe('schedules of queues', () => {
  const schedules = ofType(resources, 'AWS::Scheduler::Schedule')
    .map(([, { Properties }]) => Properties)
    .filter(({ Target }) => targetOf(resources, Target.Arn) !== 'check-conservation');

  it('send the stale backfill every hour and after midnight, the full backfill every week, and rank at midnight', () => {
    const sent = schedules.map(({ ScheduleExpression, Target }) => [
      targetOf(resources, Target.Arn),
      ScheduleExpression,
      JSON.parse(Target.Input),
    ]);

    expect(sent).toEqual([
      ['backfill', 'cron(35 * * * ? *)', { mode: 'stale' }],
      ['backfill', 'cron(5 0 * * ? *)', { mode: 'stale' }],
      ['backfill', 'cron(20 3 ? * SUN *)', { mode: 'all' }],
      ['rank', 'cron(0 0 * * ? *)', {}],
    ]);
  });

  it.each([
    ['backfill', { mode: 'stale' }],
    ['rank', {}],
  ])('have a rule that tells %s of every deployment, also of a rollback', (queue, message) => {
    const rules = ofType(resources, 'AWS::Events::Rule').map(([, { Properties }]) => Properties);
    const rule = rules.find(({ Targets }) => targetOf(resources, Targets[0].Arn) === queue);
    const [target] = rule.Targets;

    expect(rule.EventPattern).toEqual({
      source: ['aws.cloudformation'],
      'detail-type': ['CloudFormation Stack Status Change'],
      detail: {
        'stack-id': [{ Ref: 'AWS::StackId' }],
        'status-details': { status: expect.arrayContaining(['UPDATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE']) },
      },
    });
    expect(JSON.parse(target.Input)).toEqual(message);
    expect(targetOf(resources, target.DeadLetterConfig.Arn)).toBe(`${queue}-schedule-dlq`);
    expect(rule.State).toBe('ENABLED');
  });

  it('use UTC, and put undelivered messages into their dead-letter queues', () => {
    for (const { ScheduleExpressionTimezone, Target } of schedules) {
      expect(ScheduleExpressionTimezone).toBe('UTC');
      const undelivered = `${targetOf(resources, Target.Arn)}-schedule-dlq`;
      expect(targetOf(resources, Target.DeadLetterConfig.Arn)).toBe(undelivered);
    }
  });

  it('may send to their queue and their dead-letter queue, and nothing else', () => {
    const roles = new Set(schedules.map(({ Target }) => Target.RoleArn['Fn::GetAtt'][0]));
    const statements = ofType(resources, 'AWS::IAM::Policy')
      .filter(([, { Properties }]) => Properties.Roles.some((role: any) => roles.has(role.Ref)))
      .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement);

    expect(statements.flatMap(({ Action }) => Action)).toEqual(statements.map(() => 'sqs:SendMessage'));
    expect(statements.flatMap(({ Resource }) => [Resource].flat()).map((arn) => targetOf(resources, arn))).toEqual([
      ...['backfill', 'backfill-schedule-dlq'],
      ...['rank', 'rank-schedule-dlq'],
    ]);
  });
});

describe.each([['telemetry'], ['score_grants'], ['registry'], ['user_scores']])('stream mapping of %s', (table) => {
  const [mapping] = mappings.filter(
    ({ EventSourceArn }) => targetOf(resources, EventSourceArn) === `${table}.StreamArn`,
  );

  it('feeds announce-changes, from its first record on', () => {
    expect(targetOf(resources, mapping.FunctionName)).toBe('announce-changes');
    expect(mapping.StartingPosition).toBe('TRIM_HORIZON');
  });

  it('retries a change for six hours, halves a failing batch, and reports single failures', () => {
    expect(mapping).toMatchObject({
      BatchSize: 100,
      MaximumBatchingWindowInSeconds: 1,
      ParallelizationFactor: 1,
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      MaximumRetryAttempts: -1,
      MaximumRecordAgeInSeconds: 6 * 60 * 60,
    });
  });

  it('delivers what announce-changes reads: of the scores, only the items SCORE and PROFILE', () => {
    const read = { dynamodb: { Keys: { sk: { S: [SCORE_SK, PROFILE_SK] } } } };

    expect(mapping.FilterCriteria).toEqual(
      table === 'user_scores' ? { Filters: [{ Pattern: JSON.stringify(read) }] } : undefined,
    );
  });

  it('puts given-up records into its failure queue', () => {
    const { Destination } = mapping.DestinationConfig.OnFailure;

    expect(targetOf(resources, Destination)).toBe('announce-changes-failures');
  });
});

describe('roll-up-metrics', () => {
  it('has a disk for an hour of 18 million events with the longest names, and more than half a processor', () => {
    const { EphemeralStorage, MemorySize } = functions.get('roll-up-metrics')!.Properties;
    const kind = { event: 'e'.repeat(64), command: 'c'.repeat(32), success: true };
    const sender = AccountId.parse(`acc_${'a'.repeat(16)}`);
    const line = lineOfCopy(`~${'\uffee'.repeat(128)}`, { id: '0'.repeat(16), kind, sender });
    const member = `${'0'.repeat(16)}\n`; // once as a device, once as a sender
    const bytes = 18_000_000 * (Buffer.byteLength(`${line}\n`) + 2 * member.length);

    expect(MemorySize).toBe(1_280);
    expect(EphemeralStorage.Size * 1_024 ** 2).toBeGreaterThanOrEqual(bytes);
  });
});
