import { randomUUID } from 'node:crypto';
import type { AwsCall } from '../aws-client.ts';
import type { Health, Outcome } from '../health.ts';
import type { FunctionPool } from '../lambda/function-pool.ts';
import type { StreamMappingModel } from '../template/stack-model.ts';
import type { Checkpoints } from './checkpoints.ts';
import { type EventSource, pause } from './event-source.ts';
import { failedItems } from './item-failures.ts';
import { type BatchDelivery, deliverBatch } from './stream-batch.ts';
import { type Shard, shardReader, shardsOf, type StreamRecord } from './stream-shard.ts';

export type StreamSource = EventSource & {
  readonly tableName: string;
  /** Reads now, because the table was written to, and does not wait for the next interval. */
  wake(): void;
};

/** The pause between two reads of an idle stream. A write through the proxy ends it early. */
const IDLE_MS = 1_000;
const AFTER_ERROR_MS = 1_000;
const FIND_SHARDS_MS = 30_000;
const MAX_BACK_OFF_MS = 10_000;
/** Stored as the sequence number when a shard is closed and was read to its end. */
const SHARD_END = 'SHARD_END';

export type StreamSourceOptions = {
  readonly mapping: StreamMappingModel;
  readonly pool: FunctionPool;
  /** Calls with the function's role, as Lambda's pollers do. */
  readonly call: AwsCall;
  readonly checkpoints: Checkpoints;
  readonly region: string;
  readonly clock: () => number;
  /** Waits before the next try of a failed batch. A test uses it to advance its own clock. */
  readonly backOff?: typeof pause | undefined;
  readonly report: (error: unknown) => void;
  readonly health: Health;
};

/**
 * Feeds a function from a table's stream, one shard after the other from its checkpoint, and each parent before its
 * children.
 */
