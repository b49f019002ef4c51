import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';

/** A quarter of the function's memory. */
const MEGABYTES = 128;
const BYTES = 6 * 1024 ** 2;

const filled = (part: string) => part.repeat(Math.min(490_000, Math.floor((BYTES - 100) / part.length)));
const keys = Array.from({ length: 480_000 }, (_, n) => `"k${n.toString(36)}":1`).join();

/** Reads and validates a confirm's body in a thread with only this much memory. */
const isRead = (body: string): Promise<unknown> =>
  new Promise((resolve) => {
    const root = new URL('../../', import.meta.url).href;
    const code = `
      const { parentPort, workerData: body } = require('node:worker_threads');
      Promise.all([
        import('${root}functions/runtime/request-body.ts'),
        import('${root}domain/shared/faults.ts'),
      ]).then(([{ PUBLISH_BODY, readJson }, { withoutNulls }]) => {
        const read = readJson({ body, isBase64Encoded: false, contentEncoding: undefined }, PUBLISH_BODY);
        parentPort.postMessage(read.ok && withoutNulls(read.value).name);
      });`;
    const worker = new Worker(code, {
      eval: true,
      workerData: body,
      resourceLimits: { maxOldGenerationSizeMb: MEGABYTES },
    });
    worker.once('message', resolve);
    worker.once('error', (error) => resolve(error.message));
  });

it.each([
  ['lists', `{"name":"net","of":[${filled('[],')}1]}`],
  ['objects', `{"name":"net","of":[${filled('{"abc":"de"},')}1]}`],
  ['numbers', `{"name":"net","of":[${'1.5,'.repeat(BYTES / 4 - 20)}1]}`],
  ['texts', `{"name":"net","of":[${'"ab",'.repeat(BYTES / 5 - 20)}1]}`],
  ['fields', `{"name":"net","of":{${keys}}}`],
  ['one text', `{"name":"net","of":"${'x'.repeat(BYTES - 30)}"}`],
])(`the largest confirm of %s is read in ${MEGABYTES} MB`, async (_what, body) => {
  expect(body.length).toBeLessThanOrEqual(BYTES);
  expect(await isRead(body)).toBe('net');
});
