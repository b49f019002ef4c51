/** What a script can tell the end of a command by. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  /** It went well, and found what somebody has to look at: dead letters, a ledger that does not add up. */
  found: 3,
  /** Ctrl-C; what goes on by itself is said. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A failure that is explained in a sentence: no stack is shown for it. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
  readonly code: string;
  readonly exitCode: ExitCode;

  constructor(code: string, message: string, options: ErrorOptions & { readonly exitCode?: ExitCode } = {}) {
    super(message, options);
    this.code = code;
    this.exitCode = options.exitCode ?? EXIT.failed;
  }
}

/** The command line asks for something that cannot be. */
export const usageError = (message: string): OperatorError =>
  new OperatorError('usage', message, { exitCode: EXIT.usage });
