import './community.ts'; // first, because it selects the community
import { Command, InvalidArgumentError } from 'commander';
import { beginScript } from '../local/script.ts';
import { durationText, tableOf, terminalOutput, type Output } from '../operator/output.ts';
import { installStubs } from './simulator/stubs/install.ts';
import { Figures } from './simulator/figures.ts';
import type { Verdict } from './simulator/run.ts';
import { shrink } from './simulator/shrink.ts';
import type { Simulator } from './simulator/simulator.ts';
import { textOf, type Schedule } from './simulator/steps.ts';
import { scheduleOf } from './simulator/workload.ts';

type Options = {
  readonly seed?: number;
  readonly minutes: number;
  readonly schedules?: number;
  readonly shrink: boolean;
  readonly trace: boolean;
  readonly json: boolean;
};

const MAX_SHRINKING_RUNS = 120;
const SEEDS = 1_000_000;

const wholeNumber = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('expected a whole number');
  return value;
};
const positive = (text: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('expected a number above 0');
  return value;
};

const program = new Command('prove')
  .description('Runs random schedules with random faults, and checks every invariant after each.')
  .option('--seed <n>', 'the first schedule; the next ones add one (default: random)', wholeNumber)
  .option('--minutes <m>', 'how many minutes to run', positive, 1)
  .option('--schedules <k>', 'how many schedules to run, instead of a time', wholeNumber)
  .option('--no-shrink', 'show a failing schedule without shrinking it')
  .option('--trace', 'show every request of a failing schedule', false)
  .option('--json', 'print the result as one JSON document', false)
  .addHelpText(
    'after',
    `
The seed alone determines a schedule: --seed N --schedules 1 repeats the schedule N, request by request.
Exits with 1 if a check fails.`,
  );

async function prove(simulator: Simulator, options: Options, output: Output): Promise<boolean> {
  const first = options.seed ?? Math.floor(Math.random() * SEEDS);
  const seconds = options.minutes * 60;
  const figures = new Figures();
  const startedAt = performance.now();
  const elapsed = () => (performance.now() - startedAt) / 1_000;
  const isOver = () =>
    options.schedules === undefined ? elapsed() >= seconds : figures.schedules >= options.schedules;
  output.note(`from seed ${first}`);
  const progress = output.progress('schedules', options.schedules ?? Math.ceil(seconds));
  for (let seed = first; !isOver(); seed += 1) {
    const schedule = scheduleOf(seed);
    const verdict = await simulator.run(schedule);
    figures.add(schedule, verdict);
    const state = `${figures.schedules} schedules`;
    progress.update(options.schedules === undefined ? Math.floor(elapsed()) : figures.schedules, { state });
    if (verdict.finding === undefined) continue;
    progress.stop();
    await tellFinding(simulator, schedule, verdict, options, output);
    return false;
  }
  progress.stop();
  const perMinute = Math.round((figures.schedules / Math.max(elapsed(), 0.001)) * 60);
  const value = {
    ok: true,
    firstSeed: first,
    schedules: figures.schedules,
    perMinute,
    requests: figures.requests,
    steps: Object.fromEntries(figures.acts()),
    faults: Object.fromEntries(figures.faults()),
    traceHashes: figures.traceHashes,
  };
  const last = first + figures.schedules - 1;
  output.result(
    value,
    [
      `every invariant held in ${figures.schedules} schedules, seeds ${first} to ${last}, in ${durationText(elapsed())}: ${perMinute} a minute, ${figures.requests} requests`,
      tableOf(['steps', 'times'], figures.acts()),
      tableOf(['faults', 'times'], figures.faults()),
    ].join('\n'),
  );
  return true;
}

async function tellFinding(
  simulator: Simulator,
  schedule: Schedule,
  verdict: Verdict,
  options: Options,
  output: Output,
): Promise<void> {
  const { seed } = schedule;
  const problems = ({ finding }: Verdict) => (finding?.problems ?? []).map((problem) => `  ${problem}`);
  output.note(
    `seed ${seed} breaks ${verdict.finding?.rule ?? ''}: ${schedule.steps.length} steps, ${verdict.faults.size} faults`,
  );
  const run = (smaller: Schedule) => simulator.run(smaller);
  const small = options.shrink
    ? await shrink(schedule, verdict, run, MAX_SHRINKING_RUNS)
    : { schedule, verdict, runs: 0 };
  const told = options.trace ? (await simulator.run(small.schedule, { isTold: true })).lines : [];
  const faults = [...small.verdict.faults].map(([name, fault]) => `  ${fault} at ${name}`);
  const { startsAt, hasRollups, holdRate, faultRate } = small.schedule;
  output.result(
    {
      ok: false,
      seed,
      rule: small.verdict.finding?.rule,
      problems: small.verdict.finding?.problems,
      traceHash: verdict.traceHash,
      shrunk: small.schedule,
      faults: Object.fromEntries(small.verdict.faults),
    },
    [
      `seed ${seed} breaks ${small.verdict.finding?.rule ?? ''}; again by: npm run prove -- --seed ${seed} --schedules 1`,
      ...problems(small.verdict),
      `as made: ${schedule.steps.length} steps, ${verdict.faults.size} faults, trace ${verdict.traceHash}`,
      ...problems(verdict),
      `shrunk in ${small.runs} runs to ${small.schedule.steps.length} steps, from ${new Date(startsAt).toISOString()}`,
      `(rollups: ${hasRollups ? 'yes' : 'no'}, fault rate: ${faultRate}, hold rate: ${holdRate})`,
      ...small.schedule.steps.map((step) => `  ${textOf(step)}`),
      ...(faults.length > 0 ? ['faults:', ...faults] : ['no faults']),
      ...told.map((line) => `    ${line}`),
    ].join('\n'),
  );
}

beginScript();
program.parse();
const options = program.opts<Options>();
const output = terminalOutput(options);
installStubs(); // before any function is imported
const { startSimulator } = await import('./simulator/simulator.ts');
const simulator = await startSimulator();
try {
  if (!(await prove(simulator, options, output))) process.exitCode = 1;
} finally {
  await simulator.stop();
}
