import { AsyncLocalStorage } from 'node:async_hooks';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** One machine of a function: what it remembers lasts from its cold start until it is killed. */
export type Instance = {
  readonly name: string;
  /** How far its clock is off. */
  readonly clockOffMs: number;
};

/** One request to the outside on its way: a call of the SDK with all its tries, or a pause. */
export type Operation = {
  readonly invocation: Invocation;
  /** The command's name, such as `PutItemCommand`. */
  readonly command: string;
  /** Counts from 1 within the invocation. */
  readonly number: number;
  readonly input: object;
  /** Tries so far: the SDK's own repeats are tries of one operation. */
  tries: number;
};

/** What one invocation can reach of the simulated world. */
export type Surroundings = {
  readonly dynamodb: DynamoDBClient;
  now(): number;
  token(bytes: number): string;
  /** Waits until the schedule lets it go on. */
  pause(): Promise<void>;
  /** Sends to a queue, by the SDK's rules. */
  sendBatch(input: SendBatch): Promise<SentBatch>;
  /** How many messages wait in a queue, as its attributes say it. */
  countMessages(queueUrl: string): Promise<{ readonly Attributes: Readonly<Record<string, string>> }>;
};

export type SendBatch = {
  readonly QueueUrl: string;
  readonly Entries: readonly { readonly Id: string; readonly MessageBody: string; readonly DelaySeconds?: number }[];
};
export type SentBatch = { readonly Failed: readonly { readonly Id: string; readonly Code: string }[] };

export type Invocation = {
  /** Names it within its schedule, whatever else the schedule holds. */
  readonly name: string;
  readonly role: string;
  readonly instance: Instance;
  readonly surroundings: Surroundings;
  /** Whether no fault may befall it, so that whoever asks again and again is answered in the end. */
  readonly isSpared: boolean;
  operations: number;
  readonly open: Set<Operation>;
  isKilled: boolean;
};

const running = new AsyncLocalStorage<Invocation>();

/** Runs a function's code; whatever it calls, now or later, is this invocation's. */
export const runAs = <Value>(invocation: Invocation, work: () => Value): Value => running.run(invocation, work);

/** The invocation whose code runs now. Throws outside of any. */
export function current(): Invocation {
  const invocation = running.getStore();
  if (invocation === undefined) throw new Error('code of a function runs outside of an invocation');
  return invocation;
}
