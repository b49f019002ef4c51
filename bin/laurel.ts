import { CommanderError } from 'commander';
import * as z from 'zod';
import { beginScript } from '../local/script.ts';
import type { Runtime } from '../operator/operation.ts';
import { EXIT, type ExitCode, OperatorError } from '../operator/outcome.ts';
import { terminalOutput } from '../operator/output.ts';
import { operatorProgram } from '../operator/program.ts';

const isJson = process.argv.includes('--json');
const output = terminalOutput({ json: isJson });
let exitCode: ExitCode = EXIT.ok;
const interruption = new AbortController();
let isInterruptible = false;
beginScript(() => {
  if (isInterruptible) interruption.abort();
  else process.exit(EXIT.interrupted);
});
const runtime: Runtime = {
  output,
  environment: process.env,
  clock: Date.now,
  interruption: () => {
    isInterruptible = true;
    return interruption.signal;
  },
  end: (code) => {
    exitCode = code;
  },
};

try {
  await operatorProgram(runtime).parseAsync();
} catch (error) {
  exitCode = explain(error);
}
// Exits without waiting for open handles: idle connections, or an invocation that an interrupted command waited for.
process.stdout.write('', () => process.exit(exitCode));

/** Explains an expected error in one sentence, and an unexpected one with its stack trace. */
function explain(error: unknown): ExitCode {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok; // --help
    if (isJson) output.result({ error: error.message, code: 'usage' }, ''); // commander has already written to stderr
    return EXIT.usage;
  }
  const { code, sentence } = reasonOf(error);
  output.note(`laurel: ${sentence}`);
  if (isJson) output.result({ error: sentence, code }, '');
  return error instanceof OperatorError ? error.exitCode : EXIT.failed;
}

function reasonOf(error: unknown): { readonly code: string; readonly sentence: string } {
  if (error instanceof OperatorError) return { code: error.code, sentence: error.message };
  if (error instanceof z.core.$ZodError) {
    const sentence = `an answer does not have the form that this version expects: ${z.prettifyError(error)}`;
    return { code: 'unknown_answer', sentence };
  }
  // The AWS SDK's errors have clear names: AccessDenied, ExpiredToken, QueueDoesNotExist …
  if (error instanceof Error && '$metadata' in error)
    return { code: error.name, sentence: `${error.name}: ${error.message}` };
  const sentence = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'internal', sentence };
}
