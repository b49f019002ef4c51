import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { control, isDone, isWrite, sendWith, type Fault } from './faults.ts';
import type { StaleReads } from './stale-reads.ts';

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

/** Of consecutive reads, one in this many is tested with a death, because all of them leave nothing behind. */
const READS_ALIKE = 5;

/**
 * The plans that cover the effects of a fault on a run with these calls. A request that was not executed and is retried
 * at once leaves no trace, so one run hits all first tries. Other faults leave the earlier writes behind: each write is
 * hit in a separate run, and some reads.
 */
export function plansOf(fault: Fault, calls: readonly string[]): readonly FaultPlan[] {
  if (fault === 'lost before' || fault === 'throttled') return [({ attempt }) => (attempt === 1 ? fault : undefined)];
  const at = (isOneOf: (command: string) => boolean) =>
    calls.flatMap((command, index) => (isOneOf(command) ? [faultAt(index + 1, fault)] : []));
  const reads = isDone(fault) ? [] : at((command) => !isWrite(command));
  return [...at(isWrite), ...reads.filter((_, index) => index % READS_ALIKE === 0)];
}

type Operation = { readonly command: string; readonly input: object; tries: number };

/**
 * Carries all requests of a test to the engine, one at a time. `choose` selects the next waiting one (an index below
 * the given number), the plan sets the faults, and some reads are stale if asked. Code between two requests takes no time, so equal choices and an
 * equal plan give the same run.
 */
export class Wire {
  readonly #plan: FaultPlan;
  readonly #choose: (waiting: number) => number;
  readonly #stale: StaleReads | undefined;
  #waiting: (() => void)[] = [];
  #open = 0;
  #isBusy = false;
  #isWoken = false;
  /** How many executed requests got no answer. */
  lostAnswers = 0;
  /** Every released request, in order, by its command's name. */
  readonly calls: string[] = [];

  constructor(plan: FaultPlan = noFaults, choose: (waiting: number) => number = () => 0, stale?: StaleReads) {
    this.#plan = plan;
    this.#choose = choose;
    this.#stale = stale;
  }

  /** Puts a client's requests on this wire, with the SDK's retries but without pauses. */
  attach(client: DynamoDBClient): DynamoDBClient {
    return control<Operation>(client, {
      begin: (command, input) => {
        this.#open += 1;
        return { command, input, tries: 0 };
      },
      attempt: async (operation, send) => {
        await this.#turn();
        try {
          operation.tries += 1;
          const { command, input, tries: attempt } = operation;
          const number = this.calls.push(command);
          const fault = this.#plan({ command, number, attempt });
          if (fault !== undefined && isDone(fault)) this.lostAnswers += 1;
          if (fault !== undefined) return await sendWith(fault, { name: String(number), command, input }, send);
          const sent = await send();
          this.#stale?.change(command, input, sent);
          return sent;
        } finally {
          this.#isBusy = false;
          this.#wake();
        }
      },
      end: () => {
        this.#open -= 1;
        this.#wake();
      },
    });
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
