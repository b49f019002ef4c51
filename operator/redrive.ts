import {
  DeleteMessageCommand,
  ListMessageMoveTasksCommand,
  SendMessageCommand,
  type SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { OperatorError } from './outcome.ts';
import { BATCH, giveBack, readQueue, receive, type ReceivedMessage } from './queues.ts';

/** The error names of an engine without the operation. */
const NOT_BUILT_IN: ReadonlySet<string> = new Set([
  'InvalidAction',
  'AWS.SimpleQueueService.UnsupportedOperation',
  'UnsupportedOperation',
  'UnknownOperationException',
]);
/** A message is hidden while it is moved. If this process ends meanwhile, it is visible again after this time. */
const MOVE_SECONDS = 60;
const FOLLOW_MS = 2_000;
/** SQS's maximum. */
const MAX_LISTED = 10;

export type Redrive = {
  readonly sqs: SQSClient;
  readonly from: string;
  readonly to: string;
  /** Messages per second; no limit if undefined. */
  readonly rate: number | undefined;
  readonly clock: () => number;
  readonly wait: (milliseconds: number) => Promise<unknown>;
  readonly onMoved: (moved: number, total: number | undefined) => void;
};

export type Redriven = { readonly moved: number; readonly by: 'task' | 'hand' };

/** Moves dead letters back to their source queue, by SQS's own task if the engine has one, otherwise one by one. */
export async function redrive(options: Redrive): Promise<Redriven> {
  const arn = (await readQueue(options.sqs, options.from)).arn;
  const earlier = arn === undefined ? undefined : await tasksOf(options.sqs, arn);
  if (arn === undefined || earlier === undefined) return { moved: await moveByHand(options), by: 'hand' };
  const running = earlier.find(isUnderWay);
  if (running !== undefined) {
    const { ApproximateNumberOfMessagesMoved: moved, StartedTimestamp: started } = running;
    const since = started === undefined ? '' : ` since ${new Date(started).toISOString()}`;
    throw new OperatorError(
      'redrive_running',
      `another redrive of this queue is running${since}, ${moved} moved so far`,
    );
  }
  // Without a destination, messages go back to their source.
  const perSecond = options.rate === undefined ? {} : { MaxNumberOfMessagesPerSecond: options.rate };
  const { TaskHandle } = await options.sqs.send(new StartMessageMoveTaskCommand({ SourceArn: arn, ...perSecond }));
  const known = new Set(earlier.map(({ StartedTimestamp }) => StartedTimestamp));
  // SQS lists a handle only while its task runs. A queue has one task at a time, so ours is the first new one.
  const ours = (tasks: readonly Task[]) =>
    tasks.find((task) => task.TaskHandle !== undefined && task.TaskHandle === TaskHandle) ??
    tasks.findLast(({ StartedTimestamp }) => !known.has(StartedTimestamp));
  return { moved: await followTask(options, arn, ours), by: 'task' };
}

const Task = z.object({
  TaskHandle: z.string().optional(),
  Status: z.enum(['RUNNING', 'COMPLETED', 'CANCELLING', 'CANCELLED', 'FAILED']),
  StartedTimestamp: z.number().optional(),
  ApproximateNumberOfMessagesMoved: z.number().default(0),
  ApproximateNumberOfMessagesToMove: z.number().optional(),
  FailureReason: z.string().optional(),
});
type Task = z.infer<typeof Task>;

const isUnderWay = ({ Status }: Task): boolean => Status === 'RUNNING' || Status === 'CANCELLING';

/** The last tasks of a queue, newest first; undefined if the engine does not support tasks. */
async function tasksOf(sqs: SQSClient, SourceArn: string): Promise<readonly Task[] | undefined> {
  try {
    const { Results = [] } = await sqs.send(new ListMessageMoveTasksCommand({ SourceArn, MaxResults: MAX_LISTED }));
    const tasks = Results.map((result) => Task.parse(result));
    return tasks.toSorted((a, b) => (b.StartedTimestamp ?? 0) - (a.StartedTimestamp ?? 0));
  } catch (error) {
    if (error instanceof Error && NOT_BUILT_IN.has(error.name)) return undefined;
    throw error;
  }
}

async function followTask(
  { sqs, wait, onMoved }: Redrive,
  arn: string,
  ours: (tasks: readonly Task[]) => Task | undefined,
): Promise<number> {
  for (;;) {
    const task = ours((await tasksOf(sqs, arn)) ?? []);
    if (task !== undefined) {
      onMoved(task.ApproximateNumberOfMessagesMoved, task.ApproximateNumberOfMessagesToMove);
      if (task.Status === 'COMPLETED') return task.ApproximateNumberOfMessagesMoved;
      if (!isUnderWay(task)) {
        const why = task.FailureReason ?? 'no reason given';
        throw new OperatorError('redrive_ended', `the task ended as ${task.Status.toLowerCase()}: ${why}`);
      }
    }
    await wait(FOLLOW_MS); // it is running, or it has just started and is not listed yet
  }
}

/**
 * Sends each message again and then deletes the original. After a crash in between, the message is in both queues,
 * which is safe, because it only asks for a recomputation. Messages that failed again since the start are left,
 * otherwise this would never end.
 */
async function moveByHand({ sqs, from, to, rate, clock, wait, onMoved }: Redrive): Promise<number> {
  const startedAt = clock();
  let moved = 0;
  const failedAgain = new Map<string, ReceivedMessage>();
  try {
    for (;;) {
      const messages = await receive(sqs, from, { limit: BATCH, hiddenSeconds: MOVE_SECONDS });
      if (messages.length === 0) return moved;
      for (const message of messages) {
        if (message.sentAt >= startedAt) {
          failedAgain.set(message.id, message); // hidden until the end, so that it is not received again and again
          continue;
        }
        const { body, messageAttributes, handle } = message;
        const attributes = messageAttributes === undefined ? {} : { MessageAttributes: messageAttributes };
        await sqs.send(new SendMessageCommand({ QueueUrl: to, MessageBody: body, ...attributes }));
        await sqs.send(new DeleteMessageCommand({ QueueUrl: from, ReceiptHandle: handle }));
        moved += 1;
        onMoved(moved, undefined);
        if (rate !== undefined) await wait(Math.max(0, startedAt + (moved * 1_000) / rate - clock()));
      }
    }
  } finally {
    await giveBack(sqs, from, [...failedAgain.values()]);
  }
}
