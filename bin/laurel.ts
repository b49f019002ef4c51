import { resolve } from 'node:path';
import { CommanderError } from 'commander';
import { COMMUNITY_FOLDER, CommunityError } from '../functions/adapters/disk/community-files.ts';
import { beginScript } from '../local/script.ts';
import type { Runtime } from '../operator/operation.ts';
import { endingOf } from '../operator/explained.ts';
import { EXIT, type ExitCode } from '../operator/outcome.ts';
import { terminalOutput } from '../operator/output.ts';

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
  const named = process.argv.findIndex((argument) => /^--community(=|$)/u.test(argument));
  const [, folder = process.argv[named + 1]] = /^--community=(.*)$/su.exec(process.argv[named] ?? '') ?? [];
  if (named > 0 && folder !== undefined) process.env[COMMUNITY_FOLDER] = resolve(folder);
  // Only now: it reads the files of the community, which may have faults.
  const { operatorProgram } = await import('../operator/program.ts');
  await operatorProgram(runtime).parseAsync();
} catch (error) {
  exitCode = explain(error);
}
// Exits without waiting for open handles: idle connections, or an invocation that an interrupted command waited for.
process.stdout.write('', () => process.exit(exitCode));

function explain(error: unknown): ExitCode {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok; // --help
    if (isJson) output.result({ error: error.message, code: 'usage' }, ''); // commander has already written to stderr
    return EXIT.usage;
  }
  if (error instanceof CommunityError) {
    output.note(error.message);
    if (isJson) output.result({ ok: false, faults: error.faults, code: 'invalid_community' }, '');
    return EXIT.failed;
  }
  const { code, sentence, exitCode: ending } = endingOf(error);
  output.note(`laurel: ${sentence}`);
  if (isJson) output.result({ error: sentence, code }, '');
  return ending;
}
