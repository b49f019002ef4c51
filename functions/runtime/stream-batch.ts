import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import * as z from 'zod/mini';
import type { LateStreams } from '../../domain/change-feed/late-streams.ts';
import { isoOf } from '../../domain/shared/utc.ts';
import type { StreamChange } from '../adapters/dynamodb/change-feed/stream-change.ts';
import { logger, publishFailedItems } from './log.ts';
import { once } from './once.ts';

/** Binary values reach a Lambda as base64 text; everything else as the SDK has it. */
const Bytes = z.pipe(
  z.string(),
  z.transform((base64) => new Uint8Array(Buffer.from(base64, 'base64'))),
);
const Attribute: z.ZodMiniType<AttributeValue> = z.lazy(() =>
  z.union([
    z.object({ S: z.string() }),
    z.object({ N: z.string() }),
    z.object({ BOOL: z.boolean() }),
    z.object({ NULL: z.literal(true) }),
    z.object({ B: Bytes }),
    z.object({ SS: z.array(z.string()) }),
    z.object({ NS: z.array(z.string()) }), // no item has one unless a hand put it there
    z.object({ BS: z.array(Bytes) }),
    z.object({ L: z.array(Attribute) }),
    z.object({ M: z.record(z.string(), Attribute) }),
  ]),
);
const Image = z.record(z.string(), Attribute);
/** `arn:aws:dynamodb:eu-west-1:123456789012:table/laurel-dev-telemetry/stream/2026-08-21T13:04:05.678` */
const tableOfStream = (arn: string): string => arn.split('/')[1] ?? '';
const Record = z.object({
  eventSourceARN: z.string(),
  dynamodb: z.object({
    SequenceNumber: z.string(),
    /** Seconds since the epoch, rounded. */
    ApproximateCreationDateTime: z.number(),
    Keys: Image,
    OldImage: z.optional(Image),
    NewImage: z.optional(Image),
  }),
});
const Batch = z.object({ Records: z.array(z.unknown()) });
const Position = z.object({
  eventSourceARN: z.optional(z.string()),
  dynamodb: z.object({ SequenceNumber: z.string() }),
});

/**
 * A Lambda that reads a table's stream. Records are parsed one by one; `onChanges` gets all that could be read.
 *
 * The first record that could not is reported as failed: the mapping tries again from there, bisects, and in the end
 * puts the record's position into the failure queue. Those before it and after it are announced all the same; what
 * comes twice only announces twice. A throw of `onChanges` fails the batch from its start. `lateness` is told of old
 * records before they are handled, so that it knows even if the invocation is cut off.
 */
export function streamBatch<Deps, Change>(options: {
  readonly wire: () => Deps;
  /** Throws on what it cannot read; undefined for a change that matters to nobody. */
  readonly read: (change: StreamChange, deps: Deps) => Change | undefined;
  readonly onChanges: (
    deps: Deps,
    changes: { readonly change: Change; readonly committedAt: string }[],
  ) => Promise<void>;
  readonly lateness: (deps: Deps) => LateStreams;
}): (event: unknown) => Promise<{ batchItemFailures: { itemIdentifier: string }[] }> {
  const wired = once(options.wire);

  return async (event) => {
    const changes: { change: Change; committedAt: string }[] = [];
    const failed: string[] = [];
    let oldest = Infinity;
    let table = ''; // a batch is of one stream
    for (const raw of Batch.parse(event).Records) {
      const parsed = Record.safeParse(raw);
      try {
        if (!parsed.success) throw parsed.error;
        const { Keys, OldImage, NewImage, ApproximateCreationDateTime } = parsed.data.dynamodb;
        const committedAt = ApproximateCreationDateTime * 1_000;
        oldest = Math.min(oldest, committedAt);
        table = tableOfStream(parsed.data.eventSourceARN);
        const change = options.read({ table, keys: Keys, before: OldImage, after: NewImage }, wired());
        if (change !== undefined) changes.push({ change, committedAt: isoOf(committedAt) });
      } catch (error) {
        const { dynamodb, eventSourceARN = '' } = Position.parse(raw);
        const position = dynamodb.SequenceNumber;
        logger.error('unreadable stream record', { table: tableOfStream(eventSourceARN), position, error });
        failed.push(position);
      }
    }
    publishFailedItems(failed.length);
    const lateness = options.lateness(wired());
    await lateness.read(oldest);
    try {
      await options.onChanges(wired(), changes);
    } catch (error) {
      logger.error('changes could not be announced', { table, error });
      await lateness.failed();
      throw error;
    }
    if (failed.length > 0) await lateness.failed();
    return { batchItemFailures: failed.slice(0, 1).map((itemIdentifier) => ({ itemIdentifier })) };
  };
}
