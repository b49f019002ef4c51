import { copyFileSync, readdirSync, statfsSync, statSync, truncateSync } from 'node:fs';
import type { DataDirectory } from './data-directory.ts';
import { diskFull, ExplainedError } from './explained-error.ts';

const EVERY_MS = 1_000;
const TRIMMED_EVERY = 60;
/** A longer log moves into its `.old` file, in place of what that held. */
const MOST_LOG_BYTES = 8 * 1024 * 1024;
/** With less, SQLite cannot even tidy its own journal up. */
const LEAST_FREE_BYTES = 4 * 1024 * 1024;

const freeBytesOf = (path: string): number => {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
};

/** What to say where there is no room to begin, or to go on. */
export const lackOfSpace = ({ path }: DataDirectory, freeBytes = freeBytesOf): ExplainedError | undefined =>
  freeBytes(path) < LEAST_FREE_BYTES ? new ExplainedError(diskFull(path)) : undefined;

/** Keeps the logs and the streams short, and ends the stack before a full disk fails its engines one after the other. */
export function startHousekeeping(options: {
  readonly data: DataDirectory;
  readonly trim: () => void;
  /** Told of what the stack cannot go on with. */
  readonly fail: (error: Error) => void;
  readonly freeBytes: ((path: string) => number) | undefined;
}): { stop(): void } {
  const { data, trim, fail, freeBytes } = options;
  let rounds = 0;
  const timer = setInterval(() => {
    try {
      rounds += 1;
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

/** In place: those who write to it hold it open, and append. */
export function shorten(log: string, mostBytes = MOST_LOG_BYTES): void {
  if (log.endsWith('.old') || statSync(log).size <= mostBytes) return;
  copyFileSync(log, `${log}.old`);
  truncateSync(log);
}
