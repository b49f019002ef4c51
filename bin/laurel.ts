import { resolve } from 'node:path';
import { COMMUNITY_FOLDER } from '../functions/adapters/disk/community-files.ts';
import { beginScript } from '../local/script.ts';
import type { Runtime } from '../operator/operation.ts';
import { tellEnding } from '../operator/explained.ts';
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
  exitCode = tellEnding(error, output, isJson);
}
// Exits without waiting for open handles: idle connections, or an invocation that an interrupted command waited for.
process.stdout.write('', () => process.exit(exitCode));
