import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import type { FunctionModel } from '../template/stack-model.ts';
import { type FunctionFailure, type Sandbox, type SandboxOptions, ThreadSandbox } from './sandbox.ts';

/** The result of an invocation. A failure is an error of the handler, its timeout, or the end of its thread. */
export type InvocationResult =
  | { readonly ok: true; readonly requestId: string; readonly payload: string }
  | { readonly ok: false; readonly requestId: string; readonly failure: FunctionFailure };

export type FunctionPool = {
  readonly model: FunctionModel;
  readonly maxWorkers: number;
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
  /**
   * Serves the next invocations from another bundle, or with another environment. Invocations that run finish in what they
   * began in.
   */
  replaceCode(codeDirectory: string, environment?: SandboxOptions['environment']): Promise<void>;
  stop(): Promise<void>;
};

export type PoolOptions = SandboxOptions & {
  readonly maxWorkers: number;
  /** Starts what runs the function: by default, a thread with its bundle. */
  readonly startSandbox?: ((options: SandboxOptions) => Sandbox) | undefined;
  readonly observe?: ((invocation: ObservedInvocation) => void) | undefined;
  /** Called when the log cannot be written, which ends the stack. */
  readonly onLogFailure?: (error: Error) => void;
  /** How long a thread is kept that nobody uses. */
  readonly idleMs?: number;
};

/** How long an invocation waits for a busy thread before another one is started. */
const PATIENCE_MS = 250;
const IDLE_MS = 60_000;

/** A finished invocation, for callers that count them. */
export type ObservedInvocation = {
  readonly role: string;
  readonly milliseconds: number;
  /** The processor's time of its thread, if there was an answer. */
  readonly cpuMs?: number | undefined;
  readonly memoryMb: number;
  /** True if it threw an error or was cut off, but not by a stop of the stack. */
  readonly isFailed: boolean;
};

const inThread = (options: SandboxOptions): Sandbox => new ThreadSandbox(options);

/**
 * Keeps up to `maxWorkers` threads of a function: one, and more while invocations have to wait. They stay warm between
 * invocations, and end when nobody has used them for a while, because each one holds 20 MB.
 */
export function functionPool(options: PoolOptions): FunctionPool {
  const { model, maxWorkers, logFile, startSandbox = inThread, idleMs = IDLE_MS } = options;
  /** Each with the timer that ends it. */
  const idle = new Map<Sandbox, NodeJS.Timeout>();
  const all = new Set<Sandbox>();
  /** Busy with an invocation of code that was replaced meanwhile. */
  const outdated = new Set<Sandbox>();
  const waiting: ((sandbox: Sandbox | undefined) => void)[] = [];
  let growing: NodeJS.Timeout | undefined;
  let { codeDirectory } = model;
  let { environment } = options;
  let inFlight = 0;
  let isStopped = false;

  const start = () => {
    const sandbox = startSandbox({ ...options, environment, model: { ...model, codeDirectory } });
    all.add(sandbox);
    return sandbox;
  };
  /** An idle thread, or undefined if the pool was stopped meanwhile. */
  const acquire = async (): Promise<Sandbox | undefined> => {
    if (isStopped) return undefined;
    for (const [warm, timer] of [...idle].toReversed()) {
      clearTimeout(timer);
      idle.delete(warm);
      if (warm.isUsable) return warm;
      all.delete(warm); // it ended while it was idle, for example by an unhandled rejection
    }
    if (all.size === 0) return start();
    return new Promise((resolve) => {
      waiting.push(resolve);
      growIfStillWaiting(resolve);
    });
  };
  const growIfStillWaiting = (first: (typeof waiting)[number]) => {
    growing ??= setTimeout(() => {
      growing = undefined;
      if (all.size >= maxWorkers) return;
      if (waiting.includes(first)) waiting.shift()?.(start());
      const [next] = waiting;
      if (next !== undefined) growIfStillWaiting(next);
    }, PATIENCE_MS);
  };
  const keepWarm = (sandbox: Sandbox) => {
    const end = () => {
      idle.delete(sandbox);
      all.delete(sandbox);
      void sandbox.end();
    };
    idle.set(sandbox, setTimeout(end, idleMs).unref());
  };
  const release = (sandbox: Sandbox) => {
    if (isStopped) return;
    if (outdated.delete(sandbox)) {
      void sandbox.end();
      return;
    }
    if (!sandbox.isUsable) all.delete(sandbox);
    const next = waiting.shift();
    if (next !== undefined) next(sandbox.isUsable ? sandbox : start());
    else if (sandbox.isUsable) keepWarm(sandbox);
  };
  const runOn = async (sandbox: Sandbox, requestId: string, event: string): Promise<InvocationResult> => {
    const begun = performance.now();
    let isFailed = false;
    let cpuMs: number | undefined;
    try {
      const outcome = await sandbox.run(requestId, event);
      cpuMs = outcome.cpuMs;
      isFailed = 'failure' in outcome;
      if ('payload' in outcome) return { ok: true, requestId, payload: outcome.payload };
      const timestamp = new Date().toISOString();
      try {
        appendFileSync(logFile, `${JSON.stringify({ level: 'ERROR', timestamp, requestId, ...outcome.failure })}\n`);
      } catch (error) {
        options.onLogFailure?.(error instanceof Error ? error : new Error(String(error)));
      }
      return { ok: false, requestId, failure: outcome.failure };
    } finally {
      const milliseconds = performance.now() - begun;
      const observed = { role: model.role, milliseconds, cpuMs, memoryMb: model.memoryMb };
      options.observe?.({ ...observed, isFailed: isFailed && !isStopped });
      release(sandbox);
    }
  };

  return {
    model,
    maxWorkers,
    inFlight: () => inFlight,
    async endThread() {
      const usable = [...all].filter(({ isUsable }) => isUsable);
      const victim = usable.find((sandbox) => !idle.has(sandbox)) ?? usable[0];
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
    async replaceCode(newCode, newEnvironment = environment) {
      [codeDirectory, environment] = [newCode, newEnvironment];
      const unused = [...idle.keys()];
      for (const timer of idle.values()) clearTimeout(timer);
      idle.clear();
      for (const sandbox of all) if (!unused.includes(sandbox)) outdated.add(sandbox);
      all.clear();
      for (const next of waiting.splice(0, maxWorkers)) next(start());
      await Promise.all(unused.map((sandbox) => sandbox.end()));
    },
    async stop() {
      isStopped = true;
      clearTimeout(growing);
      for (const timer of idle.values()) clearTimeout(timer);
      for (const giveUp of waiting.splice(0)) giveUp(undefined);
      await Promise.all([...all, ...outdated].map((sandbox) => sandbox.end()));
    },
  };
}
