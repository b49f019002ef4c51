import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
  type AttributeValue,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import type { Span } from './bill.ts';
import { itemSize, writeUnitsOf } from './item-size.ts';

/** The capacity that a client's requests consumed. */
export type Usage = {
  readonly readUnits: number;
  readonly writeUnits: number;
  readonly requests: number;
  readonly spans: readonly Span[];
  readonly transactions: number;
  /** Read and write units per table or `table/index`. */
  readonly byTarget: ReadonlyMap<string, number>;
};

export type CapacityMeter = {
  /** Measures the work. No other code may use the client meanwhile. */
  during(work: () => Promise<unknown>): Promise<Usage>;
};

const Units = z.object({ CapacityUnits: z.number() });
/** A caller that limits its own reads asks for the total alone. */
const Capacity = z
  .object({
    TableName: z.string(),
    CapacityUnits: z.number().default(0),
    Table: Units.optional(),
    GlobalSecondaryIndexes: z.record(z.string(), Units).default({}),
  })
  .transform(({ CapacityUnits, Table = { CapacityUnits }, ...capacity }) => ({ Table, ...capacity }));
const Answer = z.object({ ConsumedCapacity: z.union([z.array(Capacity), Capacity.transform((one) => [one])]) });
/** The fields of a write that determine the cost of a failed condition. */
const Write = z.looseObject({ TableName: z.string(), Item: z.custom<Record<string, AttributeValue>>().optional() });
const Transaction = z.object({ TransactItems: z.array(z.record(z.string(), Write)) });

const READS: ReadonlySet<string> = new Set([
  'GetItemCommand',
  'BatchGetItemCommand',
  'QueryCommand',
  'ScanCommand',
  'TransactGetItemsCommand',
]);
/** DynamoDB charges each item of a transaction twice: to prepare it and to commit it. */
const TRANSACTION_FACTOR = 2;

type Charge = { readonly target: string; readonly units: number };

/**
 * Counts the request units of all requests of a client, from DynamoDB's own `ConsumedCapacity`.
 *
 * A write whose condition fails reports no units, but costs as much as a write of the existing item. Each action of a
 * cancelled transaction costs twice that. For these, the meter makes the engine return the item.
 */
export function meterCapacity(client: DynamoDBClient): CapacityMeter {
  let counted = nothing();
  const count = (command: string, charges: readonly Charge[]) => {
    for (const { target, units } of charges) {
      counted.byTarget.set(target, (counted.byTarget.get(target) ?? 0) + units);
      if (READS.has(command)) counted.readUnits += units;
      else counted.writeUnits += units;
    }
    counted.requests += 1;
    if (command.startsWith('Transact')) counted.transactions += 1;
  };

  client.middlewareStack.add(
    (next, context) => async (args) => {
      const command = context.commandName ?? 'unknown';
      const from = performance.now();
      try {
        const input = { ...args.input, ReturnConsumedCapacity: 'INDEXES', ...showExisting(command, args.input) };
        const result = await next({ ...args, input });
        count(command, chargesOf(result.output));
        return result;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) count(command, [failedWrite(args.input, error)]);
        if (error instanceof TransactionCanceledException) count(command, cancelledWrites(args.input, error));
        throw error;
      } finally {
        counted.spans.push({ from, to: performance.now() });
      }
    },
    { step: 'initialize', name: 'capacity-meter' },
  );

  return {
    async during(work) {
      counted = nothing();
      await work();
      return counted;
    },
  };
}

const nothing = () => ({
  readUnits: 0,
  writeUnits: 0,
  requests: 0,
  spans: new Array<Span>(),
  transactions: 0,
  byTarget: new Map<string, number>(),
});

const ALL_OLD = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const;

function showExisting(command: string, input: unknown): object {
  if (command !== 'TransactWriteItemsCommand') {
    return ['PutItemCommand', 'UpdateItemCommand', 'DeleteItemCommand'].includes(command) ? ALL_OLD : {};
  }
  const { TransactItems } = Transaction.parse(input);
  return {
    TransactItems: TransactItems.map((action) =>
      Object.fromEntries(Object.entries(action).map(([kind, write]) => [kind, { ...write, ...ALL_OLD }])),
    ),
  };
}

/** The consumed units in an answer, by table and index. */
export const chargesOf = (output: unknown): readonly Charge[] =>
  Answer.parse(output).ConsumedCapacity.flatMap(({ TableName, Table, GlobalSecondaryIndexes }) => [
    { target: TableName, units: Table.CapacityUnits },
    ...Object.entries(GlobalSecondaryIndexes).map(([index, { CapacityUnits }]) => ({
      target: `${TableName}/${index}`,
      units: CapacityUnits,
    })),
  ]);

function failedWrite(input: unknown, { Item: existing = {} }: ConditionalCheckFailedException): Charge {
  return { target: Write.parse(input).TableName, units: writeUnitsOf(itemSize(existing)) };
}

function cancelledWrites(
  input: unknown,
  { CancellationReasons: reasons = [] }: TransactionCanceledException,
): readonly Charge[] {
  const writes = Transaction.parse(input).TransactItems.flatMap((action) => Object.values(action));
  return writes.map(({ TableName, Item: written = {} }, index) => {
    const existing = reasons[index]?.Item ?? {};
    const bytes = Math.max(itemSize(written), itemSize(existing));
    return { target: TableName, units: TRANSACTION_FACTOR * writeUnitsOf(bytes) };
  });
}