export function startStreamSource(options: StreamSourceOptions): StreamSource {
  const { mapping, pool, call, checkpoints, clock, report, backOff = pause } = options;
  const streamArn = mapping.sourceArn;
  const checkpointName = `${mapping.functionName} ${streamArn}`;
  const stopping = new AbortController();
  const isStopping = () => stopping.signal.aborted;
  const readers = new Map<string, { seenWrites: number; isBusy: boolean; readonly running: Promise<void> }>();
  let writes = 1;
  let hasFoundShards = false;
  let flushes = 0;
  let awake = new AbortController();
  const wake = () => {
    writes += 1;
    awake.abort();
  };
  const rest = async () => {
    await pause(IDLE_MS, AbortSignal.any([awake.signal, stopping.signal]));
    if (awake.signal.aborted) awake = new AbortController();
  };

  const note = (outcome: Outcome) => {
    if (!isStopping()) options.health.note(pool.model.role, `the stream of ${tableOf(streamArn)}`, outcome);
  };
  const invoke = async (records: readonly StreamRecord[]) => {
    const Records = records.map((record) => ({ ...record, awsRegion: options.region, eventSourceARN: streamArn }));
    const result = await pool.invoke(JSON.stringify({ Records }));
    const ids = idsOf(records);
    const failed = failedItems(result, ids, mapping.reportsItemFailures);
    note({ failed: [...failed], done: ids.filter((id) => !failed.has(id)) });
    return result;
  };

  const giveUpIn =
    (shardId: string): BatchDelivery['giveUp'] =>
    async (records, condition, invocations) => {
      const message = failureMessage({
        records,
        condition,
        invocations,
        shardId,
        streamArn,
        functionArn: pool.model.arn,
      });
      note({ givenUp: idsOf(records) });
      report(new Error(`${pool.model.role}: ${records.length} records of ${shardId} given up: ${condition}`));
      if (mapping.failureQueue === undefined) return;
      const send = { QueueUrl: mapping.failureQueue.url, MessageBody: JSON.stringify(message(clock())) };
      await untilItWorks(() => call('AmazonSQS.SendMessage', send));
    };

  const untilItWorks = async (action: () => Promise<unknown>) => {
    while (!isStopping()) {
      try {
        return await action();
      } catch (error) {
        report(error);
        await pause(AFTER_ERROR_MS, stopping.signal);
      }
    }
    throw new Error('Stopped before the call succeeded'); // the checkpoint is kept, so the next start does it again
  };

  const deliver = async (shardId: string, records: readonly StreamRecord[]): Promise<boolean> => {
    const checkpoint = ({ dynamodb }: StreamRecord) =>
      checkpoints.write(checkpointName, shardId, dynamodb.SequenceNumber);
    const delivery: BatchDelivery = {
      mapping,
      invoke,
      giveUp: giveUpIn(shardId),
      done: mapping.lanes === 1 ? checkpoint : () => undefined,
      backOff: (attempt) => backOff(Math.min(MAX_BACK_OFF_MS, 200 * 2 ** attempt), stopping.signal),
      isStopping,
      clock,
    };
    const lanes = Map.groupBy(records.filter(mapping.accepts), ({ dynamodb }) => laneOf(dynamodb.Keys, mapping.lanes));
    const outcomes = await Promise.all(
      [...lanes.values()].map(async (lane) => {
        for (let start = 0; start < lane.length; start += mapping.batchSize) {
          if (!(await deliverBatch(delivery, lane.slice(start, start + mapping.batchSize)))) return false;
        }
        return true;
      }),
    );
    const isDone = outcomes.every((outcome) => outcome);
    const last = records.at(-1);
    if (isDone && last !== undefined) checkpoint(last);
    return isDone;
  };

  const read = async (shard: Shard, state: { seenWrites: number; isBusy: boolean }): Promise<void> => {
    const openAtCheckpoint = () =>
      shardReader({
        call,
        streamArn,
        shardId: shard.id,
        startingPosition: mapping.startingPosition,
        after: checkpoints.read(checkpointName, shard.id),
      });
    let reader = openAtCheckpoint();
    const limit = mapping.batchSize * mapping.lanes;
    while (!isStopping()) {
      try {
        const writesBefore = writes;
        const first = await reader.next(limit);
        if (first === undefined) {
          checkpoints.write(checkpointName, shard.id, SHARD_END);
          return;
        }
        const records = [...first];
        state.isBusy = records.length > 0;
        const until = clock() + mapping.windowMs;
        const flushesBefore = flushes;
        const isOpen = () => clock() < until && flushes === flushesBefore && !isStopping();
        while (records.length > 0 && records.length < limit && isOpen()) {
          await pause(Math.min(100, until - clock()), stopping.signal);
          const more = await reader.next(limit - records.length);
          if (more === undefined) break;
          records.push(...more);
        }
        if (records.length > 0) {
          if (!(await deliver(shard.id, records))) return;
          continue;
        }
        state.seenWrites = writesBefore;
        state.isBusy = false;
        await rest();
      } catch (error) {
        if (isStopping()) return;
        report(error);
        reader = openAtCheckpoint();
        await pause(AFTER_ERROR_MS, stopping.signal);
      }
    }
  };

  const findShards = async (): Promise<void> => {
    while (!isStopping()) {
      try {
        const shards = await shardsOf(call, streamArn);
        const isEnded = (id: string) => checkpoints.read(checkpointName, id) === SHARD_END;
        for (const shard of shards) {
          const isHeldBack = shards.some(({ id }) => id === shard.parent && !isEnded(id));
          if (isEnded(shard.id) || isHeldBack || readers.has(shard.id)) continue;
          const state = { seenWrites: 0, isBusy: true };
          const running = read(shard, state).finally(() => readers.delete(shard.id));
          readers.set(shard.id, Object.assign(state, { running }));
        }
        hasFoundShards ||= shards.length > 0; // a new stream may show no shards at first
        const ended = [...readers.values()].map(({ running }) => running);
        await Promise.race([pause(hasFoundShards ? FIND_SHARDS_MS : IDLE_MS, stopping.signal), ...ended]);
      } catch (error) {
        if (isStopping()) return;
        report(error);
        await pause(AFTER_ERROR_MS, stopping.signal);
      }
    }
  };
  const finding = findShards();

  return {
    name: `stream of ${tableOf(streamArn)} → ${pool.model.role}`,
    tableName: tableOf(streamArn),
    wake,
    isIdle: () =>
      hasFoundShards && [...readers.values()].every(({ seenWrites, isBusy }) => !isBusy && seenWrites === writes),
    flush: () => {
      flushes += 1;
    },
    async stop() {
      stopping.abort();
      await finding;
      await Promise.all([...readers.values()].map(({ running }) => running));
    },
  };
}

const idsOf = (records: readonly StreamRecord[]) => records.map(({ dynamodb }) => dynamodb.SequenceNumber);

const tableOf = (streamArn: string): string => streamArn.split('/')[1] ?? '';

/** Chooses a lane by the partition key, so that records of one key keep their order. */
function laneOf(keys: Readonly<Record<string, unknown>>, lanes: number): number {
  if (lanes === 1) return 0;
  const text = JSON.stringify(keys.pk ?? keys);
  let hash = 0;
  for (const character of text) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 1_000_003;
  return hash % lanes;
}

/** The message that Lambda sends to an on-failure queue: it has positions and no data. */
function failureMessage(given: {
  readonly records: readonly StreamRecord[];
  readonly condition: string;
  readonly invocations: number;
  readonly shardId: string;
  readonly streamArn: string;
  readonly functionArn: string;
}) {
  const first = given.records[0]?.dynamodb;
  const last = given.records.at(-1)?.dynamodb;
  const timeOf = (record: typeof first) => new Date((record?.ApproximateCreationDateTime ?? 0) * 1000).toISOString();
  return (now: number) => ({
    requestContext: {
      requestId: randomUUID(),
      functionArn: given.functionArn,
      condition: given.condition,
      approximateInvokeCount: given.invocations,
    },
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    version: '1.0',
    timestamp: new Date(now).toISOString(),
    DDBStreamBatchInfo: {
      shardId: given.shardId,
      startSequenceNumber: first?.SequenceNumber,
      endSequenceNumber: last?.SequenceNumber,
      approximateArrivalOfFirstRecord: timeOf(first),
      approximateArrivalOfLastRecord: timeOf(last),
      batchSize: given.records.length,
      streamArn: given.streamArn,
    },
  });
}
