import { AsyncLocalStorage } from 'node:async_hooks';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** An execution environment of a function. Its memory lasts from its cold start until it is killed. */
export type Instance = {
  readonly name: string;
  /** The difference of its clock. */
  readonly clockOffMs: number;
};

/** A request in flight: an SDK call with all its tries, or a pause. */
export type Operation = {
  readonly invocation: Invocation;
  /** The command's name, such as `PutItemCommand`. */
  readonly command: string;
  /** Counted from 1 within the invocation. */
  readonly number: number;
  readonly input: object;
  /** Tries so far. The SDK's retries are tries of the same operation. */
  tries: number;
};

/** The name of a try of a request within its schedule. */
export const nameOfTry = ({ invocation, number, tries }: Operation): string => `${invocation.name}/${number}.${tries}`;

/** The parts of the simulated world that an invocation can reach. */
export type Surroundings = {
  readonly dynamodb: DynamoDBClient;
  now(): number;
  token(bytes: number): string;
  /** Waits until the schedule continues it. */
  pause(): Promise<void>;
  /** Sends to a queue, with the rules of the SDK. */
  sendBatch(input: SendBatch): Promise<SentBatch>;
  /** The number of messages in a queue, as its attributes return it. */
  countMessages(queueUrl: string): Promise<{ readonly Attributes: Readonly<Record<string, string>> }>;
};

export type SendBatch = {
  readonly QueueUrl: string;
  readonly Entries: readonly { readonly Id: string; readonly MessageBody: string; readonly DelaySeconds?: number }[];
};
export type SentBatch = { readonly Failed: readonly { readonly Id: string; readonly Code: string }[] };

export type Invocation = {
  /** Its name within the schedule, independent of the other steps. */
  readonly name: string;
  readonly role: string;
  readonly instance: Instance;
  readonly surroundings: Surroundings;
  /** True if it gets no faults, so that a client that retries is answered at last. */
  readonly isSpared: boolean;
  operations: number;
  readonly open: Set<Operation>;
  isKilled: boolean;
};

const running = new AsyncLocalStorage<Invocation>();

/** Runs a function's code. All its calls, now or later, belong to this invocation. */
export const runAs = <Value>(invocation: Invocation, work: () => Value): Value => running.run(invocation, work);

/** The invocation of the running code. Throws outside of one. */
export function current(): Invocation {
  const invocation = running.getStore();
  if (invocation === undefined) throw new Error('code of a function runs outside of an invocation');
  return invocation;
}
