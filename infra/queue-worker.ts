import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { alarmOnAnyMessage, alarmOnBacklog, alarmOnFailedItems, RUNBOOK } from './alarms.ts';
import { LaurelFunction, type LaurelFunctionProps, WORKER_TIMEOUT } from './laurel-function.ts';
import { LaurelQueue } from './laurel-queue.ts';
import { drain } from './policies.ts';

/** Messages that are handled together where they are about the same thing: gathered for a second. */
const GATHERED = { batchSize: 100, window: Duration.seconds(1) } as const;
/** Messages that may each take the function's whole time. */
const ONE_BY_ONE = { batchSize: 1, window: Duration.seconds(0) } as const;

type Environment = LaurelFunctionProps['environment'];

type QueueWorkerProps = Omit<LaurelFunctionProps, 'timeout' | 'environment'> & {
  readonly environment: Environment | ((queue: LaurelQueue) => Environment); // a function that sends to its own queue needs its URL
  readonly timeout?: Duration;
  readonly isOneByOne?: boolean;
  readonly queueRole: string;
  readonly maxConcurrency: number; // bounds the mapping: a reserved concurrency would throttle, and fill the dead letters
};

/** A queue, the function that drains it, its dead letters, and the alarms on them. Callers add the function's grants. */
export class QueueWorker extends Construct {
  readonly queue: LaurelQueue;
  readonly deadLetters: LaurelQueue;
  readonly worker: LaurelFunction;

  constructor(scope: Construct, id: string, { queueRole, maxConcurrency, ...props }: QueueWorkerProps) {
    super(scope, id);
    const { stage, environment, timeout = WORKER_TIMEOUT, isOneByOne = false, ...rest } = props;
    const { batchSize, window } = isOneByOne ? ONE_BY_ONE : GATHERED;
    this.deadLetters = new LaurelQueue(this, 'DeadLetters', { stage, role: `${queueRole}-dlq` });
    // AWS: six times the function's timeout and the batching window, or a slow batch is handed out twice
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
