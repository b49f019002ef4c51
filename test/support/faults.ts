import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/**
 * The faults of one request, inside the SDK's retry loop. The SDK itself retries after `lost-*` and `throttled`. With
 * `dies-*` the error leaves the SDK, as if the function had died there.
 */
export const FAULTS = ['lost-before', 'lost-after', 'throttled', 'dies-before', 'dies-after'] as const;
export type Fault = (typeof FAULTS)[number];

/**
 * One request: `number` counts all requests of the plan from 1, with the SDK's retries, and `attempt` counts the tries
 * of this one.
 */
export type Call = { readonly command: string; readonly number: number; readonly attempt: number };
export type FaultPlan = (call: Call) => Fault | undefined;

/** Never a fault. */
export const noFaults: FaultPlan = () => undefined;

/** One fault at one call. */
export const faultAt =
  (number: number, fault: Fault): FaultPlan =>
  (call) =>
    call.number === number ? fault : undefined;

/** The first call gets the first element, and so on. Later calls have no fault. */
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
/** True if a command, by its name, changes data. */
export const isWrite = (command: string): boolean => WRITES.has(command);

/** Of consecutive reads, one in this many is tested with a death, because all of them leave nothing behind. */
const READS_ALIKE = 5;

/**
 * The plans that cover the effects of a fault on a run with these calls. A request that was not executed and is retried
 * at once leaves no trace, so one run hits all first tries. Other faults leave the earlier writes behind: each write is
 * hit in a separate run, and some reads.
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

/** True if this module created the error. Any other error of a use case is a finding. */
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
 * Carries all requests of a test to the engine, one at a time. `choose` selects the next waiting one (an index below
 * the given number), and the plan sets the faults. Code between two requests takes no time, so equal choices and an
 * equal plan give the same run.
 */
export class Wire {
  readonly #plan: FaultPlan;
  readonly #choose: (waiting: number) => number;
  #waiting: (() => void)[] = [];
  #open = 0;
  #isBusy = false;
  #isWoken = false;
  /** Every released request, in order, by its command's name. */
  readonly calls: string[] = [];

  constructor(plan: FaultPlan = noFaults, choose: (waiting: number) => number = () => 0) {
    this.#plan = plan;
    this.#choose = choose;
  }

  /** Puts a client's requests on this wire, with the SDK's retries but without pauses. */
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
      // the retry middleware is `high`, so it is around this one
      { step: 'finalizeRequest', priority: 'low', name: 'wire-request' },
    );
    return client;
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#wake();
    });
  }

  /** Releases one request when every running operation waits. */
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

/** The SDK sends its number of tries in a header. */
function attemptOf(request: unknown): number {
  const { headers } = request as { readonly headers: Readonly<Record<string, string>> };
  const attempt = /attempt=(\d+)/u.exec(headers['amz-sdk-request'] ?? '')?.[1];
  if (attempt === undefined) throw new Error('The SDK no longer counts its tries');
  return Number(attempt);
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
