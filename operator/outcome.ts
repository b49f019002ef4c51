/** The exit codes, for scripts. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  /** The command succeeded and found something that needs attention: dead letters, or a ledger that does not add up. */
  found: 3,
  /** Ctrl-C. The output names what continues in the background. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** An expected failure, explained in one sentence and printed without a stack trace. */
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

/** The command line is invalid. */
export const usageError = (message: string): OperatorError =>
  new OperatorError('usage', message, { exitCode: EXIT.usage });
