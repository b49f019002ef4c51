import { spawn } from 'node:child_process';
import { once } from 'node:events';

export type Ran = {
  readonly stdout: string;
  /** The output on stdout and stderr, in order. */
  readonly output: string;
  readonly isTooLong: boolean;
};

/** Runs a program with this Node, and kills it after `seconds`, because a mutant may run forever. */
export async function runNode(
  args: readonly string[],
  { cwd, env, seconds }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly seconds: number },
): Promise<Ran> {
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const end = () => child.kill('SIGKILL');
  process.prependOnceListener('exit', end); // before its directory is deleted
  let [stdout, output] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8');
    output += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
  });
  let isTooLong = false;
  const timer = setTimeout(() => {
    isTooLong = true;
    end();
  }, seconds * 1_000);
  await once(child, 'close');
  clearTimeout(timer);
  process.removeListener('exit', end);
  return { stdout, output, isTooLong };
}
