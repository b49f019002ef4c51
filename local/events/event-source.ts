/** Delivers events from a queue, a stream or a schedule to a function until it is stopped. */
export type EventSource = {
  readonly name: string;
  /** True if it has read everything and no invocation is running. */
  isIdle(): boolean;
  /** Invokes the function with the events gathered so far, without waiting for the batch window. */
  flush(): void;
  /** Stops reading, and waits for running invocations. */
  stop(): Promise<void>;
};

/** Waits for the time or for the signal, whichever comes first. It always resolves. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
