import { Duration, Stack, Validations } from 'aws-cdk-lib';
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import { alarmOnAnyMessage, RUNBOOK } from './alarms.ts';
import { LaurelQueue } from './laurel-queue.ts';
import { physicalName, type Stage } from './stage.ts';

/** When which backfill runs: minute, hour, day of the month, month, day of the week, year; UTC. */
const SCHEDULES = [
  { name: 'stale-hourly', cron: '35 * * * ? *', event: { mode: 'stale' } },
  // Streaks and windows move with the date: what is behind at midnight is mended before anyone looks.
  { name: 'stale-after-midnight', cron: '5 0 * * ? *', event: { mode: 'stale' } },
  { name: 'all-weekly', cron: '20 3 ? * SUN *', event: { mode: 'all' } },
] as const;

type BackfillSchedulesProps = { readonly stage: Stage; readonly queue: LaurelQueue };

/**
 * The schedules of the backfill. They send to its queue instead of invoking it: a run that fails is tried again under its
 * own id, and ends in the dead letters, where an invocation that fails would be gone.
 */
export class BackfillSchedules extends Construct {
  constructor(scope: Construct, id: string, { stage, queue }: BackfillSchedulesProps) {
    super(scope, id);
    const undelivered = new LaurelQueue(this, 'Undelivered', { stage, role: 'backfill-schedule-dlq' });
    Validations.of(undelivered).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: 'It is a dead-letter queue itself: of the schedules, which the check does not know.',
    });
    const account = { 'aws:SourceAccount': Stack.of(this).account }; // no schedule of another account may use the role
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', { conditions: { StringEquals: account } }),
    });
    for (const { queueArn } of [queue, undelivered]) {
      role.addToPolicy(
        new PolicyStatement({ effect: Effect.ALLOW, actions: ['sqs:SendMessage'], resources: [queueArn] }),
      );
    }
    for (const { name, cron, event } of SCHEDULES) {
      const schedule = new CfnSchedule(this, name, {
        name: physicalName(stage, name),
        description: `Sends ${JSON.stringify(event)} to the backfill`,
        scheduleExpression: `cron(${cron})`,
        scheduleExpressionTimezone: 'UTC',
        flexibleTimeWindow: { mode: 'OFF' },
        state: 'ENABLED',
        target: {
          arn: queue.queueArn,
          roleArn: role.roleArn,
          input: JSON.stringify(event),
          retryPolicy: { maximumRetryAttempts: 10, maximumEventAgeInSeconds: Duration.hours(1).toSeconds() },
          deadLetterConfig: { arn: undelivered.queueArn },
        },
      });
      schedule.node.addDependency(role); // its policy too: a schedule is refused while its role may not send
    }
    alarmOnAnyMessage(undelivered, RUNBOOK.scheduleFailures);
  }
}
