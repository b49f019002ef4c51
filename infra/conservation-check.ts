import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import type { CheckConservationEnv } from '../functions/check-conservation/env.ts';
import { addAlarm, RUNBOOK } from './alarms.ts';
import { LaurelFunction } from './laurel-function.ts';
import { scheduleRole } from './schedule-role.ts';
import { physicalName, type Stage } from './stage.ts';

const ROLE = 'check-conservation';
/** It waits for what it found to stand: see its handler. */
const TIMEOUT = Duration.minutes(15);
/** Fifteen minutes after the hourly backfill has asked for the scores that are behind. */
const HOURLY = 'cron(50 * * * ? *)';
/** One run may be late or fail; two in a row mean that nobody is looking. */
const MISSED_RUNS = 2;

type ConservationCheckProps = { readonly stage: Stage; readonly environment: CheckConservationEnv };

/**
 * The hourly comparison of what was accepted with what is folded, and of what was granted with what is balanced. Its alarms
 * go off on any difference, and when it has not run. Callers add what its function may read.
 */
export class ConservationCheck extends Construct {
  readonly worker: LaurelFunction<CheckConservationEnv>;

  constructor(scope: Construct, id: string, { stage, environment }: ConservationCheckProps) {
    super(scope, id);
    this.worker = new LaurelFunction<CheckConservationEnv>(this, 'Worker', {
      stage,
      role: ROLE,
      environment,
      timeout: TIMEOUT,
    });
    const { functionArn } = this.worker.fn;
    const role = scheduleRole(this, 'ScheduleRole', 'lambda:InvokeFunction', [functionArn]);
    const schedule = new CfnSchedule(this, 'Hourly', {
      name: physicalName(stage, 'conservation-hourly'),
      description: 'Checks that nothing accepted or granted was lost',
      scheduleExpression: HOURLY,
      scheduleExpressionTimezone: 'UTC',
      flexibleTimeWindow: { mode: 'OFF' },
      state: 'ENABLED',
      // A run that cannot begin is not made up for: the next one is an hour away, and its absence is noticed.
      target: {
        arn: functionArn,
        roleArn: role.roleArn,
        input: '{}',
        retryPolicy: { maximumRetryAttempts: 3, maximumEventAgeInSeconds: Duration.minutes(10).toSeconds() },
      },
    });
    schedule.node.addDependency(role); // its policy too: a schedule is refused while its role may not invoke

    const own = (metricName: string, statistic: string, period: Duration) =>
      new Metric({
        namespace: 'Laurel',
        metricName,
        dimensionsMap: { service: physicalName(stage, ROLE) },
        statistic,
        period,
      });
    addAlarm(this, 'Different', {
      metric: own('ConservationDifferent', Stats.MAXIMUM, Duration.minutes(5)),
      atLeast: 1,
      says: 'a count is not what its facts are, or a balance not what its lines are.',
      runbook: RUNBOOK.conservation,
      untilItSaysOtherwise: true,
    });
    new Alarm(this, 'NotRunning', {
      metric: own('ConservationChecked', Stats.SAMPLE_COUNT, Duration.hours(1)),
      threshold: 1,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: MISSED_RUNS,
      treatMissingData: TreatMissingData.BREACHING, // a check that does not run finds nothing
      alarmDescription: `${this.node.path}: nobody has checked for ${MISSED_RUNS} hours. Runbook: docs/operating/runbook.md#${RUNBOOK.conservation}`,
    });
  }
}
