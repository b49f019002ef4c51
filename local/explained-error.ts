/** What a person can mend: its message is a sentence that says how, and nobody needs its stack. */
export class ExplainedError extends Error {
  override readonly name: string = 'ExplainedError';
}

/** What a full disk or quota makes of a write: Node's own codes, and SQLite's. */
const FULL_CODES: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT']);
const SQLITE_FULL = 13;

/** The sentence for a person about an error that no code foresaw; undefined where only its stack tells. */
export function explanationOf(error: unknown, dataDirectory: string): string | undefined {
  if (error instanceof ExplainedError) return error.message;
  if (!(error instanceof Error)) return undefined;
  const isDiskFull =
    ('code' in error && FULL_CODES.has(error.code)) || ('errcode' in error && error.errcode === SQLITE_FULL);
  if (isDiskFull) return diskFull(dataDirectory);
  if (!('code' in error)) return undefined;
  if (error.code === 'EADDRINUSE') return 'The port is taken: choose another with --port, or 0 for any.';
  if (error.code === 'EACCES' || error.code === 'EROFS' || error.code === 'EPERM') {
    return `${dataDirectory} cannot be used (${error.message}): choose another --data.`;
  }
  return undefined;
}

export const diskFull = (dataDirectory: string): string =>
  `The disk that holds ${dataDirectory} is full: free some space, then start again. What was stored before is kept.`;
