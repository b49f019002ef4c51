import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { AwsCallError } from '../../local/aws-client.ts';
import type { EventSource } from '../../local/events/event-source.ts';
import { startScheduleSource } from '../../local/events/schedule-source.ts';
import { readSchedule } from '../../local/events/schedule.ts';
import { readStack, type ScheduleModel } from '../../local/template/stack-model.ts';
import { UnsupportedTemplateError } from '../../local/template/unsupported.ts';
import { until } from '../support/stack.ts';
import { aFunction, aQueue, aRole, type Resources, tinyAssembly } from './tiny-stack.ts';

const at = (time: string) => Date.parse(time);
const FRIDAY = '2026-08-21T23:40:10.000Z';

describe('a schedule expression', () => {
  it.each([
    ['cron(35 * * * ? *)', '2026-08-22T00:35:00.000Z'],
    ['cron(5 0 * * ? *)', '2026-08-22T00:05:00.000Z'],
    ['cron(20 3 ? * SUN *)', '2026-08-23T03:20:00.000Z'],
    ['cron(20 3 ? * 1 *)', '2026-08-23T03:20:00.000Z'], // weekdays count from Sunday as 1
    ['cron(0/15 * * * ? *)', '2026-08-21T23:45:00.000Z'],
    ['cron(0 12 1 1 ? 2030)', '2030-01-01T12:00:00.000Z'],
  ])('%s is due next at %s', (expression, next) => {
    expect(readSchedule(expression, at(FRIDAY))(at(FRIDAY))).toBe(at(next));
  });

  it.each([
    ['rate(1 hour)', 3_600_000],
    ['rate(5 minutes)', 300_000],
    ['rate(2 days)', 172_800_000],
  ])('%s is due one interval after its start, and then each interval', (expression, interval) => {
    const next = readSchedule(expression, 1_000);

    expect([next(1_000), next(1_000 + interval), next(500 + interval * 3)]).toEqual([
      1_000 + interval,
      1_000 + 2 * interval,
      1_000 + 3 * interval,
    ]);
  });

  it.each(['at(2026-01-01T00:00:00)', 'cron(5 0 * * *)', 'cron(x)', 'rate(0 hours)', 'rate(1 fortnight)', 'hourly'])(
    '%s stops boot, with its name',
    (expression) => {
      expect(() => readSchedule(expression, 0)).toThrow(UnsupportedTemplateError);
    },
  );
});

const arn = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });
const resources = (change: object = {}): Resources => ({
  Jobs: aQueue('jobs'),
  Undelivered: aQueue('undelivered'),
  SenderRole: aRole('scheduler'),
  Hourly: {
    Type: 'AWS::Scheduler::Schedule',
    Properties: {
      Name: 'hourly',
      ScheduleExpression: 'cron(0 * * * ? *)',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: {
        Arn: arn('Jobs'),
        RoleArn: arn('SenderRole'),
        Input: '{"mode":"stale"}',
        RetryPolicy: { MaximumRetryAttempts: 1, MaximumEventAgeInSeconds: 60 },
        DeadLetterConfig: { Arn: arn('Undelivered') },
      },
      ...change,
    },
  },
});
/** A schedule that invokes a function, with or without the permission. */
const ofFunction = (isAllowed: boolean): Resources => ({
  ...aFunction('Job', { handler: '' }),
  SenderRole: aRole('scheduler'),
  SenderPolicy: {
    Type: 'AWS::IAM::Policy',
    Properties: {
      PolicyName: 'SenderPolicy',
      Roles: [{ Ref: 'SenderRole' }],
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: isAllowed ? 'lambda:InvokeFunction' : 'sqs:*', Resource: arn('Job') }],
      },
    },
  },
  Hourly: {
    Type: 'AWS::Scheduler::Schedule',
    Properties: {
      Name: 'hourly',
      ScheduleExpression: 'cron(0 * * * ? *)',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: {
        Arn: arn('Job'),
        RoleArn: arn('SenderRole'),
        Input: '{}',
        RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
      },
    },
  },
});
const read = (given: Resources) =>
  readStack(tinyAssembly(given).assembly, {
    region: 'us-east-1',
    accountId: '000000000000',
    awsEndpoint: 'http://127.0.0.1:1',
    streamArnOf: () => 'none',
  }).schedules;

