import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CreatedKey } from '../domain/identity/create-key.ts';
import { ExplainedError } from './explained-error.ts';
import type { LocalDescription } from './local-description.ts';

export type DataDirectory = {
  readonly path: string;
  file(...parts: readonly string[]): string;
  /** The admin key of an earlier run, or undefined. Throws `ExplainedError` if the file exists but holds no key. */
  readAdminKey(): string | undefined;
  keepAdminKey(key: string): void;
  /** Writes `local.json` atomically. The file exists only while the stack is ready. */
  publish(description: LocalDescription): void;
  close(): void;
};

const SQLITE_BUSY = 5;

const OURS = [
  'admin-key',
  'admin-key.new',
  'checkpoints.db',
  'checkpoints.db-shm',
  'checkpoints.db-wal',
  'deployed',
  'dynamodb',
  'local.json.new',
  'logs',
  'sample.json',
  'sqs',
];
const OTHERS = ['local.json', 'lock.db', 'lock.db-journal'];

/**
 * Opens the directory for this process and its owner only, because it holds keys. The lock is SQLite's: the system
 * releases it when the process ends, also after a kill. Throws `ExplainedError` if another process holds it.
 */
export function openDataDirectory(path: string, options: { readonly fresh: boolean }): DataDirectory {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  closeToOthers(path);
  const file = (...parts: readonly string[]) => join(path, ...parts);
  const lock = new DatabaseSync(file('lock.db'), { timeout: 0 });
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    const isHeld = error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
    if (!isHeld) throw error;
    const message = `${path} is in use by another local stack: stop that one, or choose another --data`;
    throw new ExplainedError(message, { cause: error });
  }
  rmSync(file('local.json'), { force: true });
  if (options.fresh) for (const entry of OURS) rmSync(file(entry), { recursive: true, force: true });
  mkdirSync(file('logs'), { recursive: true });

  return {
    path,
    file,
    readAdminKey: () => readKey(file('admin-key')),
    keepAdminKey: (key) => writeWhole(file('admin-key'), key),
    publish: (description) => writeWhole(file('local.json'), JSON.stringify(description, undefined, 2)),
    close() {
      rmSync(file('local.json'), { force: true });
      lock.close();
    },
  };
}

function readKey(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  const text = stat.isFile() ? readFileSync(path, 'utf8').trim() : '';
  if (CreatedKey.shape.key.safeParse(text).success) return text;
  throw unusableKey(path, 'holds no key of Laurel');
}

export const unusableKey = (path: string, why: string): ExplainedError =>
  new ExplainedError(`${path} ${why}: delete it to get a new admin key, or start from scratch with --fresh`);

/**
 * Removes read access that an earlier version or an open umask gave to others. A directory that others share is not
 * changed.
 */
function closeToOthers(path: string): void {
  const ours = new Set([...OURS, ...OTHERS]);
  const entries = readdirSync(path);
  if (entries.every((entry) => ours.has(entry))) chmodSync(path, 0o700);
  for (const entry of entries.filter((name) => ours.has(name))) restrict(join(path, entry));
}

function restrict(path: string): void {
  const stat = lstatSync(path);
  if (stat.isDirectory()) {
    chmodSync(path, 0o700);
    for (const entry of readdirSync(path)) restrict(join(path, entry));
  } else if (stat.isFile()) chmodSync(path, 0o600);
}

function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.new`, `${text}\n`, { mode: 0o600 }); // both files hold a key
  renameSync(`${path}.new`, path);
}
