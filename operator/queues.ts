import {
  ChangeMessageVisibilityBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { readBackfillEvent } from '../domain/backfill/backfill-event.ts';
import { EraseRequested } from '../domain/identity/erase.message.ts';
import { RankRequested } from '../domain/messages/rank.message.ts';
import { RollUpRequested } from '../domain/messages/roll-up.message.ts';
import { ScoreRefreshRequested } from '../domain/messages/score-refresh.message.ts';
import { check, sentenceOf } from '../domain/shared/faults.ts';
import type { Connection } from './connection.ts';
import { usageError } from './outcome.ts';

const DEAD_LETTERS = '-dlq';
/** The suffix of queues with positions that a stream mapping gave up. */
const POSITIONS = '-failures';
/** The suffix of queues with invocations that EventBridge Scheduler could not start. */
const SCHEDULE = '-schedule-dlq';

/** SQS's maximum per request. */
export const BATCH = 10;
/** The visibility timeout of a look: if the command dies, the messages are visible again after it. */
const LOOK_SECONDS = 30;

/** Returns the fault that makes a message unreadable, or undefined if there is none. */
type FaultOf = (value: unknown) => string | undefined;
const faultBy =
  (schema: z.core.$ZodType): FaultOf =>
  (value) => {
    const checked = check(schema, value, 'body');
    return checked.ok ? undefined : sentenceOf(checked.error);
  };
const faultOfBackfill: FaultOf = (value) => {
  const read = readBackfillEvent(value);
  return read.ok ? undefined : read.error.sentence;
};

/** The consumer of each queue, and the check of its messages. */
const WORKERS: ReadonlyMap<string, { readonly consumer: string; readonly faultOf: FaultOf }> = new Map([
  ['score-refresh', { consumer: 'refresh-score', faultOf: faultBy(ScoreRefreshRequested) }],
  ['roll-up', { consumer: 'roll-up-metrics', faultOf: faultBy(RollUpRequested) }],
  ['rank', { consumer: 'rank-leaderboards', faultOf: faultBy(RankRequested) }],
  ['backfill', { consumer: 'backfill', faultOf: faultOfBackfill }],
  ['erase', { consumer: 'erase-accounts', faultOf: faultBy(EraseRequested) }],
]);

/** The functions with a queue or streams as their source. `queue` is null for table streams. */
export const FED_FUNCTIONS: readonly { readonly role: string; readonly queue: string | null }[] = [
  ...[...WORKERS].map(([queue, { consumer }]) => ({ role: consumer, queue })),
  { role: 'announce-changes', queue: null },
];

/** The roles of all queues. On a deployed stack, only queues with these names are read. */
export const QUEUE_ROLES = [
  ...[...WORKERS.keys()].flatMap((queue) => [queue, `${queue}${DEAD_LETTERS}`]),
  `announce-changes${POSITIONS}`,
  `backfill${SCHEDULE}`,
  `rank${SCHEDULE}`,
] as const;

export type DeadLetterQueue = {
  readonly role: string;
  readonly url: string;
  /** Messages can go back to their source queue; positions and invocations cannot. */
  readonly holds: 'messages' | 'positions' | 'invocations';
  readonly source: { readonly role: string; readonly url: string } | undefined;
  /** The function that refused the messages. */
  readonly consumer: string | undefined;
  readonly faultOf: FaultOf | undefined;
};

export const isDeadLetterRole = (role: string): boolean => role.endsWith(DEAD_LETTERS) || role.endsWith(POSITIONS);

/** All queues that should be empty. */
export async function deadLetterQueues(connection: Connection): Promise<readonly DeadLetterQueue[]> {
  const urls = await connection.queues();
  return [...urls.keys()]
    .filter(isDeadLetterRole)
    .toSorted()
    .map((role) => describe(role, urls));
}

/** Finds a dead-letter queue by its own role or its source's role. Throws a usage error that lists the known ones. */
export async function deadLetterQueue(connection: Connection, name: string): Promise<DeadLetterQueue> {
  const urls = await connection.queues();
  const role = [name, `${name}-dlq`, `${name}-failures`].find((known) => isDeadLetterRole(known) && urls.has(known));
  if (role !== undefined) return describe(role, urls);
  const known = [...urls.keys()]
    .filter(isDeadLetterRole)
    .map((other) => (other.endsWith(DEAD_LETTERS) ? without(other, DEAD_LETTERS) : other));
  throw usageError(`queue: no dead-letter queue belongs to ${name}; known queues: ${known.toSorted().join(', ')}`);
}

const without = (role: string, ending: string): string => role.slice(0, -ending.length);

function describe(role: string, urls: ReadonlyMap<string, string>): DeadLetterQueue {
  const url = urls.get(role) ?? '';
  if (role.endsWith(POSITIONS)) {
    const consumer = without(role, POSITIONS);
    return { role, url, holds: 'positions', source: undefined, consumer, faultOf: undefined };
  }
  if (role.endsWith(SCHEDULE)) {
    return { role, url, holds: 'invocations', source: undefined, consumer: undefined, faultOf: undefined };
  }
  const sourceRole = without(role, DEAD_LETTERS);
  const sourceUrl = urls.get(sourceRole);
  const worker = WORKERS.get(sourceRole);
  const source = sourceUrl === undefined ? undefined : { role: sourceRole, url: sourceUrl };
  return { role, url, holds: 'messages', source, consumer: worker?.consumer, faultOf: worker?.faultOf };
}

const Depth = z.object({
  ApproximateNumberOfMessages: z.coerce.number().optional(),
  ApproximateNumberOfMessagesNotVisible: z.coerce.number().optional(),
  ApproximateNumberOfMessagesDelayed: z.coerce.number().optional(),
  QueueArn: z.string().optional(),
  VisibilityTimeout: z.coerce.number().optional(),
});

/** Approximate counts from SQS; null if the engine does not report one. */
export type QueueDepth = {
  readonly waiting: number | null;
  readonly inFlight: number | null;
  readonly delayed: number | null;
};

export async function readQueue(
  sqs: SQSClient,
  url: string,
): Promise<QueueDepth & { readonly arn: string | undefined; readonly visibilitySeconds: number }> {
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] }));
  const read = Depth.parse(Attributes ?? {});
  return {
    waiting: read.ApproximateNumberOfMessages ?? null,
    inFlight: read.ApproximateNumberOfMessagesNotVisible ?? null,
    delayed: read.ApproximateNumberOfMessagesDelayed ?? null,
    arn: read.QueueArn,
    visibilitySeconds: read.VisibilityTimeout ?? 0,
  };
}

