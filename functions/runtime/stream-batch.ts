import * as z from 'zod/mini';
import type { LateStreams } from '../../domain/change-feed/late-streams.ts';
import { isoOf } from '../../domain/shared/utc.ts';
import { logger, publishFailedItems } from './log.ts';
import { once } from './once.ts';

const Batch = z.object({ Records: z.array(z.unknown()) });
const Position = z.object({
  eventSourceARN: z.optional(z.string()),
  dynamodb: z.object({ SequenceNumber: z.string() }),
});
/** The time of the commit, in seconds since the epoch, rounded. */
const Commit = z.object({
  eventSourceARN: z.string(),
  dynamodb: z.object({ ApproximateCreationDateTime: z.number() }),
});
/** `arn:aws:dynamodb:eu-west-1:123456789012:table/laurel-dev-telemetry/stream/2026-08-21T13:04:05.678` */
const tableOfStream = (arn: string): string => arn.split('/')[1] ?? '';

/**
 * A Lambda that reads a table's stream. It reads the records one by one. `onChanges` gets all that were readable.
 *
 * The first unreadable record is reported as failed: the mapping tries again from there, bisects, and in the end puts
 * the record's position into the failure queue. The records before and after it are announced anyway. A record
 * that comes twice is only announced twice. If `onChanges` throws, the batch fails from its start. `lateness` is told
 * of old records before they are handled, so that it knows even if the invocation is cut off.
 */
export function streamBatch<Deps, Change>(options: {
  readonly wire: () => Deps;
  /** Throws on a record that it cannot read; undefined for a change that matters to nobody. */
  readonly read: (from: { readonly table: string; readonly record: unknown }, deps: Deps) => Change | undefined;
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
    for (const record of Batch.parse(event).Records) {
      try {
        const { eventSourceARN, dynamodb } = Commit.parse(record);
        const committedAt = dynamodb.ApproximateCreationDateTime * 1_000;
        oldest = Math.min(oldest, committedAt);
        table = tableOfStream(eventSourceARN);
        const change = options.read({ table, record }, wired());
        if (change !== undefined) changes.push({ change, committedAt: isoOf(committedAt) });
      } catch (error) {
        const { dynamodb, eventSourceARN = '' } = Position.parse(record);
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
