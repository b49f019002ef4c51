import { parentPort, workerData } from 'node:worker_threads';
import { enableCompileCache, flushCompileCache } from 'node:module';
import * as z from 'zod/mini';
import { callDirectly, DirectCalls } from './direct-calls.ts';
import { answerOf, FunctionData, load, printTo } from './invocation.ts';

/** Runs one function's bundle, one invocation at a time, in a thread that `sandbox.ts` starts and ends. */

const data = FunctionData.parse(workerData);
const { direct, compileCache } = z
  .object({ direct: z.optional(DirectCalls), compileCache: z.optional(z.string()) })
  .parse(workerData);
const Invocation = z.object({ requestId: z.string(), event: z.string(), deadline: z.number() });

if (parentPort === null) throw new Error('This module runs in a worker thread');
const port = parentPort;
printTo(() => data.logFile);
if (direct !== undefined) callDirectly(direct, (news) => port.postMessage(news));
if (compileCache !== undefined) enableCompileCache(compileCache);
const handler = load(data);

port.on('message', (message: unknown) => {
  const { deadline, ...invocation } = Invocation.parse(message);
  const timeLeft = () => Math.max(0, deadline - Date.now());
  const before = process.threadCpuUsage();
  void answerOf(handler, data, invocation, timeLeft).then((answer) => {
    const { user, system } = process.threadCpuUsage(before);
    port.postMessage({ ...answer, cpuMs: (user + system) / 1_000 });
  });
});
void handler.then(() => {
  port.postMessage('ready');
  flushCompileCache(); // a thread that is ended does not write it
});
