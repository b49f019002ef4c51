import { Duration, Validations } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { addAlarm, alarmOnAnyMessage, RUNBOOK } from './alarms.ts';
import { LaurelFunction, type LaurelFunctionProps, WORKER_TIMEOUT } from './laurel-function.ts';
import { LaurelQueue } from './laurel-queue.ts';

/** Far above the seconds it should be, far below the 24 hours after which a stream forgets a change. */
const MAX_LAG = Duration.minutes(30);

type StreamWorkerProps<Env> = Omit<LaurelFunctionProps<Env>, 'timeout'> & {
  readonly sources: Readonly<Record<string, TableV2>>; // each has a stream
};

/**
 * A function fed by the streams of tables. What it cannot handle after bounded retries goes to the failure queue as a
 * position without data, so that one bad record does not hold up its shard for a day.
 */
export class StreamWorker<Env extends Record<string, string>> extends Construct {
  readonly worker: LaurelFunction<Env>;
  readonly failures: LaurelQueue;

  constructor(scope: Construct, id: string, { sources, ...props }: StreamWorkerProps<Env>) {
    super(scope, id);
    const { stage, role } = props;
    this.worker = new LaurelFunction<Env>(this, 'Worker', { ...props, timeout: WORKER_TIMEOUT });
    this.failures = new LaurelQueue(this, 'Failures', { stage, role: `${role}-failures` });
    Validations.of(this.failures).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason:
        'It is the end of the line itself: the stream mapping writes to it, an operator reads it, nothing drains it.',
    });
    const { queueArn } = this.failures;
    this.worker.allow(['sqs:SendMessage'], queueArn); // the mappings write their failures with the function's role
    for (const [name, table] of Object.entries(sources)) {
      const streamArn = table.tableStreamArn;
      if (streamArn === undefined) throw new Error(`${id}: its source ${name} has no stream`);
      this.worker.allow(['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'], streamArn);
      this.worker.fn.addEventSourceMapping(`${name}Changes`, {
        eventSourceArn: streamArn,
        startingPosition: StartingPosition.TRIM_HORIZON,
        batchSize: 100,
        maxBatchingWindow: Duration.seconds(1),
        parallelizationFactor: 1,
        bisectBatchOnError: true,
        reportBatchItemFailures: true,
        retryAttempts: 5,
        maxRecordAge: Duration.hours(24),
        onFailure: { bind: () => ({ destination: queueArn }) },
      });
    }
    alarmOnAnyMessage(this.failures, RUNBOOK.streamFailures);
    addAlarm(this, 'Behind', {
      metric: this.worker.fn.metric('IteratorAge', { period: Duration.minutes(5), statistic: Stats.MAXIMUM }),
      atLeast: MAX_LAG.toMilliseconds(),
      says: `changes wait for ${MAX_LAG.toMinutes()} minutes before they are announced.`,
      runbook: RUNBOOK.streamFailures,
    });
  }
}
