import '../community.ts'; // first, because it selects the community
import Table from 'cli-table3';
import { Command } from 'commander';
import * as z from 'zod';
import { settleAll } from '../../domain/shared/settle-all.ts';
import { synthIfStale } from '../../infra/synth-if-stale.ts';
import { beginScript } from '../../local/script.ts';
import { allMutants } from './all-mutants.ts';
import { checkMutant } from './check-mutant.ts';
import { simulateMutant } from './simulate-mutant.ts';
import { copyOfTree } from './tree.ts';
import type { Verdict } from './verdict.ts';

const Count = z.coerce.number().int().min(1);
const Options = z.object({ only: z.string().optional(), lanes: Count, simulate: Count.optional() });

const command = new Command('npm run prove:mutants --')
  .description('Takes every guard out in turn, in a copy of the sources, and shows which test fails without it.')
  .option('--only <pattern>', 'mutants whose name matches this regular expression')
  .option('--lanes <number>', 'how many are tried at a time', '2')
  .option(
    '--simulate <schedules>',
    'asks the simulator instead of the tests: which guards it notices, and which it need not',
  )
  .parse();
const { only, lanes, simulate } = Options.parse(command.opts());

beginScript();
const started = performance.now();
const chosen = allMutants.filter(({ name }) => only === undefined || new RegExp(only, 'u').test(name));
const assembly = await synthIfStale({ stage: 'local' });
const trees = Array.from({ length: Math.min(lanes, chosen.length) }, copyOfTree);
const free = [...trees];

let done = 0;
const verdicts = await settleAll(chosen, trees.length, async (mutant): Promise<Verdict> => {
  const tree = free.pop();
  if (tree === undefined) throw new Error('more mutants at a time than trees');
  try {
    const verdict =
      simulate === undefined ? await checkMutant(tree, mutant, assembly) : await simulateMutant(tree, mutant, simulate);
    done += 1;
    const { kind, by, how, seconds } = verdict;
    console.error(`${done}/${chosen.length} ${mutant.name}: ${kind} by ${by} (${seconds.toFixed(1)} s) ${how}`);
    return verdict;
  } finally {
    free.push(tree);
  }
});
for (const tree of trees) tree.remove();

const table = new Table({
  head: ['guard', 'mutant', 'caught by'],
  colWidths: [48, 30, 72],
  wordWrap: true,
  style: { head: [], border: [], compact: true },
});
table.push(
  ...verdicts.map(({ mutant: { guard, heldAlsoBy, name }, kind, by }) => [
    heldAlsoBy === undefined ? guard : `${guard} (held twice, taken out together with ${heldAlsoBy})`,
    name,
    kind === 'caught' ? by : `${kind.toUpperCase()}: ${by}`,
  ]),
);
console.log(table.toString());
const missed = verdicts.filter(({ kind }) => kind !== 'caught');
const minutes = ((performance.now() - started) / 60_000).toFixed(1);
console.log(`${verdicts.length} guards taken out in ${minutes} minutes, ${verdicts.length - missed.length} noticed.`);
for (const { mutant, kind, by } of missed) console.log(`${kind.toUpperCase()}: ${mutant.name}, ${by}`);
process.exitCode = missed.length === 0 || simulate !== undefined ? 0 : 1;
