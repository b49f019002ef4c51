import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { tellEnding } from '../../operator/explained.ts';
import type { Runtime } from '../../operator/operation.ts';
import { EXIT, type ExitCode } from '../../operator/outcome.ts';
import type { Output } from '../../operator/output.ts';
import { operatorProgram } from '../../operator/program.ts';

const PROGRAM = join(import.meta.dirname, '..', '..', 'bin', 'laurel.ts');

export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

export type OperatorProcess = { readonly process: ChildProcess; readonly ended: Promise<Ended> };

/** The environment of the tests, without an operator's own settings. */
function surroundings() {
  const { LAUREL_URL: _url, LAUREL_ADMIN_KEY: _key, ...rest } = process.env;
  return rest;
}

/** The operator's command in a separate process. */
export function spawnOperator(args: readonly string[], env: Readonly<Record<string, string>> = {}): OperatorProcess {
  const child = spawn(process.execPath, [PROGRAM, ...args], { env: { ...surroundings(), ...env } });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString('utf8')));
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, ...output }));
  return { process: child, ended };
}

/**
 * Runs it with `--json` on a local stack's directory, in this process, because a process of its own takes half a second
 * of CPU. Returns its exit code and the document that it prints.
 */
export async function operate(directory: string, ...args: readonly string[]): Promise<{ code: ExitCode; said: any }> {
  const documents: string[] = [];
  const notes: string[] = [];
  let code: ExitCode = EXIT.ok;
  const output: Output = {
    result: (value) => documents.push(JSON.stringify(value)),
    note: (text) => notes.push(text),
    progress: () => ({ update() {}, stop() {} }),
    confirm: async () => true,
    ask: async (_question, usual) => usual,
  };
  const runtime: Runtime = {
    output,
    environment: surroundings(),
    clock: Date.now,
    interruption: () => new AbortController().signal,
    end: (ended) => (code = ended),
  };
  try {
    await operatorProgram(runtime).parseAsync([...args, '--local', directory, '--json'], { from: 'user' });
  } catch (error) {
    code = tellEnding(error, output, true);
  }
  if (documents.length !== 1) throw new Error(`not one document: ${documents.join('\n')}\n${notes.join('\n')}`);
  return { code, said: JSON.parse(documents[0]!) };
}
