import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const PROGRAM = join(import.meta.dirname, '..', '..', 'bin', 'laurel.ts');

export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

export type OperatorProcess = { readonly process: ChildProcess; readonly ended: Promise<Ended> };

/** The operator's command in a separate process. */
export function spawnOperator(args: readonly string[], env: Readonly<Record<string, string>> = {}): OperatorProcess {
  const { LAUREL_URL: _url, LAUREL_ADMIN_KEY: _key, ...surroundings } = process.env;
  const child = spawn(process.execPath, [PROGRAM, ...args], { env: { ...surroundings, ...env } });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString('utf8')));
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, ...output }));
  return { process: child, ended };
}

/** Runs it with `--json` on a local stack's directory. Returns its exit code and the document that it prints. */
export async function operate(
  directory: string,
  ...args: readonly string[]
): Promise<{ code: number | null; said: any }> {
  const { code, stdout, stderr } = await spawnOperator([...args, '--local', directory, '--json']).ended;
  try {
    return { code, said: JSON.parse(stdout) };
  } catch (error) {
    throw new Error(`no one JSON document on stdout: ${stdout}\n${stderr}`, { cause: error });
  }
}
