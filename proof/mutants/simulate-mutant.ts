import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import * as z from 'zod';
import type { Verdict } from './check-mutant.ts';
import type { Mutant } from './mutant.ts';
import type { Tree } from './tree.ts';

const Said = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true) }),
  z.object({ ok: z.literal(false), seed: z.number(), rule: z.string(), problems: z.array(z.string()) }),
]);

const LONGEST_PROBLEM = 160;

/** Takes a guard out of the tree, runs the simulator on so many schedules instead of any test, and puts it back. */
export async function simulateMutant(tree: Tree, mutant: Mutant, schedules: number): Promise<Verdict> {
  const started = performance.now();
  const putBack = tree.apply(mutant);
  try {
    const verdict = verdictOf(await prove(tree, schedules), schedules);
    return { mutant, ...verdict, seconds: (performance.now() - started) / 1000 };
  } finally {
    putBack();
  }
}

async function prove(
  { directory }: Tree,
  schedules: number,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const options = ['--seed', '1', '--schedules', String(schedules), '--no-shrink', '--json'];
  const child = spawn(process.execPath, [join(directory, 'proof', 'prove.ts'), ...options], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString('utf8')));
  await once(child, 'close');
  return output;
}

function verdictOf(
  { stdout, stderr }: { readonly stdout: string; readonly stderr: string },
  schedules: number,
): Pick<Verdict, 'kind' | 'by' | 'how'> {
  if (stdout === '') return { kind: 'broken', by: stderr.slice(-500), how: '' };
  const said = Said.parse(JSON.parse(stdout));
  if (said.ok) return { kind: 'survived', by: `${schedules} schedules`, how: '' };
  return {
    kind: 'caught',
    by: `seed ${said.seed}, ${said.rule}: ${said.problems.join('; ').slice(0, LONGEST_PROBLEM)}`,
    how: '',
  };
}
