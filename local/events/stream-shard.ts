import * as z from 'zod';
import { type AwsCall, AwsCallError } from '../aws-client.ts';

const StreamRecord = z.looseObject({
  dynamodb: z.looseObject({
    SequenceNumber: z.string(),
    ApproximateCreationDateTime: z.number(),
    Keys: z.record(z.string(), z.unknown()),
  }),
});
export type StreamRecord = z.infer<typeof StreamRecord>;

const Records = z.object({ Records: z.array(StreamRecord), NextShardIterator: z.string().nullish() });
const Iterator = z.object({ ShardIterator: z.string() });
const Description = z.object({
  StreamDescription: z.object({
    Shards: z.array(z.object({ ShardId: z.string(), ParentShardId: z.string().optional() })),
    LastEvaluatedShardId: z.string().optional(),
  }),
});

export type Shard = { readonly id: string; readonly parent: string | undefined };

/** Lists all shards of a stream. */
export async function shardsOf(call: AwsCall, StreamArn: string): Promise<readonly Shard[]> {
  const shards: Shard[] = [];
  let after: string | undefined;
  do {
    const page = await call('DynamoDBStreams_20120810.DescribeStream', {
      StreamArn,
      ...(after !== undefined && { ExclusiveStartShardId: after }),
    });
    const { Shards, LastEvaluatedShardId } = Description.parse(page).StreamDescription;
    shards.push(...Shards.map(({ ShardId, ParentShardId }) => ({ id: ShardId, parent: ParentShardId })));
    after = LastEvaluatedShardId;
  } while (after !== undefined);
  return shards;
}

/** Reads one shard in order. `next` returns undefined when the shard is closed and was read to its end. */
export function shardReader(options: {
  readonly call: AwsCall;
  readonly streamArn: string;
  readonly shardId: string;
  readonly startingPosition: 'TRIM_HORIZON' | 'LATEST';
  readonly after: string | undefined;
}): { next(limit: number): Promise<readonly StreamRecord[] | undefined> } {
  const { call, streamArn: StreamArn, shardId: ShardId } = options;
  let position = options.after;
  let iterator: string | null | undefined;

  const open = async (): Promise<string> => {
    const at =
      position === undefined
        ? { ShardIteratorType: options.startingPosition }
        : { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: position };
    const answer = await call('DynamoDBStreams_20120810.GetShardIterator', { StreamArn, ShardId, ...at });
    return Iterator.parse(answer).ShardIterator;
  };

  const read = async (limit: number): Promise<readonly StreamRecord[] | undefined> => {
    if (iterator === null) return undefined;
    iterator ??= await open();
    const ShardIterator = iterator;
    iterator = undefined; // after an error the next read opens a new iterator at the same position
    const answer = Records.parse(
      await call('DynamoDBStreams_20120810.GetRecords', { ShardIterator, Limit: Math.min(1000, limit) }),
    );
    position = answer.Records.at(-1)?.dynamodb.SequenceNumber ?? position;
    iterator = answer.NextShardIterator ?? null;
    return answer.Records;
  };

  return {
    async next(limit) {
      try {
        return await read(limit);
      } catch (error) {
        const isTrimmed = error instanceof AwsCallError && error.name === 'TrimmedDataAccessException';
        if (!isTrimmed) throw error;
        // The position is older than the 24 hours that a stream keeps. DynamoDB Local gives the same error for an
        // iterator older than the first record.
        position = undefined;
        return read(limit);
      }
    },
  };
}
