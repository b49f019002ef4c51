import {
  accessSync,
  appendFileSync,
  constants,
  copyFileSync,
  readdirSync,
  statfsSync,
  statSync,
  truncateSync,
} from 'node:fs';
import type { DataDirectory } from './data-directory.ts';
import { STACK_LOG } from './drain.ts';
import { diskFull, ExplainedError } from './explained-error.ts';

const EVERY_MS = 1_000;
const TRIMMED_EVERY = 60;
/** A longer log replaces its `.old` file. */
const MAX_LOG_BYTES = 8 * 1024 * 1024;
/** With less free space, SQLite cannot even clean up its journal. */
const LEAST_FREE_BYTES = 4 * 1024 * 1024;

const freeBytesOf = (path: string): number => {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
};

/** The error to report if there is too little space to start or to continue; undefined if there is enough. */
export const lackOfSpace = ({ path }: DataDirectory, freeBytes = freeBytesOf): ExplainedError | undefined =>
  freeBytes(path) < LEAST_FREE_BYTES ? new ExplainedError(diskFull(path)) : undefined;

/** Trims logs and streams, and stops the stack before a full or read-only disk makes its engines fail. */
export function startHousekeeping(options: {
  readonly data: DataDirectory;
  readonly trim: () => void;
  /** Called with an error that the stack cannot recover from. */
  readonly fail: (error: Error) => void;
  readonly freeBytes: ((path: string) => number) | undefined;
}): { stop(): void } {
  const { data, trim, fail, freeBytes } = options;
  let rounds = 0;
  const timer = setInterval(() => {
    try {
      rounds += 1;
      accessSync(data.path, constants.W_OK);
      for (const log of readdirSync(data.file('logs'))) shorten(data.file('logs', log));
      if (rounds % TRIMMED_EVERY === 0) trim();
      const lack = lackOfSpace(data, freeBytes);
      if (lack !== undefined) fail(lack);
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)));
    }
  }, EVERY_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

/** Truncates the file in place, because its writers keep it open and append to it. */
export function shorten(log: string, mostBytes = MAX_LOG_BYTES): void {
  if (log.endsWith('.old') || statSync(log).size <= mostBytes) return;
  copyFileSync(log, `${log}.old`);
  truncateSync(log);
}

/** Writes errors outside the functions to the stack's log, and to the terminal only if the log cannot be written. */
export const stackLog = (data: DataDirectory, fail: (error: Error) => void) => (error: unknown) => {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  try {
    appendFileSync(data.file('logs', STACK_LOG), `${new Date().toISOString()} ${text}\n`);
  } catch (reason) {
    fail(reason instanceof Error ? reason : new Error(String(reason)));
  }
};
