import { existsSync } from 'node:fs';
import { Server } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { startFauxqs } from 'fauxqs';
import * as z from 'zod';

const { dataDirectory, host, region } = z
  .object({ dataDirectory: z.string().optional(), host: z.string(), region: z.string() })
  .parse(workerData);

type Queue = { getAttribute(this: Queue, name: string): string | undefined; processTimers(): void };
const Internals = z.object({ SqsQueue: z.custom<{ prototype: Queue }>((value) => typeof value === 'function') });

// fauxqs always listens on all interfaces. This patch affects only servers of this thread.
const listen = Server.prototype.listen;
Server.prototype.listen = function listenOnLoopback(this: Server, ...args: unknown[]): Server {
  const [options, ...rest] = args;
  const onLoopback = typeof options === 'object' && options !== null ? { ...options, host } : options;
  Reflect.apply(listen, this, [onLoopback, ...rest]);
  return this;
};

// fauxqs returns a message whose visibility timeout is over only when somebody receives from its queue. Without this,
// messages of a queue that nobody reads would stay in flight forever.
const { SqsQueue } = Internals.parse(await import(new URL('sqs/sqsStore.js', import.meta.resolve('fauxqs')).href));
const getAttribute = SqsQueue.prototype.getAttribute;
SqsQueue.prototype.getAttribute = function getCurrentAttribute(name) {
  if (name.startsWith('ApproximateNumberOf')) this.processTimers();
  return getAttribute.call(this, name);
};

if (dataDirectory !== undefined) releaseReceived(join(dataDirectory, 'fauxqs.db'));
const server = await startFauxqs({
  port: 0,
  logger: false,
  defaultRegion: region,
  ...(dataDirectory !== undefined && { dataDir: dataDirectory }),
});

parentPort?.once('message', () => {
  void server.stop().then(() => process.exit());
});
parentPort?.postMessage({ port: server.port });

/**
 * Makes received messages visible again after a restart, because their consumers are gone. Otherwise each restart would
 * look like a loss until the visibility timeout is over, which takes minutes. Receive counts are kept.
 */
function releaseReceived(file: string): void {
  if (!existsSync(file)) return;
  const database = new DatabaseSync(file);
  database.exec('UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL');
  database.close();
}
