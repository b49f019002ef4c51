import { resolve } from 'node:path';

/** An error that the user can fix. Its message is a sentence that explains how, and its stack is not printed. */
export class ExplainedError extends Error {
  override readonly name: string = 'ExplainedError';
}

/** The error codes of a full disk or quota, from Node and SQLite. */
const FULL_CODES: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT']);
const SQLITE_FULL = 13;
/** SQLite's codes of a file that cannot be read, written or opened. */
const UNUSABLE_FILE: ReadonlySet<unknown> = new Set([8, 10, 14]);

/** The sentence for a known kind of system error; undefined if only its stack helps. */
export function explanationOf(error: unknown, dataDirectory: string): string | undefined {
  if (error instanceof ExplainedError) return error.message;
  if (!(error instanceof Error)) return undefined;
  const isDiskFull =
    ('code' in error && FULL_CODES.has(error.code)) || ('errcode' in error && error.errcode === SQLITE_FULL);
  if (isDiskFull) return diskFull(dataDirectory);
  if ('code' in error && error.code === 'EADDRINUSE') {
    return 'The port is taken: choose another one with --port, or 0 for any free port.';
  }
  const isUnusable =
    ('path' in error && typeof error.path === 'string' && isWithin(error.path, dataDirectory)) ||
    ('code' in error && (error.code === 'EACCES' || error.code === 'EROFS' || error.code === 'EPERM')) ||
    ('errcode' in error && UNUSABLE_FILE.has(error.errcode));
  return isUnusable
    ? `${dataDirectory} cannot be used (${error.message}): make it writable, or choose another directory with --data. ` +
        'Data that was stored before is safe.'
    : undefined;
}

/** Also true for the directory itself and for the folders above it, which may have to be made. */
const isWithin = (path: string, directory: string): boolean =>
  `${resolve(path)}/`.startsWith(`${resolve(directory)}/`) || `${resolve(directory)}/`.startsWith(`${resolve(path)}/`);

export const diskFull = (dataDirectory: string): string =>
  `The disk that holds ${dataDirectory} is full: free some space, then start again. Data that was stored before is safe.`;
