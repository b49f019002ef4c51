import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import * as z from 'zod';
import type { FunctionModel } from '../template/stack-model.ts';

export type FunctionFailure = {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
};

/** The result of an invocation. A failure is an error of the handler, its timeout, or the end of its thread. */
export type InvocationResult =
  | { readonly ok: true; readonly requestId: string; readonly payload: string }
  | { readonly ok: false; readonly requestId: string; readonly failure: FunctionFailure };

export type FunctionPool = {
  readonly model: FunctionModel;
  /**
   * Invokes the function with a JSON text, after waiting for a free thread. Never throws for a failure of the function.
   */
  invoke(event: string): Promise<InvocationResult>;
  /** The number of invocations that run or wait. */
  inFlight(): number;
  /**
   * Ends one of the function's threads, as Lambda may do at any time. It prefers a busy one. Returns false if there is
   * none.
   */
  endThread(): Promise<boolean>;
  stop(): Promise<void>;
};

export type PoolOptions = {
  readonly model: FunctionModel;
  readonly environment: Readonly<Record<string, string>>;
  readonly maxWorkers: number;
  readonly logFile: string;
  readonly observe?: ((invocation: ObservedInvocation) => void) | undefined;
};

/** A finished invocation, for callers that count them. */
export type ObservedInvocation = {
  readonly role: string;
  readonly milliseconds: number;
  readonly memoryMb: number;
  /** True if it threw an error or was cut off, but not by a stop of the stack. */
  readonly isFailed: boolean;
};

/** Lambda's limit for the start of a function, which is not part of its timeout. */
const INIT_TIMEOUT_MS = 10_000;

const Answer = z.union([
  z.object({ requestId: z.string(), result: z.string() }),
  z.object({
    requestId: z.string(),
    error: z.object({ errorType: z.string(), errorMessage: z.string(), trace: z.array(z.string()) }),
  }),
]);

/**
 * The size of the heap for short-lived objects. The default is up to 48 MB per thread, and there are dozens of threads.
 */
const YOUNG_GENERATION_MB = 4;

type Outcome = { readonly payload: string } | { readonly failure: FunctionFailure };

/** A thread that has loaded the function. It serves one invocation at a time. */
class Sandbox {
  readonly #worker: Worker;
  readonly #timeoutMs: number;
  readonly #ready: Promise<FunctionFailure | undefined>;
  #ended = false;
  #settle: ((outcome: Outcome) => void) | undefined;

  constructor({ model, environment, logFile }: PoolOptions) {
    this.#timeoutMs = model.timeoutMs;
    this.#worker = new Worker(new URL('function-worker.ts', import.meta.url), {
      env: environment,
      execArgv: ['--disable-warning=ExperimentalWarning'],
      resourceLimits: { maxOldGenerationSizeMb: model.memoryMb, maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
      workerData: {
        bundle: bundleOf(model),
        exportName: model.exportName,
        functionName: model.name,
        functionArn: model.arn,
        memoryMb: model.memoryMb,
        logFile,
      },
    });
    this.#ready = new Promise((resolve) => {
      const slow = setTimeout(() => {
        resolve({ errorType: 'Sandbox.Timedout', errorMessage: 'The function did not start within 10 s' });
        void this.end();
      }, INIT_TIMEOUT_MS);
      this.#worker.once('message', () => {
        clearTimeout(slow);
        resolve(undefined);
        this.#worker.on('message', (message: unknown) => this.#answered(message));
      });
      const fail = (failure: FunctionFailure) => {
        clearTimeout(slow);
        this.#ended = true;
        resolve(failure); // has no effect unless the start failed
        this.#settle?.({ failure });
      };
      this.#worker.once('error', (error) => fail(failureOf(error)));
      this.#worker.once('exit', (code) =>
        fail({ errorType: 'Runtime.ExitError', errorMessage: `The function's process ended with exit status ${code}` }),
      );
    });
  }

  get isUsable(): boolean {
    return !this.#ended;
  }

  async run(requestId: string, event: string): Promise<Outcome> {
    const failure = await this.#ready;
    if (failure !== undefined) return { failure };
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        const seconds = (this.#timeoutMs / 1000).toFixed(2);
        const errorMessage = `${requestId} Task timed out after ${seconds} seconds`;
        this.#settle?.({ failure: { errorType: 'Sandbox.Timedout', errorMessage } });
        void this.end();
      }, this.#timeoutMs);
      this.#settle = (outcome) => {
        clearTimeout(timer);
        this.#settle = undefined;
        resolve(outcome);
      };
      this.#worker.postMessage({ requestId, event, deadline: Date.now() + this.#timeoutMs });
    });
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#worker.terminate();
  }

  #answered(message: unknown): void {
    const answer = Answer.parse(message);
    this.#settle?.('result' in answer ? { payload: answer.result } : { failure: answer.error });
  }
}

