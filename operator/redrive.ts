import { setTimeout as sleep } from 'node:timers/promises';
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

/** The names that an engine without the operation gives to its refusal. */
const NOT_BUILT_IN: ReadonlySet<string> = new Set([
  'InvalidAction',
  'AWS.SimpleQueueService.UnsupportedOperation',
  'UnsupportedOperation',
  'UnknownOperationException',
]);
/** A message is hidden while it is moved; if we end in between, it is there again after that. */
const MOVE_SECONDS = 60;
const FOLLOW_MS = 2_000;

export type Redrive = {
  readonly sqs: SQSClient;
  readonly from: string;
  readonly to: string;
  /** Messages a second; as fast as it goes where it is missing. */
  readonly rate: number | undefined;
  readonly clock: () => number;
  readonly onMoved: (moved: number, total: number | undefined) => void;
};

export type Redriven = { readonly moved: number; readonly by: 'task' | 'hand' };

/** Moves dead letters back to the queue they failed in: SQS's own task where there is one, else one by one. */
export async function redrive(options: Redrive): Promise<Redriven> {
  const arn = (await readQueue(options.sqs, options.from)).arn;
  if (arn !== undefined && (await startTask(options, arn))) {
    return { moved: await followTask(options, arn), by: 'task' };
  }
  return { moved: await moveByHand(options), by: 'hand' };
}

async function startTask({ sqs, rate }: Redrive, SourceArn: string): Promise<boolean> {
  try {
    // Without a destination they go where they came from.
    const perSecond = rate === undefined ? {} : { MaxNumberOfMessagesPerSecond: rate };
    await sqs.send(new StartMessageMoveTaskCommand({ SourceArn, ...perSecond }));
    return true;
  } catch (error) {
    if (error instanceof Error && NOT_BUILT_IN.has(error.name)) return false;
    throw error;
  }
}

const Task = z.object({
  Status: z.enum(['RUNNING', 'COMPLETED', 'CANCELLING', 'CANCELLED', 'FAILED']),
  ApproximateNumberOfMessagesMoved: z.number().default(0),
  ApproximateNumberOfMessagesToMove: z.number().optional(),
  FailureReason: z.string().optional(),
});

async function followTask({ sqs, onMoved }: Redrive, SourceArn: string): Promise<number> {
  for (;;) {
    const { Results = [] } = await sqs.send(new ListMessageMoveTasksCommand({ SourceArn, MaxResults: 1 }));
    if (Results.length === 0) {
      await sleep(FOLLOW_MS); // it was started a moment ago, and is not listed yet
      continue;
    }
    const task = Task.parse(Results[0]);
    onMoved(task.ApproximateNumberOfMessagesMoved, task.ApproximateNumberOfMessagesToMove);
    switch (task.Status) {
      case 'COMPLETED':
        return task.ApproximateNumberOfMessagesMoved;
      case 'RUNNING':
      case 'CANCELLING':
        await sleep(FOLLOW_MS);
        break;
      case 'CANCELLED':
      case 'FAILED': {
        const why = task.FailureReason ?? 'no reason given';
        throw new OperatorError('redrive_ended', `the task ended as ${task.Status.toLowerCase()}: ${why}`);
      }
    }
  }
}

/**
 * Sends each message anew and deletes it then: ended in between, it is in both queues, which is safe, since a message
 * only says what to recompute. What failed again since we began is left there, or this would never end.
 */
async function moveByHand({ sqs, from, to, rate, clock, onMoved }: Redrive): Promise<number> {
  const startedAt = clock();
  let moved = 0;
  const failedAgain = new Map<string, ReceivedMessage>();
  try {
    for (;;) {
      const messages = await receive(sqs, from, { limit: BATCH, hiddenSeconds: MOVE_SECONDS });
      if (messages.length === 0) return moved;
      for (const message of messages) {
        if (message.sentAt >= startedAt) {
          failedAgain.set(message.id, message); // hidden until the end, so that it does not come up again and again
          continue;
        }
        const { body, messageAttributes, handle } = message;
        const attributes = messageAttributes === undefined ? {} : { MessageAttributes: messageAttributes };
        await sqs.send(new SendMessageCommand({ QueueUrl: to, MessageBody: body, ...attributes }));
        await sqs.send(new DeleteMessageCommand({ QueueUrl: from, ReceiptHandle: handle }));
        moved += 1;
        onMoved(moved, undefined);
        if (rate !== undefined) await sleep(Math.max(0, startedAt + (moved * 1_000) / rate - clock()));
      }
    }
  } finally {
    await giveBack(sqs, from, [...failedAgain.values()]);
  }
}
