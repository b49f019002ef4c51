import '../community.ts'; // first, because it selects the community
import { randomInt } from 'node:crypto';
import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import { Command, InvalidArgumentError } from 'commander';
import * as z from 'zod';
import { beginScript } from '../../local/script.ts';
import { runSoak, type SoakReport } from './run-soak.ts';

beginScript();

const VISIBILITY_SECONDS = 4;
/** A message that is delivered five times in this time becomes a dead letter. */
const REFUSED_MS = 5 * VISIBILITY_SECONDS * 1_000;

const Options = z.object({ minutes: z.number(), rate: z.number(), seed: z.string() });

const numberOf = (text: string): number => {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('expected a number above 0');
};

const command = new Command('npm run soak --')
  .description('Sends mixed traffic to a local stack that keeps crashing, then reconciles every count.')
  .option('--minutes <minutes>', 'how long to send', numberOf, 2)
  .option('--rate <requests>', 'requests a second, at most', numberOf, 30)
  .option('--seed <seed>', 'what to send: the same seed makes the same traffic', String(randomInt(1_000_000)))
  .parse();

const { minutes, rate, seed } = Options.parse(command.opts());
const durationMs = minutes * 60_000;
const bar = new SingleBar({
  format: 'Soaking {bar} {value}/{total} s, {requests} requests',
  stream: process.stderr,
  barsize: 30,
  hideCursor: true,
});
if (process.stderr.isTTY) bar.start(Math.ceil(durationMs / 1_000), 0, { requests: 0 });
const report = await runSoak({
  seed,
  durationMs,
  rate,
  users: 16,
  lanes: 8,
  crashEveryMs: 5_000,
  longestDownMs: 4_000, // the SDK gives up sooner, so that functions see the outage as well
  refusedMs: REFUSED_MS,
  visibilitySeconds: VISIBILITY_SECONDS,
  progress: (doneMs, requests) => bar.update(Math.floor(doneMs / 1_000), { requests }),
});
bar.stop();
console.log(textOf(report));
if (report.reconciliation.differences.length > 0) process.exitCode = 1;

function textOf(done: SoakReport): string {
  const { seconds, users, traffic, crashes, redriven } = done;
  const { rows, differences } = done.reconciliation;
  const table = new Table({
    head: ['', 'sent', 'found'],
    colAligns: ['left', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  const killed = [...crashes].flatMap(([kind, counts]) => {
    if (kind === 'refusal' || kind === 'slowness') return [];
    const times = [...counts.values()].reduce((sum, each) => sum + each, 0);
    return [`${kind} ${times}${kind === 'thread' ? ` (${listOf(counts)})` : ''}`];
  });
  table.push(...rows.map(({ what, sent, found }) => [what, sent, found]));
  const { requests, tries, repeated, unanswered, serverErrors } = traffic;
  return [
    `Seed ${seed}: ${requests} requests of ${users} users in ${seconds} s, until all was quiet: ${listOf(done.done)}`,
    `${repeated} requests were sent again, ${tries - requests} times: ${unanswered} tries were not answered, ${serverErrors} with 5xx or 429`,
    `Killed and started again: ${killed.join('; ')}`,
    `Calls to the database refused for ${REFUSED_MS / 1_000} s at a time: ${listOf(crashes.get('refusal'))}; slow for half as long: ${listOf(crashes.get('slowness'))}`,
    `Dead letters redriven: ${listOf(redriven)}`,
    table.toString(),
    ...(differences.length === 0 ? ['Everything adds up.'] : ['It does not add up:', ...differences.slice(0, 50)]),
  ].join('\n');
}

function listOf(counts: ReadonlyMap<string, number> = new Map()): string {
  return counts.size === 0 ? 'none' : [...counts].map(([what, count]) => `${what} ${count}`).join(', ');
}
