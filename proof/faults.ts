import {
  TransactionCanceledException,
  TransactionConflictException,
  TransactionInProgressException,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { fractionOf, hashOf } from './chance.ts';

/**
 * The only injector of faults: the property tests and the simulator put their clients under control here.
 *
 * A fault is that of one try of a request, inside the SDK's retry loop. The SDK itself retries after `lost` and
 * `throttled`. A `throw` leaves the SDK, as if the function had died there. After a `kill` the invocation runs no more
 * code. `before` and `after`: whether the engine executed the request.
 */
export const FAULTS = [
  'lost before',
  'lost after',
  'throttled',
  'throw before',
  'throw after',
  'kill before',
  'kill after',
  'conflict',
  'throttled transaction',
  'transaction in progress',
  'unprocessed',
  'failed entries',
] as const;
export type Fault = (typeof FAULTS)[number];

/** Faults that any request of a single function can have. */
export const PLAIN_FAULTS = ['lost before', 'lost after', 'throttled', 'throw before', 'throw after'] as const;
/** False for an error that leaves the SDK. */
export const isRetriedBySdk = (fault: Fault): boolean => fault.startsWith('lost') || fault === 'throttled';
/** True if the engine has executed the request although the caller got no answer. */
export const isDone = (fault: Fault): boolean => fault.endsWith('after') || fault === 'transaction in progress';
export const isKill = (fault: Fault): boolean => fault.startsWith('kill');

const WRITES = /^(?:Put|Update|Delete|TransactWrite|BatchWrite)/u;
/** True if a command, by its name, changes data. */
export const isWrite = (command: string): boolean => WRITES.test(command);

/** One try of a request. Its name determines its fault within a seed. */
export type Try = { readonly name: string; readonly command: string; readonly input: object };

const EITHER_WAY: readonly Fault[] = ['lost before', 'throttled', 'throw before', 'kill before'];
const OF_WRITES: readonly Fault[] = [...EITHER_WAY, 'lost after', 'throw after', 'kill after'];
/** Batches are rare, and only they can be left unprocessed. So they get this fault as often as all others together. */
const OFTEN_UNPROCESSED: readonly Fault[] = Array.from({ length: EITHER_WAY.length }, () => 'unprocessed');
const POSSIBLE = new Map<string, readonly Fault[]>([
  ['PutItemCommand', [...OF_WRITES, 'conflict']],
  ['UpdateItemCommand', OF_WRITES],
  ['TransactWriteItemsCommand', [...OF_WRITES, 'conflict', 'throttled transaction', 'transaction in progress']],
  ['BatchWriteItemCommand', [...OF_WRITES, ...OFTEN_UNPROCESSED]],
  ['BatchGetItemCommand', [...EITHER_WAY, ...OFTEN_UNPROCESSED]],
  ['SendMessageBatchCommand', [...OF_WRITES, 'failed entries']],
  ['pause', []],
]);

/** There are many more reads than writes, and fewer faults affect them. */
const WRITES_ARE_WORSE = 3;

/** Only this table has transactions beside writes of single items, so only there such a conflict is possible. */
const HAS_TRANSACTIONS = 'telemetry';
const Put = z.object({ TableName: z.string() });

/**
 * The faults of a schedule, determined by its seed and the try's own name, so that each can be removed separately.
 */
export type SeedPlan = {
  readonly seed: string;
  /** The share of reads with a fault. Writes have three times as many. */
  readonly rate: number;
  /** The names of tries without a fault. */
  readonly without: ReadonlySet<string>;
};

export function faultOf(plan: SeedPlan, { name, command, input }: Try): Fault | undefined {
  if (plan.without.has(name)) return undefined;
  const possible = POSSIBLE.get(command) ?? EITHER_WAY;
  const isRead = possible === EITHER_WAY;
  if (fractionOf(`${plan.seed} fault ${name}`) >= plan.rate * (isRead ? 1 : WRITES_ARE_WORSE)) return undefined;
  const fault = possible[hashOf(`${plan.seed} kind ${name}`) % Math.max(1, possible.length)];
  const isSinglePut = fault === 'conflict' && command === 'PutItemCommand';
  if (isSinglePut && !Put.parse(input).TableName.includes(HAS_TRANSACTIONS)) return 'lost after';
  return fault;
}

const injected = new WeakSet<Error>();
/** True if this module created the error. Any other error of a use case is a finding. */
export const isInjected = (error: unknown): boolean => error instanceof Error && injected.has(error);

const named = (name: string): Error => Object.assign(new Error(`injected: ${name}`), { name, $metadata: {} });

const Transaction = z.object({ TransactItems: z.array(z.unknown()) });

/** A cancelled transaction, in the service's own words: a code for each of its actions, repeated as needed. */
export function cancelled(input: object, codes: readonly string[]): Error {
  const { TransactItems } = Transaction.parse(input);
  const CancellationReasons = TransactItems.map((_, index) => ({ Code: codes[index % codes.length] ?? 'None' }));
  return new TransactionCanceledException({ message: 'injected', $metadata: {}, CancellationReasons });
}

/** The same with a code at one action. */
function cancelledAtOne({ name, input }: Try, code: string): Error {
  const { TransactItems } = Transaction.parse(input);
  const place = hashOf(name) % TransactItems.length;
  return cancelled(
    input,
    TransactItems.map((_, index) => (index === place ? code : 'None')),
  );
}

function errorOf(fault: Fault, of: Try): Error {
  switch (fault) {
    case 'lost before':
    case 'lost after':
      return named('TimeoutError');
    case 'throttled':
      return named('ThrottlingException');
    case 'conflict':
      return of.command === 'TransactWriteItemsCommand'
        ? cancelledAtOne(of, 'TransactionConflict')
        : new TransactionConflictException({ message: 'injected', $metadata: {} });
    case 'throttled transaction':
      return cancelledAtOne(of, 'ThrottlingError');
    case 'transaction in progress':
      return new TransactionInProgressException({ message: 'injected', $metadata: {} });
    case 'throw before':
    case 'throw after':
    case 'kill before':
    case 'kill after':
    case 'unprocessed':
    case 'failed entries':
      return named('FunctionEnded');
  }
}

const Batch = z.object({ RequestItems: z.record(z.string(), z.unknown()) });

/** Lets a try happen with its fault: executes it or not, then throws the error that its caller gets. */
export async function sendWith<Output>(fault: Fault, of: Try, send: () => Promise<Output>): Promise<Output> {
  if (isDone(fault)) await send().catch(() => undefined); // this result is lost as well
  const error = errorOf(fault, of);
  injected.add(error);
  throw error;
}

/** The rules by which a client's requests are sent. */
export type Control<Operation> = {
  begin(command: string, input: object): Operation;
  /** One try. `unprocessed` answers a batch as if the engine had done none of it. */
  attempt<Output>(operation: Operation, send: () => Promise<Output>, unprocessed: () => Output): Promise<Output>;
  end(operation: Operation): void;
};

/** Puts all requests of a client, and each of their tries, under control. */
export function control<Operation>(client: DynamoDBClient, rules: Control<Operation>): DynamoDBClient {
  client.config.cacheMiddleware = false; // each request has its own context then
  const operations = new WeakMap<object, { readonly operation: Operation; readonly input: object }>();
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const input: object = args.input;
      const operation = rules.begin(context.commandName ?? 'unknown', input);
      operations.set(context, { operation, input });
      try {
        return await next(args);
      } finally {
        rules.end(operation);
      }
    },
    { step: 'initialize', name: 'controlled-request' },
  );
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const under = operations.get(context);
      if (under === undefined) throw new Error('a try of no request');
      const unprocessed = () => {
        const { RequestItems } = Batch.parse(under.input);
        const output = { $metadata: {}, UnprocessedItems: RequestItems, UnprocessedKeys: RequestItems, Responses: {} };
        return { response: undefined, output };
      };
      return rules.attempt(under.operation, () => next(args), unprocessed);
    },
    // the retry middleware is `high`, so it is around this one
    { step: 'finalizeRequest', priority: 'low', name: 'controlled-try' },
  );
  return client;
}

type RetryToken = { getRetryCount(): number; getRetryDelay(): number };
const token = (count: number): RetryToken => ({ getRetryCount: () => count, getRetryDelay: () => 0 });

/** The SDK's retry rule (three tries), without its pauses. */
export const RETRY_AT_ONCE = {
  acquireInitialRetryToken: async () => token(0),
  refreshRetryTokenForRetry: async (last: RetryToken, { errorType }: { readonly errorType: string }) => {
    const isRetried = errorType === 'TRANSIENT' || errorType === 'THROTTLING' || errorType === 'SERVER_ERROR';
    if (!isRetried || last.getRetryCount() >= 2) throw new Error('no further try');
    return token(last.getRetryCount() + 1);
  },
  recordSuccess: () => undefined,
};
