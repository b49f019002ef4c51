import { AsyncLocalStorage } from 'node:async_hooks';
import { open, url } from 'node:inspector';
import * as z from 'zod';
import { answerOf, FunctionData, load, printTo } from './invocation.ts';

/** Runs all functions from their sources in one process, which a debugger can attach to. `inspected.ts` starts and ends it. */

const [inspectorPort] = z.tuple([z.coerce.number()]).parse(process.argv.slice(2));
const InspectedFunction = z.object({
  ...FunctionData.shape,
  environment: z.record(z.string(), z.string()),
  timeoutMs: z.number(),
});
type InspectedFunction = z.infer<typeof InspectedFunction>;
const Invocation = z.object({ requestId: z.string(), event: z.string(), fn: InspectedFunction });

const answer = (message: object) => process.send?.(message);
process.once('disconnect', () => process.exit()); // the local stack has ended
process.on('SIGINT', () => undefined); // Ctrl-C reaches the whole terminal group, and the local stack ends this process
open(inspectorPort, '127.0.0.1');
const inspectorUrl = url();
if (inspectorUrl === undefined) process.exit(1); // Node has printed why

/** Each function sees its own environment and writes into its own log, although they share this process. */
const running = new AsyncLocalStorage<InspectedFunction>();
printTo(() => running.getStore()?.logFile);
const ofThisProcess = process.env;
const environment = () => running.getStore()?.environment ?? ofThisProcess;
process.env = new Proxy<NodeJS.ProcessEnv>(
  {},
  {
    get: (_, name): unknown => Reflect.get(environment(), name),
    has: (_, name) => Reflect.has(environment(), name),
    ownKeys: () => Reflect.ownKeys(environment()),
    getOwnPropertyDescriptor: (_, name) => Reflect.getOwnPropertyDescriptor(environment(), name),
  },
);

const handlers = new Map<string, ReturnType<typeof load>>();
const handlerOf = (fn: InspectedFunction) => {
  const handler = handlers.get(fn.functionName) ?? load(fn);
  handlers.set(fn.functionName, handler);
  return handler;
};

process.on('message', (message: unknown) => {
  const { fn, ...invocation } = Invocation.parse(message);
  // Time at a breakpoint does not count: an invocation always has all its time left.
  const answered = running.run(fn, () => answerOf(handlerOf(fn), fn, invocation, () => fn.timeoutMs));
  void answered.then(answer);
});
answer({ inspectorUrl });
