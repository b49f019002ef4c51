import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Invocation, Operation } from './invocation.ts';

type Waiting = { readonly operation: Operation; readonly go: () => void };

/**
 * Lets one request of all that run go on at a time, whichever it is told to. What runs between two requests takes no time,
 * so equal choices give the same run again.
 */
export class Conductor {
  #open = 0;
  #waiting: Waiting[] = [];
  #passing: PromiseWithResolvers<void> | undefined;
  /** Requests let through so far: the time of a schedule, by which one thing is before another. */
  time = 0;

  /** A request begins. */
  begin(invocation: Invocation, command: string, input: object): Operation {
    invocation.operations += 1;
    const operation = { invocation, command, number: invocation.operations, input, tries: 0 };
    invocation.open.add(operation);
    this.#open += 1;
    return operation;
  }

  /** A request has its answer, or its error. */
  end(operation: Operation): void {
    if (operation.invocation.open.delete(operation)) this.#open -= 1;
  }

  /** Waits for the turn of a request's next try. Of a killed invocation it never comes. */
  turn(operation: Operation): Promise<void> {
    operation.tries += 1;
    return new Promise((resolve) => {
      this.#waiting.push({ operation, go: resolve });
    });
  }

  /** The try that was let through is over. */
  passed(): void {
    this.#passing?.resolve();
  }

  /** The invocation stops where it is: none of its requests is ever answered. */
  kill(invocation: Invocation): void {
    invocation.isKilled = true;
    this.#open -= invocation.open.size;
    invocation.open.clear();
    this.#waiting = this.#waiting.filter(({ operation }) => operation.invocation !== invocation);
  }

  /** Waits until all code stands still, and gives the requests that wait for their turn, in a fixed order. */
  async waiting(): Promise<readonly Operation[]> {
    do await nextTurn();
    while (this.#open !== this.#waiting.length);
    const nameOf = ({ invocation, number }: Operation) => `${invocation.name} ${String(number).padStart(6, '0')}`;
    return this.#waiting.map(({ operation }) => operation).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  }

  /** Lets one of them through and waits until that try is over. */
  async release(operation: Operation): Promise<void> {
    const waiting = this.#waiting.find((each) => each.operation === operation);
    if (waiting === undefined) throw new Error(`${operation.command} does not wait`);
    this.#waiting = this.#waiting.filter((each) => each !== waiting);
    this.time += 1;
    this.#passing = Promise.withResolvers();
    waiting.go();
    await this.#passing.promise;
  }
}
