import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { alarmOnAnyMessage, alarmOnBacklog, RUNBOOK } from './alarms.ts';
import { LaurelFunction, type LaurelFunctionProps, WORKER_TIMEOUT } from './laurel-function.ts';
import { LaurelQueue } from './laurel-queue.ts';

const BATCHING_WINDOW = Duration.seconds(1);

type QueueWorkerProps<Env> = Omit<LaurelFunctionProps<Env>, 'timeout'> & {
  readonly queueRole: string;
  readonly maxConcurrency: number; // bounds the mapping: a reserved concurrency would throttle, and fill the dead letters
};

/** A queue, the function that drains it, its dead letters, and the alarms on them. Callers add the function's grants. */
export class QueueWorker<Env extends Record<string, string>> extends Construct {
  readonly queue: LaurelQueue;
  readonly deadLetters: LaurelQueue;
  readonly worker: LaurelFunction<Env>;

  constructor(scope: Construct, id: string, { queueRole, maxConcurrency, ...props }: QueueWorkerProps<Env>) {
    super(scope, id);
    const { stage } = props;
    this.worker = new LaurelFunction<Env>(this, 'Worker', { ...props, timeout: WORKER_TIMEOUT });
    this.deadLetters = new LaurelQueue(this, 'DeadLetters', { stage, role: `${queueRole}-dlq` });
    this.queue = new LaurelQueue(this, 'Queue', {
      stage,
      role: queueRole,
      // AWS: six times the function's timeout and the batching window, or a slow batch is handed out twice
      visibilityTimeout: Duration.seconds(6 * WORKER_TIMEOUT.toSeconds() + BATCHING_WINDOW.toSeconds()),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: 5 },
    });
    this.worker.allow(['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], this.queue.queueArn);
    this.worker.fn.addEventSourceMapping('Messages', {
      eventSourceArn: this.queue.queueArn,
      batchSize: 100,
      maxBatchingWindow: BATCHING_WINDOW,
      reportBatchItemFailures: true,
      maxConcurrency,
    });
    alarmOnAnyMessage(this.deadLetters, RUNBOOK.deadLetters);
    alarmOnBacklog(this.queue);
  }
}
