import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const LOOPBACK = '127.0.0.1,localhost';
const PARENT_CHECK_MS = 250;

/**
 * Prepares a long-running script. `end` is called once: at the first signal, or when npm, which started the script, has
 * ended. npm forwards Ctrl-C, so the same signal arrives twice.
 */
export function beginScript(end: (exitCode: number) => void = (exitCode) => process.exit(exitCode)): void {
  reachLoopbackDirectly();
  let isEnding = false;
  const endOnce = (exitCode: number) => {
    if (isEnding) return;
    isEnding = true;
    end(exitCode);
  };
  for (const signal of SIGNALS) process.on(signal, () => endOnce(128 + constants.signals[signal]));
  endWithParent(() => endOnce(128 + constants.signals.SIGTERM));
}

/**
 * Calls `end` when npm has ended: a killed npm forwards no signal. A process that a shell started may outlive the shell
 * on purpose, so a shell is not watched.
 */
export function endWithParent(end: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    end();
  }, PARENT_CHECK_MS);
  timer.unref();
}

/** With NODE_USE_ENV_PROXY, `fetch` would send local requests to a proxy. It reads these variables at each call. */
function reachLoopbackDirectly(): void {
  const { no_proxy: lower, NO_PROXY: upper } = process.env;
  const direct = [lower ?? upper, LOOPBACK].filter((each) => each !== undefined && each !== '').join(',');
  Object.assign(process.env, { no_proxy: direct, NO_PROXY: direct });
}

/** A directory that is deleted when this process ends, unless the process is killed. */
export function scratchDirectory(name: string): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `laurel-${name}-`));
  const remove = () => rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  process.once('exit', remove);
  return {
    path,
    remove() {
      process.removeListener('exit', remove);
      remove();
    },
  };
}
