import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { alarmOnAnyMessage, alarmOnBacklog, alarmOnFailedItems, RUNBOOK } from './alarms.ts';
import { LaurelFunction, type LaurelFunctionProps, WORKER_TIMEOUT } from './laurel-function.ts';
import { LaurelQueue } from './laurel-queue.ts';
import { drain } from './policies.ts';

/** Messages about the same thing are handled together, gathered for a second. */
const GATHERED = { batchSize: 100, window: Duration.seconds(1) } as const;
/** Messages that may each need the function's whole time. */
const ONE_BY_ONE = { batchSize: 1, window: Duration.seconds(0) } as const;

type Environment = LaurelFunctionProps['environment'];

type QueueWorkerProps = Omit<LaurelFunctionProps, 'timeout' | 'environment'> & {
  // a function that sends to its own queue needs the queue's URL
  readonly environment: Environment | ((queue: LaurelQueue) => Environment);
  readonly timeout?: Duration;
  readonly isOneByOne?: boolean;
  readonly queueRole: string;
  // limits the mapping; a reserved concurrency would throttle, and fill the dead-letter queue
  readonly maxConcurrency: number;
};

/** A queue, its consumer, its dead-letter queue, and their alarms. Callers add the function's permissions. */
export class QueueWorker extends Construct {
  readonly queue: LaurelQueue;
  readonly deadLetters: LaurelQueue;
  readonly worker: LaurelFunction;

  constructor(scope: Construct, id: string, { queueRole, maxConcurrency, ...props }: QueueWorkerProps) {
    super(scope, id);
    const { stage, environment, timeout = WORKER_TIMEOUT, isOneByOne = false, ...rest } = props;
    const { batchSize, window } = isOneByOne ? ONE_BY_ONE : GATHERED;
    this.deadLetters = new LaurelQueue(this, 'DeadLetters', { stage, role: `${queueRole}-dlq` });
    // AWS requires six times the function's timeout plus the batching window. Otherwise a slow batch is delivered
    // twice.
    const visibilityTimeout = Duration.seconds(6 * timeout.toSeconds() + window.toSeconds());
    this.queue = new LaurelQueue(this, 'Queue', {
      stage,
      role: queueRole,
      visibilityTimeout,
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: 5 },
    });
    this.worker = new LaurelFunction(this, 'Worker', {
      ...rest,
      stage,
      timeout,
      environment: typeof environment === 'function' ? environment(this.queue) : environment,
    });
    this.worker.allow(drain(this.queue));
    this.worker.fn.addEventSourceMapping('Messages', {
      eventSourceArn: this.queue.queueArn,
      batchSize,
      maxBatchingWindow: window,
      reportBatchItemFailures: true,
      maxConcurrency,
    });
    alarmOnAnyMessage(this.deadLetters, RUNBOOK.deadLetters);
    alarmOnBacklog(this.queue);
    alarmOnFailedItems(this.worker, visibilityTimeout);
  }
}
