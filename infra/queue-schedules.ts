import { Duration, Stack, Validations } from 'aws-cdk-lib';
import { Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import { alarmOnAnyMessage, RUNBOOK } from './alarms.ts';
import { LaurelQueue } from './laurel-queue.ts';
import { scheduleGroup } from './schedule-group.ts';
import { scheduleRole } from './schedule-role.ts';
import type { Stage } from './stage.ts';
import { physicalName } from '../functions/runtime/names.ts';

export type QueueSchedule = {
  readonly name: string;
  /** Minute, hour, day of the month, month, day of the week, year; UTC. */
  readonly cron: string;
  readonly message: object;
};

type QueueSchedulesProps = {
  readonly stage: Stage;
  readonly queue: LaurelQueue;
  readonly schedules: readonly QueueSchedule[];
  /** Also sent after every deployment of the stack, also after a rollback. */
  readonly onDeployment?: object;
};

const DEPLOYED = ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE', 'IMPORT_COMPLETE'];

/**
 * Messages that schedules send to a queue. They do not invoke its function directly: failed work is retried and ends in
 * the dead-letter queue, but a failed invocation would be lost.
 */
export class QueueSchedules extends Construct {
  constructor(scope: Construct, id: string, { stage, queue, schedules, onDeployment }: QueueSchedulesProps) {
    super(scope, id);
    const undelivered = new LaurelQueue(this, 'Undelivered', { stage, role: `${queue.role}-schedule-dlq` });
    Validations.of(undelivered).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: 'It is a dead-letter queue itself: of the schedules, which the check does not know.',
    });
    const role = scheduleRole(this, 'Role', 'sqs:SendMessage', [queue.queueArn, undelivered.queueArn]);
    for (const { name, cron, message } of schedules) {
      const schedule = new CfnSchedule(this, name, {
        name: physicalName(stage, name),
        groupName: scheduleGroup(this, stage),
        description: `Sends ${JSON.stringify(message)} to the queue ${queue.role}`,
        scheduleExpression: `cron(${cron})`,
        scheduleExpressionTimezone: 'UTC',
        flexibleTimeWindow: { mode: 'OFF' },
        state: 'ENABLED',
        target: {
          arn: queue.queueArn,
          roleArn: role.roleArn,
          input: JSON.stringify(message),
          retryPolicy: { maximumRetryAttempts: 10, maximumEventAgeInSeconds: Duration.hours(1).toSeconds() },
          deadLetterConfig: { arn: undelivered.queueArn },
        },
      });
      schedule.node.addDependency(role); // also its policy: a schedule is refused until its role may send
    }
    if (onDeployment !== undefined) {
      const message = RuleTargetInput.fromObject(onDeployment);
      new Rule(this, 'Deployed', {
        ruleName: physicalName(stage, `${queue.role}-deployed`),
        description: `Sends ${JSON.stringify(onDeployment)} to the queue ${queue.role} after a deployment`,
        eventPattern: {
          source: ['aws.cloudformation'],
          detailType: ['CloudFormation Stack Status Change'],
          detail: { 'stack-id': [Stack.of(this).stackId], 'status-details': { status: DEPLOYED } },
        },
        targets: [
          new SqsQueue(queue, {
            message,
            deadLetterQueue: undelivered,
            retryAttempts: 10,
            maxEventAge: Duration.hours(1),
          }),
        ],
      });
    }
    alarmOnAnyMessage(undelivered, RUNBOOK.scheduleFailures);
  }
}