describe('a schedule in the template', () => {
  it('has its queue, event, retries and dead-letter queue', () => {
    expect(read(resources())).toMatchObject([
      {
        name: 'hourly',
        expression: 'cron(0 * * * ? *)',
        target: { kind: 'queue', queue: { role: 'jobs' } },
        input: '{"mode":"stale"}',
        maxRetries: 1,
        maxEventAgeMs: 60_000,
        deadLetterQueue: { role: 'undelivered' },
      },
    ]);
  });

  it("may have a function, with its role's permissions", () => {
    const [schedule] = read(ofFunction(true));

    expect(schedule).toMatchObject({
      target: {
        kind: 'function',
        functionName: 'tiny-Job',
        arn: 'arn:aws:lambda:us-east-1:000000000000:function:tiny-Job',
      },
      deadLetterQueue: undefined,
    });
    expect(schedule!.policy).toHaveLength(1);
  });

  it.each([
    ['an expression', { ScheduleExpression: 'at(2026-01-01T00:00:00)' }],
    ['a time zone', { ScheduleExpressionTimezone: 'Europe/Vienna' }],
    ['a flexible window', { FlexibleTimeWindow: { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 5 } }],
    ['a start date', { StartDate: '2026-01-01T00:00:00Z' }],
  ])('with %s stops boot, because it is not supported', (_what, change) => {
    expect(() => read(resources(change))).toThrow(UnsupportedTemplateError);
  });
});

describe('a running schedule', () => {
  let source: EventSource | undefined;
  afterEach(() => source?.stop());

  /** A clock that the test sets, and a queue service that fails a given number of times. */
  function start(now: string, failures = 0) {
    const [schedule] = read(resources()) as [ScheduleModel];
    const world = { now: at(now), sent: [] as string[], reported: [] as unknown[], failures };
    source = startScheduleSource({
      schedule,
      async call(_target, body) {
        const { QueueUrl, MessageBody } = body as { QueueUrl: string; MessageBody: string };
        const isDeadLetter = QueueUrl.endsWith('undelivered');
        if (!isDeadLetter && (world.failures -= 1) >= 0) throw new AwsCallError('AccessDenied', 'no', 400);
        world.sent.push(`${isDeadLetter ? 'undelivered ' : ''}${MessageBody}`);
        return {};
      },
      invoke: () => Promise.reject(new Error('it has no function')),
      clock: () => world.now,
      report: (error) => world.reported.push(error),
    });
    return world;
  }

  it('sends its event once when it is due', async () => {
    const world = start('2026-08-21T11:59:59.950Z');
    world.now = at('2026-08-21T12:00:00.010Z');
    await until(() => world.sent.length > 0);
    await sleep(100);

    expect(world.sent).toEqual(['{"mode":"stale"}']);
  });

  it('retries, and puts undelivered events into its dead-letter queue', async () => {
    const world = start('2026-08-21T11:59:59.950Z', 2);
    world.now = at('2026-08-21T12:00:00.010Z');
    await until(() => world.sent.length > 0);

    expect(world.sent).toEqual(['undelivered {"mode":"stale"}']);
    expect(world.reported).toHaveLength(2);
  });

  it.each([
    ['invokes its function once when it is due, if its role may', true, ['tiny-Job {}'], 0],
    ['is refused if its role may not', false, [], 1],
  ])('%s', async (_what, isAllowed, invoked, reports) => {
    const [schedule] = read(ofFunction(isAllowed)) as [ScheduleModel];
    const world = { now: at('2026-08-21T11:59:59.950Z'), invoked: [] as string[], reported: [] as unknown[] };
    source = startScheduleSource({
      schedule,
      call: () => Promise.reject(new Error('it has no queue')),
      async invoke(functionName, event) {
        world.invoked.push(`${functionName} ${event}`);
        return { ok: true, requestId: '1', payload: 'null' };
      },
      clock: () => world.now,
      report: (error) => world.reported.push(error),
    });
    world.now = at('2026-08-21T12:00:00.010Z');
    await until(() => world.invoked.length + world.reported.length > 0);
    await sleep(100);

    expect(world.invoked).toEqual(invoked);
    expect(world.reported).toHaveLength(reports);
  });

  it('skips runs that it missed while the machine slept', async () => {
    const world = start('2026-08-21T11:59:59.950Z');
    world.now = at('2026-08-21T15:30:00.000Z');
    await sleep(200);

    expect(world.sent).toEqual([]);
  });
});
