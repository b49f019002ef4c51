/** What feeds a function from a queue or a stream until it is stopped. */
export type EventSource = {
  readonly name: string;
  /** Whether it has seen everything there was to see, and runs nothing. */
  isIdle(): boolean;
  /** Invokes with what is gathered so far, as if its window were over. */
  flush(): void;
  /** Stops reading, and waits for what it runs. */
  stop(): Promise<void>;
};

/** Waits, but no longer than until the signal. Resolves in both cases. */
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
