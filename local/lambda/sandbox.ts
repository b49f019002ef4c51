import { buildSync } from 'esbuild';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import * as z from 'zod';
import type { FunctionModel } from '../template/stack-model.ts';
import { CallNews, type DirectCalls } from './direct-calls.ts';

export type FunctionFailure = {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
};

export type Outcome = {
  /** The processor's time, if it is known: unlike the time that passed, it does not depend on other jobs. */
  readonly cpuMs?: number | undefined;
} & ({ readonly payload: string } | { readonly failure: FunctionFailure });

/** Something that has loaded a function. It serves one invocation at a time. */
export type Sandbox = {
  readonly isUsable: boolean;
  run(requestId: string, event: string): Promise<Outcome>;
  end(): Promise<void>;
};

export type SandboxOptions = {
  readonly model: FunctionModel;
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** How a thread calls the engines itself. If omitted, all calls go to the endpoint in the environment. */
  readonly direct?: DirectCalls | undefined;
  /** Told of the thread's direct calls. */
  readonly onCalls?: ((news: CallNews) => void) | undefined;
};

/** Lambda's limit for the start of a function, which is not part of its timeout. */
const INIT_TIMEOUT_MS = 10_000;

/**
 * The size of the heap for short-lived objects. The default is up to 48 MB per thread, and there are dozens of threads.
 */
const YOUNG_GENERATION_MB = 4;

const common = { requestId: z.string(), cpuMs: z.number().optional() };
const Answer = z.union([
  z.object({ ...common, result: z.string() }),
  z.object({
    ...common,
    error: z.object({ errorType: z.string(), errorMessage: z.string(), trace: z.array(z.string()) }),
  }),
]);

/** A file that processes of the same sources share, so that one of them bundles for all. */
const { LAUREL_THREAD_PROGRAM: shared = '' } = process.env;
let program: string | undefined;
/** What each thread runs, as one script: a thread that removed the types itself would cost 12 MB and 0.1 s more. */
function programOfThreads(): string {
  program ??= existsSync(shared) ? readFileSync(shared, 'utf8') : builtProgram();
  return program;
}

function builtProgram(): string {
  const entryPoints = [join(import.meta.dirname, 'function-worker.ts')];
  const options = { bundle: true, platform: 'node', format: 'cjs', target: 'node24', write: false } as const;
  const built = buildSync({ entryPoints, ...options })
    .outputFiles.map(({ text }) => text)
    .join('');
  if (shared !== '') {
    writeFileSync(`${shared}.${process.pid}`, built);
    renameSync(`${shared}.${process.pid}`, shared); // it appears whole
  }
  return built;
}

/** What a thread answers for an invocation, by its request. */
export function readAnswer(message: unknown): { readonly requestId: string; readonly outcome: Outcome } {
  const answer = Answer.parse(message);
  const { requestId, cpuMs } = answer;
  return {
    requestId,
    outcome: { cpuMs, ...('result' in answer ? { payload: answer.result } : { failure: answer.error }) },
  };
}

/** A thread with the function's bundle. */
export class ThreadSandbox implements Sandbox {
  readonly #worker: Worker;
  readonly #timeoutMs: number;
  readonly #ready: Promise<FunctionFailure | undefined>;
  #ended = false;
  #settle: ((outcome: Outcome) => void) | undefined;

  constructor({ model, environment, logFile, direct, onCalls }: SandboxOptions) {
    this.#timeoutMs = model.timeoutMs;
    this.#worker = new Worker(programOfThreads(), {
      eval: true,
      env: environment,
      execArgv: ['--disable-warning=ExperimentalWarning'],
      resourceLimits: { maxOldGenerationSizeMb: model.memoryMb, maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
      workerData: {
        module: bundleOf(model),
        exportName: model.exportName,
        functionName: model.name,
        functionArn: model.arn,
        memoryMb: model.memoryMb,
        logFile,
        direct,
        compileCache: getCompileCacheDir(),
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
        this.#worker.on('message', (message: unknown) => {
          const news = CallNews.safeParse(message);
          if (news.success) onCalls?.(news.data);
          else this.#settle?.(readAnswer(message).outcome);
        });
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
}

/** The URL of the function's bundle. */
export function bundleOf({ codeDirectory, file, name }: FunctionModel): string {
  const found = ['.mjs', '.js'].map((extension) => join(codeDirectory, `${file}${extension}`)).find(existsSync);
  if (found === undefined) throw new Error(`The bundle of ${name} has no ${file}.mjs or .js`);
  return pathToFileURL(found).href;
}

export function failureOf(error: unknown): FunctionFailure {
  if (!(error instanceof Error)) return { errorType: 'Runtime.UnhandledError', errorMessage: String(error) };
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
}
