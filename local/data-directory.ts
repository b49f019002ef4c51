import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { LocalDescription } from './local-description.ts';

/** Another stack runs on the same data directory. */
export class DataDirectoryInUseError extends Error {
  override readonly name = 'DataDirectoryInUseError';
}

export type DataDirectory = {
  file(...parts: readonly string[]): string;
  /** The admin key of an earlier run, whose credential the tables still hold. */
  readAdminKey(): string | undefined;
  keepAdminKey(key: string): void;
  /** Writes `local.json`, whole or not at all. It is there only while the stack is ready. */
  publish(description: LocalDescription): void;
  close(): void;
};

const OURS = [
  'admin-key',
  'checkpoints.db',
  'checkpoints.db-shm',
  'checkpoints.db-wal',
  'dynamodb',
  'logs',
  'sample.json',
  'sqs',
];

/**
 * Opens the directory for this process alone. The lock is SQLite's: the system gives it up when the process ends,
 * however it ends. Throws `DataDirectoryInUseError` where another process holds it.
 */
export function openDataDirectory(path: string, options: { readonly fresh: boolean }): DataDirectory {
  mkdirSync(path, { recursive: true });
  const file = (...parts: readonly string[]) => join(path, ...parts);
  const lock = new DatabaseSync(file('lock.db'), { timeout: 0 });
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    const message = `${path} is in use by another local stack: stop that one, or choose another --data`;
    throw new DataDirectoryInUseError(message, { cause: error });
  }
  rmSync(file('local.json'), { force: true });
  if (options.fresh) for (const entry of OURS) rmSync(file(entry), { recursive: true, force: true });
  mkdirSync(file('logs'), { recursive: true });

  return {
    file,
    readAdminKey: () => (existsSync(file('admin-key')) ? readFileSync(file('admin-key'), 'utf8').trim() : undefined),
    keepAdminKey: (key) => writeWhole(file('admin-key'), key),
    publish: (description) => writeWhole(file('local.json'), JSON.stringify(description, undefined, 2)),
    close() {
      rmSync(file('local.json'), { force: true });
      lock.close();
    },
  };
}

function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.new`, `${text}\n`, { mode: 0o600 }); // both files hold a key
  renameSync(`${path}.new`, path);
}
