import { mkdirSync } from 'node:fs';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import * as z from 'zod';
import { hiddenHost } from './claim-port.ts';

const Started = z.tuple([z.object({ port: z.number() })]);

export type QueueEngine = {
  readonly endpoint: string;
  readonly ended: Promise<void>;
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
  const worker = new Worker(new URL('queue-engine.worker.ts', import.meta.url), {
    workerData: { ...options, host },
    env: {},
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const [{ port }] = Started.parse(await once(worker, 'message'));
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
