import { openSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import * as z from 'zod';

/** Runs one function's bundle, one invocation at a time, in a thread that `function-pool.ts` starts and ends. */

const { bundle, exportName, functionName, functionArn, memoryMb, logFile } = z
  .object({
    bundle: z.string(),
    exportName: z.string(),
    functionName: z.string(),
    functionArn: z.string(),
    memoryMb: z.number(),
    logFile: z.string(),
  })
  .parse(workerData);
const Invocation = z.object({ requestId: z.string(), event: z.string(), deadline: z.number() });
const Handler = z.custom<(event: unknown, context: unknown) => unknown>((value) => typeof value === 'function');

if (parentPort === null) throw new Error('This module runs in a worker thread');
const port = parentPort;

// This thread writes synchronously, so output from before it was ended is not lost.
const log = openSync(logFile, 'a');
const print = (chunk: string | Uint8Array): boolean => {
  writeSync(log, typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'));
  return true;
};
process.stdout.write = print;
process.stderr.write = print;

const errorOf = (error: unknown) =>
  error instanceof Error
    ? { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') }
    : { errorType: typeof error, errorMessage: String(error), trace: [] };

/** `undefined` has no JSON form; Lambda answers null. */
const jsonOf = (value: unknown): string => JSON.stringify(value === undefined ? null : value);

const loaded = z.record(z.string(), z.unknown()).parse({ ...(await import(bundle)) });
const handler = Handler.parse(loaded[exportName]);

port.on('message', (message: unknown) => {
  const { requestId, event, deadline } = Invocation.parse(message);
  const context = {
    functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: functionArn,
    memoryLimitInMB: String(memoryMb),
    awsRequestId: requestId,
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: 'local',
    callbackWaitsForEmptyEventLoop: false,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
  const run = async () => handler(JSON.parse(event), context);
  void run()
    .then((result) => ({ requestId, result: jsonOf(result) }))
    .catch((error: unknown) => ({ requestId, error: errorOf(error) }))
    .then((answer) => port.postMessage(answer));
});
port.postMessage('ready');
