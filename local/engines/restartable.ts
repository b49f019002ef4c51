import { setTimeout as sleep } from 'node:timers/promises';

type Engine = {
  readonly endpoint: string;
  readonly ended: Promise<unknown>;
  stop(): Promise<void>;
  kill(): Promise<void>;
};

export type Restartable = {
  endpoint(): string;
  /** Settles when the engine ends without being stopped or killed here, with the error that ended it if there is one. */
  readonly failed: Promise<unknown>;
  /** Kills the engine and restarts it on its data after `downMs`. Its address changes. */
  killAndStart(downMs: number): Promise<void>;
  stop(): Promise<void>;
};

/** An engine that can crash and come back while everything else keeps running. */
export async function startRestartable(start: () => Promise<Engine>): Promise<Restartable> {
  let engine = await start();
  let isEndedHere = false;
  const { promise: failed, resolve: fail } = Promise.withResolvers<unknown>();
  const watch = (watched: Engine): void => {
    void watched.ended.then((error) => {
      if (!isEndedHere) fail(error);
    });
  };
  watch(engine);
  return {
    endpoint: () => engine.endpoint,
    failed,
    async killAndStart(downMs) {
      isEndedHere = true;
      await engine.kill();
      await sleep(downMs);
      engine = await start();
      isEndedHere = false;
      watch(engine);
    },
    async stop() {
      isEndedHere = true;
      await engine.stop();
    },
  };
}
