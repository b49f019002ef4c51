import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, MathExpression, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import { addAlarm, alarmOnAsynchronousInvocations, ownMetric, RUNBOOK } from './alarms.ts';
import type { LaurelQueue } from './laurel-queue.ts';
import { LaurelFunction, type LaurelFunctionProps } from './laurel-function.ts';
import { scheduleGroup } from './schedule-group.ts';
import { scheduleRole } from './schedule-role.ts';
import type { Stage } from './stage.ts';
import { physicalName } from '../functions/runtime/names.ts';

const ROLE = 'check-conservation';
/** Long enough to see whether a difference lasts: see its handler. */
const TIMEOUT = Duration.minutes(15);
/** Fifteen minutes after the hourly backfill has requested the refresh of outdated scores. */
const HOURLY = 'cron(50 * * * ? *)';
/** One run may be late or fail. After two missing runs, nothing is checked any more. */
const MISSED_RUNS = 2;

/** SQS publishes a metric once a minute; a few data points may be lost. */
const MINUTES_OF_AN_HOUR = 55;

type ConsistencyCheckProps = {
  readonly stage: Stage;
  readonly environment: LaurelFunctionProps['environment'];
  /** Any queue with a consumer. Its metric shows how long the stack has existed. */
  readonly polledQueue: LaurelQueue;
};

/**
 * The hourly comparison of metrics and scores with the facts, and of balances with the ledger. Its alarms go off on any
 * difference, and if it has not run. Callers add the function's read permissions.
 */
export class ConsistencyCheck extends Construct {
  readonly worker: LaurelFunction;

  constructor(scope: Construct, id: string, { stage, environment, polledQueue }: ConsistencyCheckProps) {
    super(scope, id);
    this.worker = new LaurelFunction(this, 'Worker', {
      stage,
      role: ROLE,
      environment,
      timeout: TIMEOUT,
      memoryMegabytes: 1_024, // a look at all suspects takes less than half of the time that is kept for it
    });
    const { functionArn } = this.worker.fn;
    const role = scheduleRole(this, 'ScheduleRole', 'lambda:InvokeFunction', [functionArn]);
    const schedule = new CfnSchedule(this, 'Hourly', {
      name: physicalName(stage, 'conservation-hourly'),
      groupName: scheduleGroup(this, stage),
      description: 'Checks that nothing accepted or granted was lost',
      scheduleExpression: HOURLY,
      scheduleExpressionTimezone: 'UTC',
      flexibleTimeWindow: { mode: 'OFF' },
      state: 'ENABLED',
      // A missed run is not repeated: the next one is an hour away, and an alarm reports missing runs.
      target: {
        arn: functionArn,
        roleArn: role.roleArn,
        input: '{}',
        retryPolicy: { maximumRetryAttempts: 3, maximumEventAgeInSeconds: Duration.minutes(10).toSeconds() },
      },
    });
    schedule.node.addDependency(role); // also its policy: a schedule is refused until its role may invoke

    alarmOnAsynchronousInvocations(this.worker); // Scheduler invokes it asynchronously
    addAlarm(this, 'Different', {
      metric: ownMetric('ConservationDifferent', this.worker.name, {
        statistic: Stats.MAXIMUM,
        period: Duration.minutes(5),
      }),
      atLeast: 1,
      summary:
        'a count differs from its facts, or a balance from its lines. The alarm stays until the account is right.',
      runbook: RUNBOOK.conservation,
      untilNextReport: true,
    });
    const hourly = { statistic: Stats.SAMPLE_COUNT, period: Duration.hours(1) };
    new Alarm(this, 'NotRunning', {
      // The queue has a metric every minute from the start of the stack. An hour with less data is the first one, in
      // which no run is required.
      metric: new MathExpression({
        expression: `IF(minutes >= ${MINUTES_OF_AN_HOUR}, FILL(runs, 0), 1)`,
        usingMetrics: {
          minutes: polledQueue.metricApproximateNumberOfMessagesVisible(hourly),
          runs: ownMetric('ConservationChecked', this.worker.name, hourly),
        },
        period: hourly.period,
      }),
      threshold: 1,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: MISSED_RUNS,
      treatMissingData: TreatMissingData.IGNORE, // nothing is known before the first full hour
      alarmDescription: `${this.node.path}: nobody has checked for ${MISSED_RUNS} hours. Runbook: docs/operating/runbook.md#${RUNBOOK.conservation}`,
    });
  }
}