const Attributes = z.object({
  SentTimestamp: z.coerce.number(),
  ApproximateReceiveCount: z.coerce.number(),
});
const Received = z.object({
  MessageId: z.string(),
  ReceiptHandle: z.string(),
  Body: z.string(),
  Attributes,
});

export type ReceivedMessage = {
  readonly id: string;
  readonly handle: string;
  readonly body: string;
  /** When it was first sent, in milliseconds since the epoch. SQS keeps this time when it moves a message. */
  readonly sentAt: number;
  /** The receive count over both queues. It includes looks. */
  readonly receives: number;
  readonly messageAttributes: Message['MessageAttributes'];
};

/**
 * Receives up to ten messages and hides them for `hiddenSeconds`. An empty answer to a one-second poll means that no
 * message is visible.
 */
export async function receive(
  sqs: SQSClient,
  url: string,
  { limit, hiddenSeconds }: { readonly limit: number; readonly hiddenSeconds: number },
): Promise<readonly ReceivedMessage[]> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: url,
      MaxNumberOfMessages: Math.min(BATCH, limit),
      VisibilityTimeout: hiddenSeconds,
      WaitTimeSeconds: 1,
      MessageSystemAttributeNames: ['SentTimestamp', 'ApproximateReceiveCount'],
      MessageAttributeNames: ['All'],
    }),
  );
  return Messages.map((message) => {
    const { MessageId, ReceiptHandle, Body, Attributes: attributes } = Received.parse(message);
    return {
      id: MessageId,
      handle: ReceiptHandle,
      body: Body,
      sentAt: attributes.SentTimestamp,
      receives: attributes.ApproximateReceiveCount,
      messageAttributes: message.MessageAttributes,
    };
  });
}

/** Reads a queue's messages and makes all of them visible again. */
export async function look(sqs: SQSClient, url: string, limit: number): Promise<readonly ReceivedMessage[]> {
  const seen = new Map<string, ReceivedMessage>();
  try {
    while (seen.size < limit) {
      const messages = await receive(sqs, url, { limit: limit - seen.size, hiddenSeconds: LOOK_SECONDS });
      // Seen before: the look took so long that the first messages are visible again.
      if (messages.every(({ id }) => seen.has(id))) break;
      for (const message of messages) seen.set(message.id, message);
    }
  } finally {
    await giveBack(sqs, url, [...seen.values()]);
  }
  return [...seen.values()].toSorted((a, b) => a.sentAt - b.sentAt);
}

/** Finds messages by their ids and hides them. All other received messages become visible again. */
export async function find(
  sqs: SQSClient,
  url: string,
  ids: ReadonlySet<string>,
): Promise<Map<string, ReceivedMessage>> {
  const found = new Map<string, ReceivedMessage>();
  const others = new Map<string, ReceivedMessage>();
  try {
    while (found.size < ids.size) {
      const messages = await receive(sqs, url, { limit: BATCH, hiddenSeconds: LOOK_SECONDS });
      if (messages.every(({ id }) => others.has(id))) break;
      for (const message of messages) (ids.has(message.id) ? found : others).set(message.id, message);
    }
  } finally {
    await giveBack(sqs, url, [...others.values()]);
  }
  return found;
}

/** Makes messages visible at once. If that fails, they become visible when their timeout ends. */
export async function giveBack(sqs: SQSClient, url: string, messages: readonly ReceivedMessage[]): Promise<void> {
  for (let from = 0; from < messages.length; from += BATCH) {
    const Entries = messages
      .slice(from, from + BATCH)
      .map(({ handle }, index) => ({ Id: String(index), ReceiptHandle: handle, VisibilityTimeout: 0 }));
    await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: url, Entries }));
  }
}
