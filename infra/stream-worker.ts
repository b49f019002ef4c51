import { Duration, Validations } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { FilterCriteria, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { addAlarm, alarmOnAnyMessage, alarmOnFailedItems, RUNBOOK } from './alarms.ts';
import { LaurelFunction, type LaurelFunctionProps, WORKER_TIMEOUT } from './laurel-function.ts';
import { LaurelQueue } from './laurel-queue.ts';
import { readStream, sendTo } from './policies.ts';

/** Far above the usual seconds, and far below the age at which a change is given up. */
const MAX_LAG = Duration.minutes(30);
/**
 * How long a change is retried. Within that time a broken queue, or a release that cannot read a change and is rolled
 * back, loses nothing. A stream keeps changes for 24 hours, so the rest of that time is left to read given-up changes
 * by hand.
 */
const GIVEN_UP_AFTER = Duration.hours(6);
const UNBOUNDED = -1;
/** Lambda retries a batch at once, then with growing pauses of at most a minute. */
const MAX_BETWEEN_TRIES = Duration.minutes(1);

/**
 * A table with a stream, and the sort keys of the items whose changes the function reads. If omitted, it reads all
 * changes.
 */
export type ChangeSource = { readonly table: TableV2; readonly sortKeys?: readonly string[] };

type StreamWorkerProps = Omit<LaurelFunctionProps, 'timeout'> & {
  readonly sources: Readonly<Record<string, ChangeSource>>;
};

/**
 * A function with table streams as its source. A record that fails for hours goes to the failure queue, as a position
 * without data. A failing batch is halved until the bad record is alone, so that only later records wait.
 */
export class StreamWorker extends Construct {
  readonly worker: LaurelFunction;
  readonly failures: LaurelQueue;

  constructor(scope: Construct, id: string, { sources, ...props }: StreamWorkerProps) {
    super(scope, id);
    const { stage, role } = props;
    this.worker = new LaurelFunction(this, 'Worker', { ...props, timeout: WORKER_TIMEOUT });
    this.failures = new LaurelQueue(this, 'Failures', { stage, role: `${role}-failures` });
    Validations.of(this.failures).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason:
        'It is the end of the line itself: the stream mapping writes to it, an operator reads it, nothing drains it.',
    });
    const { queueArn } = this.failures;
    this.worker.allow(sendTo(this.failures)); // the mappings report failures with the function's role
    for (const [name, { table, sortKeys }] of Object.entries(sources)) {
      const streamArn = table.tableStreamArn;
      if (streamArn === undefined) throw new Error(`${id}: its source ${name} has no stream`);
      this.worker.allow(readStream(streamArn));
      this.worker.fn.addEventSourceMapping(`${name}Changes`, {
        eventSourceArn: streamArn,
        startingPosition: StartingPosition.TRIM_HORIZON,
        batchSize: 100,
        maxBatchingWindow: Duration.seconds(1),
        parallelizationFactor: 1,
        bisectBatchOnError: true,
        reportBatchItemFailures: true,
        retryAttempts: UNBOUNDED,
        maxRecordAge: GIVEN_UP_AFTER,
        onFailure: { bind: () => ({ destination: queueArn }) },
        ...(sortKeys === undefined
          ? {}
          : { filters: [FilterCriteria.filter({ dynamodb: { Keys: { sk: { S: [...sortKeys] } } } })] }),
      });
    }
    alarmOnAnyMessage(this.failures, RUNBOOK.streamFailures);
    alarmOnFailedItems(this.worker, MAX_BETWEEN_TRIES);
    addAlarm(this, 'Behind', {
      metric: this.worker.fn.metric('IteratorAge', { period: Duration.minutes(5), statistic: Stats.MAXIMUM }),
      atLeast: MAX_LAG.toMilliseconds(),
      summary: `changes wait for ${MAX_LAG.toMinutes()} minutes before they are announced.`,
      runbook: RUNBOOK.streamFailures,
    });
  }
}
