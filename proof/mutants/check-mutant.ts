import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { Mutant } from './mutant.ts';
import type { Tree } from './tree.ts';

export type Verdict = {
  readonly mutant: Mutant;
  /** `broken`: it does not load, so it shows nothing. `survived`: no test failed, or none ran. */
  readonly kind: 'caught' | 'survived' | 'broken';
  /** The name of the first test that failed, or what went wrong. */
  readonly by: string;
  /** How that test failed, in its own words. */
  readonly how: string;
  readonly seconds: number;
};

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

const LONGEST_TEST_MS = 30_000;
const LONGEST_RUN_MS = 120_000;

/** Takes a guard out of the tree, runs the tests that should tell, and puts it back. */
export async function checkMutant(tree: Tree, mutant: Mutant, assembly: string): Promise<Verdict> {
  const started = performance.now();
  const report = join(tree.directory, 'report.json');
  const putBack = tree.apply(mutant);
  try {
    const { output, isTooLong } = await runTests(tree, mutant, { report, assembly });
    const verdict = verdictOf(report, isTooLong, output);
    return { mutant, ...verdict, seconds: (performance.now() - started) / 1000 };
  } finally {
    putBack();
    rmSync(report, { force: true });
  }
}

async function runTests(
  { directory }: Tree,
  { caughtBy, named, inBundles }: Mutant,
  { report, assembly }: { readonly report: string; readonly assembly: string },
): Promise<{ readonly output: string; readonly isTooLong: boolean }> {
  const vitest = join(directory, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [
    ...['run', ...caughtBy, '--reporter=json', `--outputFile=${report}`, '--bail=1', '--maxWorkers=1'],
    ...[`--testTimeout=${LONGEST_TEST_MS}`, `--hookTimeout=${LONGEST_TEST_MS}`],
    ...(named === undefined ? [] : ['-t', named]),
  ];
  const inherited = Object.entries(process.env).filter(([key]) => !/^(VITEST|LAUREL_TEST_REPORT)/u.test(key));
  // Whoever runs all tests waits for them: there random properties take fewer runs than a mutant deserves.
  const env = {
    ...Object.fromEntries(inherited),
    ...(inBundles === true ? {} : { LAUREL_TEST_ASSEMBLY: assembly }),
    LAUREL_PROPERTY_RUNS: '3',
  };
  const child = spawn(process.execPath, [vitest, ...args], { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
    });
  }
  let isTooLong = false;
  const timer = setTimeout(() => {
    isTooLong = true;
    child.kill('SIGKILL');
  }, LONGEST_RUN_MS);
  await once(child, 'close');
  clearTimeout(timer);
  return { output, isTooLong };
}

function verdictOf(report: string, isTooLong: boolean, output: string): Pick<Verdict, 'kind' | 'by' | 'how'> {
  if (isTooLong) return { kind: 'caught', by: `no end after ${LONGEST_RUN_MS / 1000} s`, how: '' };
  if (!existsSync(report)) return { kind: 'broken', by: output.slice(-500), how: '' };
  const { testResults } = Report.parse(JSON.parse(readFileSync(report, 'utf8')));
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const failed = tests.find(({ status }) => status === 'failed');
  if (failed !== undefined) {
    const how = failed.failureMessages[0]?.split('\n')[0] ?? '';
    return { kind: 'caught', by: failed.fullName.trim(), how };
  }
  const unloaded = testResults.find(({ status, message }) => status === 'failed' && message !== '');
  if (unloaded !== undefined) return { kind: 'broken', by: unloaded.message.split('\n')[0] ?? '', how: '' };
  const ran = tests.filter(({ status }) => status === 'passed').length;
  return { kind: 'survived', by: `${ran} tests passed`, how: '' };
}
