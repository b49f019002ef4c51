import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';
import { ExplainedError } from '../explained-error.ts';
import {
  bundleOf,
  failureOf,
  type FunctionFailure,
  type Outcome,
  readAnswer,
  type Sandbox,
  type SandboxOptions,
} from './sandbox.ts';

const FUNCTIONS = join(import.meta.dirname, '..', '..', 'functions');

const Ready = z.object({ inspectorUrl: z.string() });

/**
 * All functions in one process with an inspector, run from their sources, so that breakpoints are in the files one edits. It
 * is a process because a thread at a breakpoint cannot be ended.
 */
export type Inspected = {
  /** The address that a debugger connects to. */
  readonly url: () => string;
  readonly sandbox: (options: SandboxOptions) => Sandbox;
  /** Loads the sources again, once no invocation runs. The debugger has to attach again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
};

/** This function runs from its bundle, because Node cannot run the sources of pages. */
const HAS_JSX = 'serve-pages';
/** Sources read the community's files themselves, which bundles hold. */
const communityOf = ({ LAUREL_COMMUNITY }: NodeJS.ProcessEnv) =>
  LAUREL_COMMUNITY === undefined ? {} : { LAUREL_COMMUNITY };

type Running = { readonly child: ChildProcess; readonly url: string };

/** Starts the process. Port 0 chooses a free port. Throws if the inspector cannot listen on the port. */
export async function startInspected(inspectorPort: number): Promise<Inspected> {
  const unsettled = new Map<string, (outcome: Outcome) => void>();
  const ending = new WeakSet<ChildProcess>();
  let whenIdle: () => void = () => undefined;
  const settle = (requestId: string, outcome: Outcome) => {
    unsettled.get(requestId)?.(outcome);
    unsettled.delete(requestId);
    if (unsettled.size === 0) whenIdle();
  };
  const failAll = (failure: FunctionFailure) => {
    for (const requestId of [...unsettled.keys()]) settle(requestId, { failure });
  };
  const end = async ({ child }: Running) => {
    ending.add(child);
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };

  const start = async (port: number): Promise<Running> => {
    const child = fork(join(import.meta.dirname, 'inspected-process.ts'), [String(port)], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    const { promise: url, resolve, reject } = Promise.withResolvers<string>();
    child.once('message', (message: unknown) => {
      resolve(Ready.parse(message).inspectorUrl);
      child.on('message', (answer: unknown) => {
        const { requestId, outcome } = readAnswer(answer);
        settle(requestId, outcome);
      });
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      reject(new ExplainedError(`No debugger can attach to port ${port}: choose another one with --inspect PORT`));
      failAll({
        errorType: 'Runtime.ExitError',
        errorMessage: `The function's process ended with exit status ${code}`,
      });
      // Lambda, too, starts a new process after a handler has ended its own.
      if (isStarted && !ending.has(child)) running = started(port);
    });
    return { child, url: await url };
  };
  const started = (port: number): Promise<Running> => {
    const starting = start(port);
    starting.catch(() => undefined); // each invocation reports it
    return starting;
  };

  let isStarted = false;
  let running = started(inspectorPort);
  let { url } = await running;
  isStarted = true;
  const port = Number(new URL(url).port);

  return {
    url: () => url,
    sandbox: ({ model, environment, logFile }) => ({
      isUsable: true,
      async run(requestId, event) {
        const fn = {
          module:
            model.role === HAS_JSX ? bundleOf(model) : pathToFileURL(join(FUNCTIONS, model.role, 'handler.ts')).href,
          exportName: model.exportName,
          functionName: model.name,
          functionArn: model.arn,
          memoryMb: model.memoryMb,
          timeoutMs: model.timeoutMs,
          environment: { ...communityOf(process.env), ...environment },
          logFile,
        };
        try {
          const { child } = await running;
          return await new Promise((resolve) => {
            unsettled.set(requestId, resolve);
            child.send({ requestId, event, fn });
          });
        } catch (error) {
          return { failure: failureOf(error) };
        }
      },
      end: async () => undefined,
    }),
    async restart() {
      const before = await running;
      const { promise: idle, resolve } = Promise.withResolvers<undefined>();
      running = idle.then(() => end(before)).then(() => start(port));
      whenIdle = () => resolve(undefined);
      if (unsettled.size === 0) whenIdle();
      ({ url } = await running);
    },
    async stop() {
      await running.then(end, () => undefined);
    },
  };
}
