import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { SIMULATOR, type Mutant } from './mutant.ts';
import { runNode, type Ran } from './run-node.ts';
import { simulateMutant } from './simulate-mutant.ts';
import type { Tree } from './tree.ts';
import { brokenBy, failedBy, tooLong, type Judged, type Verdict } from './verdict.ts';

const Report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().default(''),
      assertionResults: z.array(
        z.object({ status: z.string(), fullName: z.string(), failureMessages: z.array(z.string()).default([]) }),
      ),
    }),
  ),
});

/** Time limits in seconds. A test on the running stack needs more. */
const LONGEST = { test: 30, run: 120 };
const LONGEST_IN_BUNDLES = { test: 120, run: 240 };
/** The number of schedules in which the simulator must find a mutant. */
const MAX_SCHEDULES = 100;
const longestOf = ({ inBundles }: Mutant) => (inBundles === true ? LONGEST_IN_BUNDLES : LONGEST);

/** Removes a guard from the tree, runs the tests that must fail, and puts it back. */
export async function checkMutant(tree: Tree, mutant: Mutant, assembly: string): Promise<Verdict> {
  if (mutant.caughtBy.includes(SIMULATOR)) return simulateMutant(tree, mutant, MAX_SCHEDULES);
  const started = performance.now();
  const report = join(tree.directory, 'report.json');
  const putBack = tree.apply(mutant);
  try {
    const ran = await runTests(tree, mutant, { report, assembly });
    const judged = ran.isTooLong ? tooLong(longestOf(mutant).run) : judge(report, ran.output);
    return { mutant, ...judged, seconds: (performance.now() - started) / 1000 };
  } finally {
    putBack();
    rmSync(report, { force: true });
  }
}

async function runTests(
  { directory }: Tree,
  mutant: Mutant,
  { report, assembly }: { readonly report: string; readonly assembly: string },
): Promise<Ran> {
  const { caughtBy, named, inBundles } = mutant;
  const longest = longestOf(mutant);
  const vitest = join(directory, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [
    ...['run', ...caughtBy, '--reporter=json', `--outputFile=${report}`, '--bail=1', '--maxWorkers=1'],
    ...[`--testTimeout=${longest.test * 1_000}`, `--hookTimeout=${longest.test * 1_000}`],
    ...(named === undefined ? [] : ['-t', named]),
  ];
  const inherited = Object.entries(process.env).filter(([key]) => !/^(VITEST|LAUREL_TEST_REPORT)/u.test(key));
  // A normal test run keeps run counts small, because people wait for it. A mutant deserves more runs.
  const env = {
    ...Object.fromEntries(inherited),
    ...(inBundles === true ? {} : { LAUREL_TEST_ASSEMBLY: assembly }),
    LAUREL_PROPERTY_RUNS: '3',
  };
  return runNode([vitest, ...args], { cwd: directory, env, seconds: longest.run });
}

function judge(report: string, output: string): Judged {
  if (!existsSync(report)) return brokenBy(output);
  const { testResults } = Report.parse(JSON.parse(readFileSync(report, 'utf8')));
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const failed = tests.find(({ status }) => status === 'failed');
  if (failed !== undefined) return failedBy(failed.fullName.trim(), failed.failureMessages[0]?.split('\n')[0] ?? '');
  const unloaded = testResults.find(({ status, message }) => status === 'failed' && message !== '');
  if (unloaded !== undefined) return { kind: 'broken', by: unloaded.message.split('\n')[0] ?? '', how: '' };
  const ran = tests.filter(({ status }) => status === 'passed').length;
  return { kind: 'survived', by: `${ran} tests passed`, how: '' };
}
