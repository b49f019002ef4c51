import { randomInt } from 'node:crypto';
import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import { Command, InvalidArgumentError } from 'commander';
import * as z from 'zod';
import { runSoak, type SoakReport } from './run-soak.ts';

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
  users: 40,
  lanes: 8,
  crashEveryMs: 5_000,
  longestDownMs: 4_000, // the SDK gives up sooner, so that functions see the outage, too
  progress: (doneMs, requests) => bar.update(Math.floor(doneMs / 1_000), { requests }),
});
bar.stop();
console.log(textOf(report));
if (report.reconciliation.differences.length > 0) process.exitCode = 1;

function textOf({ seconds, traffic, done, crashes, reconciliation: { rows, differences } }: SoakReport): string {
  const list = (counts: ReadonlyMap<string, number>) =>
    [...counts].map(([what, count]) => `${what} ${count}`).join(', ');
  const table = new Table({
    head: ['', 'sent', 'found'],
    colAligns: ['left', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  table.push(...rows.map(({ what, sent, found }) => [what, sent, found]));
  const { requests, tries, unanswered, serverErrors } = traffic;
  return [
    `Seed ${seed}: ${requests} requests in ${seconds} s, until all was quiet: ${list(done)}`,
    `Sent again ${tries - requests} times: ${unanswered} not answered, ${serverErrors} answered with 5xx or 429`,
    `Crashes: ${list(crashes)}`,
    table.toString(),
    ...(differences.length === 0 ? ['Everything adds up.'] : ['It does not add up:', ...differences.slice(0, 50)]),
  ].join('\n');
}
