import { parentPort, workerData } from 'node:worker_threads';
import * as z from 'zod';
import { answerOf, FunctionData, load, printTo } from './invocation.ts';

/** Runs one function's bundle, one invocation at a time, in a thread that `sandbox.ts` starts and ends. */

const data = FunctionData.parse(workerData);
const Invocation = z.object({ requestId: z.string(), event: z.string(), deadline: z.number() });

if (parentPort === null) throw new Error('This module runs in a worker thread');
const port = parentPort;
printTo(() => data.logFile);
const handler = await load(data);

port.on('message', (message: unknown) => {
  const { deadline, ...invocation } = Invocation.parse(message);
  const timeLeft = () => Math.max(0, deadline - Date.now());
  void answerOf(handler, data, invocation, timeLeft).then((answer) => port.postMessage(answer));
});
port.postMessage('ready');
