import {
  ChangeMessageVisibilityBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { readBackfillEvent } from '../domain/backfill/backfill-event.ts';
import { RankRequested } from '../domain/messages/rank.message.ts';
import { RollUpRequested } from '../domain/messages/roll-up.message.ts';
import { ScoreRefreshRequested } from '../domain/messages/score-refresh.message.ts';
import { check, sentenceOf } from '../domain/shared/faults.ts';
import type { Connection } from './connection.ts';
import { usageError } from './outcome.ts';

const DEAD_LETTERS = '-dlq';
/** Where a stream mapping puts the positions of what it gave up on. */
const POSITIONS = '-failures';
/** Where EventBridge Scheduler puts the invocations that it could not make. */
const SCHEDULE = '-schedule-dlq';

/** SQS gives and takes ten at a time. */
export const BATCH = 10;
/** As long as a look may take; whatever happens to us, the messages are back after that. */
const LOOK_SECONDS = 30;

/** What is wrong with a message's value, so that it can never be read; undefined where nothing is. */
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

/** Who drains a queue, and what its messages are. */
const WORKERS: ReadonlyMap<string, { readonly consumer: string; readonly faultOf: FaultOf }> = new Map([
  ['score-refresh', { consumer: 'refresh-score', faultOf: faultBy(ScoreRefreshRequested) }],
  ['roll-up', { consumer: 'roll-up-metrics', faultOf: faultBy(RollUpRequested) }],
  ['rank', { consumer: 'rank-leaderboards', faultOf: faultBy(RankRequested) }],
  ['backfill', { consumer: 'backfill', faultOf: faultOfBackfill }],
]);

/** The functions that are fed, by the queue that feeds each; by the streams of tables where there is none. */
export const FED_FUNCTIONS: readonly { readonly role: string; readonly queue: string | null }[] = [
  ...[...WORKERS].map(([queue, { consumer }]) => ({ role: consumer, queue })),
  { role: 'announce-changes', queue: null },
];

/** Every queue of a stack by its role: of a deployed one, only what has one of these names is looked at. */
export const QUEUE_ROLES = [
  ...[...WORKERS.keys()].flatMap((queue) => [queue, `${queue}${DEAD_LETTERS}`]),
  `announce-changes${POSITIONS}`,
  `backfill${SCHEDULE}`,
  `rank${SCHEDULE}`,
] as const;

export type DeadLetterQueue = {
  readonly role: string;
  readonly url: string;
  /** Messages go back to where they failed; positions and invocations cannot. */
  readonly holds: 'messages' | 'positions' | 'invocations';
  readonly source: { readonly role: string; readonly url: string } | undefined;
  /** The function that refused what is in it. */
  readonly consumer: string | undefined;
  readonly faultOf: FaultOf | undefined;
};

export const isDeadLetterRole = (role: string): boolean => role.endsWith(DEAD_LETTERS) || role.endsWith(POSITIONS);

/** Every queue that should be empty. */
export async function deadLetterQueues(connection: Connection): Promise<readonly DeadLetterQueue[]> {
  const urls = await connection.queues();
  return [...urls.keys()]
    .filter(isDeadLetterRole)
    .toSorted()
    .map((role) => describe(role, urls));
}

/** By the queue's role or its dead letters' own. Throws a usage error that lists those there are. */
export async function deadLetterQueue(connection: Connection, name: string): Promise<DeadLetterQueue> {
  const urls = await connection.queues();
  const role = [name, `${name}-dlq`, `${name}-failures`].find((known) => isDeadLetterRole(known) && urls.has(known));
  if (role !== undefined) return describe(role, urls);
  const known = [...urls.keys()]
    .filter(isDeadLetterRole)
    .map((other) => (other.endsWith(DEAD_LETTERS) ? without(other, DEAD_LETTERS) : other));
  throw usageError(`queue: no queue ${name} has dead letters; there are ${known.toSorted().join(', ')}`);
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

/** Approximate, as SQS counts; null where the engine does not say. */
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
  /** Milliseconds since the epoch: when it was sent first, kept when SQS moved it. */
  readonly sentAt: number;
  /** Over both queues, looks included. */
  readonly receives: number;
  readonly messageAttributes: Message['MessageAttributes'];
};

/** Up to ten messages, hidden for `hiddenSeconds`. An empty answer to a poll of a second means that none is visible. */
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

/** Looks at a queue's messages and gives all of them back. */
export async function look(sqs: SQSClient, url: string, limit: number): Promise<readonly ReceivedMessage[]> {
  const seen = new Map<string, ReceivedMessage>();
  try {
    while (seen.size < limit) {
      const messages = await receive(sqs, url, { limit: limit - seen.size, hiddenSeconds: LOOK_SECONDS });
      // Seen again: the look took so long that the first ones are back.
      if (messages.every(({ id }) => seen.has(id))) break;
      for (const message of messages) seen.set(message.id, message);
    }
  } finally {
    await giveBack(sqs, url, [...seen.values()]);
  }
  return [...seen.values()].toSorted((a, b) => a.sentAt - b.sentAt);
}

/** Finds messages by their ids and hides them from others; all that it met on the way are given back. */
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

/** Makes them visible at once. One that cannot be is visible again by itself when its time is over. */
export async function giveBack(sqs: SQSClient, url: string, messages: readonly ReceivedMessage[]): Promise<void> {
  for (let from = 0; from < messages.length; from += BATCH) {
    const Entries = messages
      .slice(from, from + BATCH)
      .map(({ handle }, index) => ({ Id: String(index), ReceiptHandle: handle, VisibilityTimeout: 0 }));
    await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: url, Entries }));
  }
}
