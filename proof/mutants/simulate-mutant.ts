import { join } from 'node:path';
import * as z from 'zod';
import { parseJson } from '../../local/json.ts';
import { SIMULATOR, type Mutant } from './mutant.ts';
import { runNode, type Ran } from './run-node.ts';
import type { Tree } from './tree.ts';
import { brokenBy, failedBy, tooLong, type Judged, type Verdict } from './verdict.ts';

const Said = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true) }),
  z.object({ ok: z.literal(false), seed: z.number(), rule: z.string(), problems: z.array(z.string()) }),
]);

const LONGEST_PROBLEM = 160;
/** A time limit: on a busy machine a schedule takes about half a second. */
const longestOf = (schedules: number): number => 60 + 2 * schedules;

/** Removes a guard from the tree, runs the simulator instead of the tests, and puts it back. */
export async function simulateMutant(tree: Tree, mutant: Mutant, schedules: number): Promise<Verdict> {
  const started = performance.now();
  const seconds = longestOf(schedules);
  // A fixed first seed, so that findings can be repeated.
  const args = ['--seed', '1', '--schedules', String(schedules), '--no-shrink', '--json'];
  const putBack = tree.apply(mutant);
  try {
    const cwd = tree.directory;
    const ran = await runNode([join(cwd, SIMULATOR), ...args], { cwd, env: process.env, seconds });
    const judged = ran.isTooLong ? tooLong(seconds) : judge(ran, schedules);
    return { mutant, ...judged, seconds: (performance.now() - started) / 1000 };
  } finally {
    putBack();
  }
}

function judge({ stdout, output }: Ran, schedules: number): Judged {
  const said = Said.safeParse(parseJson(stdout)).data;
  if (said === undefined) return brokenBy(output);
  if (said.ok) return { kind: 'survived', by: `${schedules} schedules`, how: '' };
  return failedBy(`seed ${said.seed}, ${said.rule}`, said.problems.join('; ').slice(0, LONGEST_PROBLEM));
}
