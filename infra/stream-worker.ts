import { Duration, Validations } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { FilterCriteria, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { addAlarm, alarmOnAnyMessage, alarmOnFailedItems, RUNBOOK } from './alarms.ts';
import { LaurelFunction, type LaurelFunctionProps, WORKER_TIMEOUT } from './laurel-function.ts';
import { LaurelQueue } from './laurel-queue.ts';
import { readStream, sendTo } from './policies.ts';

/** Far above the seconds it should be, far below the age at which a change is given up. */
const MAX_LAG = Duration.minutes(30);
/**
 * How long a change is tried for. A queue that is down, or a release that cannot read a change and is taken back, loses
 * nothing within that time. A stream forgets a change after 24 hours: the rest is left to read by hand what was given up.
 */
const GIVEN_UP_AFTER = Duration.hours(6);
const UNBOUNDED = -1;
/** Lambda tries a batch again at once, then ever more rarely, up to a minute apart. */
const MOST_BETWEEN_TRIES = Duration.minutes(1);

/** A table with a stream, and the sort keys of the items whose changes the function reads: all, where none are named. */
export type ChangeSource = { readonly table: TableV2; readonly sortKeys?: readonly string[] };

type StreamWorkerProps = Omit<LaurelFunctionProps, 'timeout'> & {
  readonly sources: Readonly<Record<string, ChangeSource>>;
};

/**
 * A function fed by the streams of tables. What it cannot handle for hours goes to the failure queue as a position without
 * data. A batch that fails is halved until the change that it fails for is alone: only what comes after that one waits.
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
    this.worker.allow(sendTo(this.failures)); // the mappings write their failures with the function's role
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
    alarmOnFailedItems(this.worker, MOST_BETWEEN_TRIES);
    addAlarm(this, 'Behind', {
      metric: this.worker.fn.metric('IteratorAge', { period: Duration.minutes(5), statistic: Stats.MAXIMUM }),
      atLeast: MAX_LAG.toMilliseconds(),
      says: `changes wait for ${MAX_LAG.toMinutes()} minutes before they are announced.`,
      runbook: RUNBOOK.streamFailures,
    });
  }
}
