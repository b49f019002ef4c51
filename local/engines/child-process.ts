import { spawn } from 'node:child_process';
import { openSync, closeSync } from 'node:fs';
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { exchange } from '../aws-client.ts';
import { ExplainedError } from '../explained-error.ts';

/**
 * Runs its arguments, and ends them when the pipe on standard input closes. The pipe also closes when the parent was
 * killed and could not end its children.
 */
const GUARD = `
exec 3<&0
"$@" </dev/null &
child=$!
{ cat <&3 >/dev/null; kill "$child" 2>/dev/null; } &
guard=$!
exec 3<&-
trap 'kill "$child" 2>/dev/null' TERM INT
trap 'kill -9 "$child" 2>/dev/null; wait "$child" 2>/dev/null' USR1
wait "$child"
status=$?
kill "$guard" 2>/dev/null
exit "$status"
`;

export type ChildProcess = {
  /** Settles when the process has ended, for whatever reason. */
  readonly ended: Promise<void>;
  hasEnded(): boolean;
  stop(): Promise<void>;
  /** Kills it as a crash would: it finishes nothing. */
  kill(): Promise<void>;
};

/**
 * Starts an engine that ends with this process, also when this process is killed. Its output goes to `logFile`, if
 * given.
 */
export function startChildProcess(command: string, args: readonly string[], logFile?: string): ChildProcess {
  const log = logFile === undefined ? undefined : openSync(logFile, 'a');
  const output = log ?? 'ignore';
  const child = spawn('/bin/sh', ['-c', GUARD, 'guard', command, ...args], {
    stdio: ['pipe', output, output],
    // Ctrl-C reaches the whole terminal group, but the engine must run longer than the functions that still write
    detached: true,
  });
  if (log !== undefined) closeSync(log);
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
  return {
    ended,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    async stop() {
      child.stdin?.end();
      await ended;
    },
    async kill() {
      child.kill('SIGUSR1');
      await ended;
    },
  };
}

/** Waits until an engine answers HTTP. Throws `ExplainedError` if it has ended, or if it does not answer in time. */
export async function waitUntilAnswering(
  url: string,
  child: ChildProcess,
  {
    name,
    timeoutMs,
    logFile,
  }: { readonly name: string; readonly timeoutMs: number; readonly logFile?: string | undefined },
) {
  const see = logFile === undefined ? '' : `: see ${logFile}`;
  const { hostname, port } = new URL(url);
  const agent = new Agent(); // not the global agent, which may use a proxy
  for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += 20) {
    if (child.hasEnded()) throw new ExplainedError(`${name} ended before it answered${see}`);
    try {
      await exchange({ agent, hostname, port, signal: AbortSignal.timeout(1000) }, '');
      return;
    } catch {
      await sleep(20); // the connection is refused until it listens
    }
  }
  await child.stop();
  throw new ExplainedError(`${name} did not answer within ${timeoutMs / 1000} s${see}`);
}
