import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/**
 * What can happen to one request, seen from inside the SDK's retry loop. `lost-*` and `throttled` are sent again by the
 * SDK itself; `dies-*` are not: the error leaves the SDK, as if the function had ended there.
 */
export const FAULTS = ['lost-before', 'lost-after', 'throttled', 'dies-before', 'dies-after'] as const;
export type Fault = (typeof FAULTS)[number];

/**
 * One request on its way: `number` counts from 1 over all requests of the plan, the SDK's own retries included, and
 * `attempt` the tries of this one.
 */
export type Call = { readonly command: string; readonly number: number; readonly attempt: number };
export type FaultPlan = (call: Call) => Fault | undefined;

/** No fault, ever. */
export const noFaults: FaultPlan = () => undefined;

/** One fault, at one call. */
export const faultAt =
  (number: number, fault: Fault): FaultPlan =>
  (call) =>
    call.number === number ? fault : undefined;

/** The first call gets the first element, and so on; after the last one nothing goes wrong any more. */
export const faultsInOrder =
  (stream: readonly (Fault | undefined)[]): FaultPlan =>
  ({ number }) =>
    stream[number - 1];

const WRITES: ReadonlySet<string> = new Set([
  'PutItemCommand',
  'UpdateItemCommand',
  'DeleteItemCommand',
  'BatchWriteItemCommand',
  'TransactWriteItemsCommand',
]);
/** Whether a command, by its name, changes anything. */
export const isWrite = (command: string): boolean => WRITES.has(command);

/** Of requests that only read, this many are let through before one dies: all of them leave as much behind, nothing. */
const READS_ALIKE = 5;

/**
 * The plans that show what a fault can do to a run which made these calls, whichever request it hits. What was never
 * carried out and is sent again at once leaves no trace, so all first tries of one run are hit. All else leaves behind what
 * was written until then: each write is hit in a run of its own, and a read here and there.
 */
export function plansOf(fault: Fault, calls: readonly string[]): readonly FaultPlan[] {
  const at = (isOneOf: (command: string) => boolean) =>
    calls.flatMap((command, index) => (isOneOf(command) ? [faultAt(index + 1, fault)] : []));
  const writes = at(isWrite);
  const reads = at((command) => !isWrite(command));
  const atFirstTries: FaultPlan = ({ attempt }) => (attempt === 1 ? fault : undefined);
  switch (fault) {
    case 'lost-before':
    case 'throttled':
      return [atFirstTries];
    case 'dies-before':
      return [...writes, ...reads.filter((_, index) => index % READS_ALIKE === 0)];
    case 'lost-after':
    case 'dies-after':
      return writes;
  }
}

const injected = new WeakSet<Error>();

/** Whether an error was made here: whatever else a use-case throws is a finding. */
export const isInjected = (error: unknown): boolean => error instanceof Error && injected.has(error);

function faultError(fault: Fault): Error {
  const name = { lost: 'TimeoutError', throttled: 'ThrottlingException', dies: 'FunctionEnded' }[
    fault.split('-')[0] as 'lost' | 'throttled' | 'dies'
  ];
  const error = Object.assign(new Error(`injected: ${fault}`), { name, $metadata: {} });
  injected.add(error);
  return error;
}

/**
 * The way of all requests of a test to the engine: one at a time, in an order that `choose` decides among those that wait
 * (an index below the given number), with the faults of the plan. What runs between two requests takes no time, so equal
 * choices and an equal plan give the same run again.
 */
export class Wire {
  readonly #plan: FaultPlan;
  readonly #choose: (waiting: number) => number;
  #waiting: (() => void)[] = [];
  #open = 0;
  #isBusy = false;
  #isWoken = false;
  /** Every request that was let through, in order, by its command's name. */
  readonly calls: string[] = [];

  constructor(plan: FaultPlan = noFaults, choose: (waiting: number) => number = () => 0) {
    this.#plan = plan;
    this.#choose = choose;
  }

  /** Puts a client's requests onto this wire, and its SDK's retries without pauses. */
  attach(client: DynamoDBClient): DynamoDBClient {
    client.middlewareStack.add(
      (next) => async (args) => {
        this.#open += 1;
        try {
          return await next(args);
        } finally {
          this.#open -= 1;
          this.#wake();
        }
      },
      { step: 'initialize', name: 'wire-operation' },
    );
    client.middlewareStack.add(
      (next, context) => async (args) => {
        await this.#turn();
        try {
          const command = context.commandName ?? 'unknown';
          this.calls.push(command);
          const fault = this.#plan({ command, number: this.calls.length, attempt: attemptOf(args.request) });
          if (fault === undefined) return await next(args);
          if (fault === 'lost-after' || fault === 'dies-after') await next(args).catch(() => undefined); // lost as well
          throw faultError(fault);
        } finally {
          this.#isBusy = false;
          this.#wake();
        }
      },
      { step: 'finalizeRequest', priority: 'low', name: 'wire-request' }, // the retry's is `high`: it is around this one
    );
    return client;
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#wake();
    });
  }

  /** Lets one request through once every running operation waits for its turn. */
  #wake(): void {
    if (this.#isWoken) return;
    this.#isWoken = true;
    setImmediate(() => {
      this.#isWoken = false;
      if (this.#isBusy || this.#waiting.length === 0 || this.#waiting.length < this.#open) return;
      const [turn] = this.#waiting.splice(this.#choose(this.#waiting.length), 1);
      this.#isBusy = true;
      turn?.();
    });
  }
}

/** The SDK counts its tries in a header. */
function attemptOf(request: unknown): number {
  const { headers } = request as { readonly headers: Readonly<Record<string, string>> };
  const attempt = /attempt=(\d+)/u.exec(headers['amz-sdk-request'] ?? '')?.[1];
  if (attempt === undefined) throw new Error('The SDK no longer counts its tries');
  return Number(attempt);
}

type RetryToken = { getRetryCount(): number; getRetryDelay(): number };
const token = (count: number): RetryToken => ({ getRetryCount: () => count, getRetryDelay: () => 0 });

/** The SDK's rule of what it sends again and how often (three tries), without its pauses. */
export const RETRY_AT_ONCE = {
  acquireInitialRetryToken: async () => token(0),
  refreshRetryTokenForRetry: async (last: RetryToken, { errorType }: { readonly errorType: string }) => {
    const isRetried = errorType === 'TRANSIENT' || errorType === 'THROTTLING' || errorType === 'SERVER_ERROR';
    if (!isRetried || last.getRetryCount() >= 2) throw new Error('no further try');
    return token(last.getRetryCount() + 1);
  },
  recordSuccess: () => undefined,
};
