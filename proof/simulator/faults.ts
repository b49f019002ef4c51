import {
  TransactionCanceledException,
  TransactionConflictException,
  TransactionInProgressException,
} from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { fractionOf, hashOf } from './chance.ts';
import type { Operation } from './invocation.ts';

/**
 * The faults of a try of a request. The SDK itself retries after `lost` and `throttled`. A `throw` leaves the SDK.
 * After a `kill` the invocation runs no more code. `before` and `after`: whether the engine executed the request.
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
 * The faults of a schedule, determined by its seed and the request's own name, so that each can be removed separately.
 */
export type FaultPlan = {
  readonly seed: string;
  /** The share of reads with a fault. Writes have three times as many. */
  readonly rate: number;
  /** The names of tries without a fault. */
  readonly without: ReadonlySet<string>;
};

const WRITES = /^(?:Put|Update|Delete|TransactWrite|BatchWrite)/u;
export const isWrite = ({ command }: Operation): boolean => WRITES.test(command);

/** The name of a try of a request within its schedule. */
export const nameOfTry = ({ invocation, number, tries }: Operation): string => `${invocation.name}/${number}.${tries}`;

export function faultOf(plan: FaultPlan, operation: Operation): Fault | undefined {
  const name = nameOfTry(operation);
  if (operation.invocation.isSpared || plan.without.has(name)) return undefined;
  const possible = POSSIBLE.get(operation.command) ?? EITHER_WAY;
  const isRead = possible === EITHER_WAY;
  if (fractionOf(`${plan.seed} fault ${name}`) >= plan.rate * (isRead ? 1 : WRITES_ARE_WORSE)) return undefined;
  const fault = possible[hashOf(`${plan.seed} kind ${name}`) % Math.max(1, possible.length)];
  const isSinglePut = fault === 'conflict' && operation.command === 'PutItemCommand';
  if (isSinglePut && !Put.parse(operation.input).TableName.includes(HAS_TRANSACTIONS)) return 'lost after';
  return fault;
}

const named = (name: string, more: object = {}): Error =>
  Object.assign(new Error(`simulated: ${name}`), { name, $metadata: {}, ...more });

const Transaction = z.object({ TransactItems: z.array(z.unknown()) });

/** A cancellation at the action `place`, in the service's own words. */
function cancelled(operation: Operation, code: string): Error {
  const { TransactItems } = Transaction.parse(operation.input);
  const place = hashOf(nameOfTry(operation)) % TransactItems.length;
  const CancellationReasons = TransactItems.map((_, index) => ({ Code: index === place ? code : 'None' }));
  return new TransactionCanceledException({ message: 'simulated', $metadata: {}, CancellationReasons });
}

/** The error that a function gets for a fault; a kill has none. */
export function errorOf(fault: Fault, operation: Operation): Error {
  switch (fault) {
    case 'lost before':
    case 'lost after':
      return named('TimeoutError');
    case 'throttled':
      return named('ThrottlingException');
    case 'conflict':
      return operation.command === 'TransactWriteItemsCommand'
        ? cancelled(operation, 'TransactionConflict')
        : new TransactionConflictException({ message: 'simulated', $metadata: {} });
    case 'throttled transaction':
      return cancelled(operation, 'ThrottlingError');
    case 'transaction in progress':
      return new TransactionInProgressException({ message: 'simulated', $metadata: {} });
    case 'throw before':
    case 'throw after':
    case 'kill before':
    case 'kill after':
    case 'unprocessed':
    case 'failed entries':
      return named('SimulatedFailure');
  }
}

/** True if the engine has executed the request although the caller got no answer. */
export const isDone = (fault: Fault): boolean => fault.endsWith('after') || fault === 'transaction in progress';
export const isKill = (fault: Fault): boolean => fault.startsWith('kill');
