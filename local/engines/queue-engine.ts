import { mkdirSync } from 'node:fs';
import { once } from 'node:events';
import { getCompileCacheDir } from 'node:module';
import { Worker } from 'node:worker_threads';
import * as z from 'zod';
import { ExplainedError } from '../explained-error.ts';
import { hiddenHost } from './claim-port.ts';

const Started = z.tuple([z.object({ port: z.number() })]);

export type QueueEngine = {
  readonly endpoint: string;
  /** Settles when the engine has ended, with the error that ended it. */
  readonly ended: Promise<unknown>;
  stop(): Promise<void>;
  kill(): Promise<void>;
};

/**
 * Starts fauxqs in a thread of this process, so that it ends with the process. It writes every change to SQLite, so a
 * kill loses nothing.
 */
export async function startQueueEngine(options: {
  readonly region: string;
  readonly dataDirectory?: string;
}): Promise<QueueEngine> {
  if (options.dataDirectory !== undefined) mkdirSync(options.dataDirectory, { recursive: true });
  const host = hiddenHost();
  const cache = getCompileCacheDir();
  const worker = new Worker(new URL('queue-engine.worker.ts', import.meta.url), {
    workerData: { ...options, host },
    // otherwise the thread would remove the types of its sources itself, which takes 12 MB
    env: cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }, // of a worker, undefined would become a text
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const ended = new Promise<unknown>((resolve) => {
    worker.once('error', resolve);
    worker.once('exit', () => resolve(undefined));
  });
  const endedEarly = ended.then((error) => {
    throw error instanceof Error ? error : new ExplainedError('fauxqs ended before it answered');
  });
  const [{ port }] = Started.parse(await Promise.race([once(worker, 'message'), endedEarly]));
  endedEarly.catch(() => undefined); // `ended` tells it from now on
  return {
    endpoint: `http://${host}:${port}`,
    ended,
    async stop() {
      worker.postMessage('stop');
      await ended;
    },
    async kill() {
      await worker.terminate();
    },
  };
}
