import { writeFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import * as z from 'zod';
import { beginScript } from '../local/script.ts';
import { everyRowIsWithin, type Measurements } from './measurements.ts';
import { quietly } from './quietly.ts';
import { environmentOf, joined, tableOf, type Report } from './report.ts';
import { FULL_SIZES, USUAL_SIZES } from './sizes.ts';
import { TOPICS } from './topics.ts';

beginScript();

const Options = z.object({
  full: z.boolean().default(false),
  json: z.string().optional(),
  only: z.array(z.string()).default(Object.keys(TOPICS)),
});

const command = new Command('npm run bench --')
  .description('Measures the costs of Laurel, and reports the figures that exceed their budgets.')
  .option('--full', 'also the large sizes, which take much longer')
  .option('--json <file>', 'write the figures to a file')
  .addOption(new Option('--only <topics...>', 'measure only these topics').choices(Object.keys(TOPICS)))
  .parse();

const { full, json, only } = Options.parse(command.opts());
const sizes = full ? FULL_SIZES : USUAL_SIZES;
const started = new Date();
const secondsSince = (time: number): number => Math.round((Date.now() - time) / 1_000);

const parts: Measurements[] = [];
for (const [topic, measure] of Object.entries(TOPICS)) {
  if (!only.includes(topic)) continue;
  const start = Date.now();
  console.error(`Measuring ${topic}`);
  parts.push(await quietly(() => measure(sizes)));
  console.error(`  took ${secondsSince(start)} s`);
}
const environment = environmentOf({
  startedAt: started.toISOString(),
  seconds: secondsSince(started.getTime()),
  full,
});
const report: Report = { ...joined(parts), environment };

console.log(tableOf(report));
if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
if (!everyRowIsWithin(report)) {
  console.error('Some figures exceed their budgets.');
  process.exitCode = 1;
}
