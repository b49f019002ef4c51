import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Invocation, Operation } from './invocation.ts';

type Waiting = { readonly operation: Operation; readonly go: () => void };

/**
 * Lets one of all running requests continue at a time, in the order of the schedule. Code between two requests takes no
 * time, so equal choices give the same run.
 */
export class Conductor {
  #open = 0;
  #waiting: Waiting[] = [];
  #passing: PromiseWithResolvers<void> | undefined;
  /** The number of released requests. It serves as the clock of a schedule. */
  time = 0;

  /** Registers a new request. */
  begin(invocation: Invocation, command: string, input: object): Operation {
    invocation.operations += 1;
    const operation = { invocation, command, number: invocation.operations, input, tries: 0 };
    invocation.open.add(operation);
    this.#open += 1;
    return operation;
  }

  /** Called when a request has its answer or error. */
  end(operation: Operation): void {
    if (operation.invocation.open.delete(operation)) this.#open -= 1;
  }

  /** Waits until the schedule releases a request's next try. It never returns for a killed invocation. */
  turn(operation: Operation): Promise<void> {
    operation.tries += 1;
    return new Promise((resolve) => {
      this.#waiting.push({ operation, go: resolve });
    });
  }

  /** Called when the released try is over. */
  passed(): void {
    this.#passing?.resolve();
  }

  /** Stops the invocation: none of its requests is answered any more. */
  kill(invocation: Invocation): void {
    invocation.isKilled = true;
    this.#open -= invocation.open.size;
    invocation.open.clear();
    this.#waiting = this.#waiting.filter(({ operation }) => operation.invocation !== invocation);
  }

  /** Waits until all code has stopped, and returns the waiting requests in a fixed order. */
  async waiting(): Promise<readonly Operation[]> {
    do await nextTurn();
    while (this.#open !== this.#waiting.length);
    const nameOf = ({ invocation, number }: Operation) => `${invocation.name} ${String(number).padStart(6, '0')}`;
    return this.#waiting.map(({ operation }) => operation).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  }

  /** Releases one request and waits until that try is over. */
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
