import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import * as z from 'zod/mini';

/** The end of a log that is looked at: thousands of lines. */
const TAIL_BYTES = 4_000_000;

/** The lines at the end of a function's log; none if the file does not exist. */
export function tailOf(file: string): readonly string[] {
  if (!existsSync(file)) return [];
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(descriptor, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString('utf8').split('\n');
  } finally {
    closeSync(descriptor);
  }
}

const Thrown = z.object({ errorType: z.string(), errorMessage: z.string() });
const ErrorLine = z.object({
  level: z.literal('ERROR'),
  timestamp: z.optional(z.string()),
  /** The function's own message; Lambda logs this of an error that the function threw. */
  message: z.optional(z.union([z.string(), Thrown])),
  messageId: z.optional(z.string()),
  messageIds: z.optional(z.array(z.string())),
  /** The table whose stream was read. */
  table: z.optional(z.string()),
  error: z.optional(z.object({ name: z.optional(z.string()), message: z.optional(z.string()) })),
  /** The local stack's own line about an error that a function threw. */
  errorType: z.optional(z.string()),
  errorMessage: z.optional(z.string()),
});

export type LoggedError = {
  /** ISO 8601; undefined if the line has none. */
  readonly at: string | undefined;
  /** `TypeError: x is not a function`, or else the function's message. */
  readonly message: string;
  /** Whether the invocation as a whole failed. */
  readonly isThrown: boolean;
  /** The messages that it befell. */
  readonly messageIds: readonly string[];
  /** The table whose stream was read; undefined for any other error. */
  readonly table: string | undefined;
};

/** An error as a function, Lambda or the local stack logs it; undefined for any other line. */
export function readErrorLine(line: string): LoggedError | undefined {
  if (!line.includes('"ERROR"')) return undefined;
  const { data } = ErrorLine.safeParse(jsonOf(line));
  if (data === undefined) return undefined;
  const { timestamp, message, error, errorType, errorMessage = '', messageId, messageIds = [], table } = data;
  const thrown =
    typeof message === 'object' ? message : errorType === undefined ? undefined : { errorType, errorMessage };
  const { name = 'Error', message: why = '' } = error ?? {};
  const said = typeof message === 'string' ? message : 'no words';
  return {
    at: timestamp,
    isThrown: thrown !== undefined,
    message:
      thrown !== undefined
        ? `${thrown.errorType}: ${thrown.errorMessage}`
        : error === undefined
          ? said
          : `${name}: ${why}`,
    messageIds: messageId === undefined ? messageIds : [messageId, ...messageIds],
    table,
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