/**
 * Keeps up to `maxWorkers` threads of a function. They start when they are needed and stay warm between invocations.
 */
export function functionPool(options: PoolOptions): FunctionPool {
  const { model, maxWorkers, logFile } = options;
  const idle: Sandbox[] = [];
  const all = new Set<Sandbox>();
  const waiting: ((sandbox: Sandbox | undefined) => void)[] = [];
  let inFlight = 0;
  let isStopped = false;

  const start = () => {
    const sandbox = new Sandbox(options);
    all.add(sandbox);
    return sandbox;
  };
  /** An idle thread, or undefined if the pool was stopped meanwhile. */
  const acquire = async (): Promise<Sandbox | undefined> => {
    if (isStopped) return undefined;
    const warm = idle.pop();
    if (warm === undefined) return all.size < maxWorkers ? start() : new Promise((resolve) => waiting.push(resolve));
    if (warm.isUsable) return warm;
    all.delete(warm); // it ended while it was idle, for example by an unhandled rejection
    return start();
  };
  const release = (sandbox: Sandbox) => {
    if (isStopped) return;
    if (!sandbox.isUsable) all.delete(sandbox);
    const next = waiting.shift();
    if (next !== undefined) next(sandbox.isUsable ? sandbox : start());
    else if (sandbox.isUsable) idle.push(sandbox);
  };
  const runOn = async (sandbox: Sandbox, requestId: string, event: string): Promise<InvocationResult> => {
    const begun = performance.now();
    let isFailed = false;
    try {
      const outcome = await sandbox.run(requestId, event);
      isFailed = 'failure' in outcome;
      if ('payload' in outcome) return { ok: true, requestId, payload: outcome.payload };
      const timestamp = new Date().toISOString();
      appendFileSync(logFile, `${JSON.stringify({ level: 'ERROR', timestamp, requestId, ...outcome.failure })}\n`);
      return { ok: false, requestId, failure: outcome.failure };
    } finally {
      const milliseconds = performance.now() - begun;
      options.observe?.({ role: model.role, milliseconds, memoryMb: model.memoryMb, isFailed: isFailed && !isStopped });
      release(sandbox);
    }
  };

  return {
    model,
    inFlight: () => inFlight,
    async endThread() {
      const usable = [...all].filter(({ isUsable }) => isUsable);
      const victim = usable.find((sandbox) => !idle.includes(sandbox)) ?? usable[0];
      await victim?.end();
      return victim !== undefined;
    },
    async invoke(event) {
      const requestId = randomUUID();
      inFlight += 1;
      try {
        const sandbox = await acquire();
        if (sandbox !== undefined) return await runOn(sandbox, requestId, event);
        const failure = { errorType: 'Sandbox.Stopped', errorMessage: 'The local stack is stopping' };
        return { ok: false, requestId, failure };
      } finally {
        inFlight -= 1;
      }
    },
    async stop() {
      isStopped = true;
      for (const giveUp of waiting.splice(0)) giveUp(undefined);
      await Promise.all([...all].map((sandbox) => sandbox.end()));
    },
  };
}

function bundleOf({ codeDirectory, file, name }: FunctionModel): string {
  const found = ['.mjs', '.js'].map((extension) => join(codeDirectory, `${file}${extension}`)).find(existsSync);
  if (found === undefined) throw new Error(`The bundle of ${name} has no ${file}.mjs or .js`);
  return pathToFileURL(found).href;
}

function failureOf(error: unknown): FunctionFailure {
  if (!(error instanceof Error)) return { errorType: 'Runtime.UnhandledError', errorMessage: String(error) };
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
}
