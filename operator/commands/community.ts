import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import {
  CHECKSUMS_FILE,
  checkCommunity,
  checksumOf,
  fileOfRules,
  SETTINGS_FILE,
} from '../../domain/rules/check-community.ts';
import { CommunityError, sha256OfText } from '../../functions/adapters/disk/community-files.ts';
import type { Runtime } from '../operation.ts';
import { EXIT, usageError } from '../outcome.ts';

const SCHEMAS = join(import.meta.dirname, '..', '..', 'community', 'schemas');
const VERSION = '1';

/** What is asked, and what is taken where nobody answers. */
const QUESTIONS = {
  name: { question: 'What is the community called?', usual: 'My community' },
  event: { question: 'Which event does the tool send when it is used?', usual: 'cli_invocation' },
  tiers: { question: 'Which tiers are there, and from how many points?', usual: 'Bronze 0, Silver 1000, Gold 10000' },
  score: { question: 'Which reports of a server are scored, with how many points each?', usual: 'answer_accepted 10' },
} as const;
type Answers = Readonly<Record<keyof typeof QUESTIONS, string>>;

/** Adds `community new`. */
export function addCommunityCommands(program: Command, runtime: Runtime): void {
  const community = program.command('community').description('the files of a community: write new ones');

  const create = community
    .command('new <directory>')
    .description('ask a few questions and write the files of a community')
    .addOption(new Option('--json', 'one JSON document on stdout'));
  for (const [name, { question, usual }] of Object.entries(QUESTIONS)) {
    create.option(`--${name} <text>`, `${question} (${usual})`);
  }
  create
    .addHelpText(
      'after',
      `
Without a terminal, what is not given is as in brackets.

  laurel community new ../our-community
  laurel community new ../our-community --name Weavers --event loom_run --tiers 'Thread 0, Cloth 500' --score 'review_given 5'
`,
    )
    .action(async (directory: string, given: Partial<Answers>) => {
      if (existsSync(directory) && readdirSync(directory).length > 0) {
        throw usageError(`${directory}: expected a folder that does not exist yet, or an empty one`);
      }
      const answer = async (name: keyof Answers) =>
        given[name] ?? (await runtime.output.ask(QUESTIONS[name].question, QUESTIONS[name].usual));
      const [name, event] = [await answer('name'), await answer('event')];
      const files = filesFor({ name, event, tiers: await answer('tiers'), score: await answer('score') });
      const checked = checkCommunity(files, sha256OfText);
      if (!checked.ok) throw new CommunityError(checked.error);
      mkdirSync(join(directory, 'rules'), { recursive: true });
      for (const [file, text] of files) writeFileSync(join(directory, file), text);
      cpSync(SCHEMAS, join(directory, 'schemas'), { recursive: true });
      const text =
        `${directory} has the files of ${name}. Change them, check them with laurel rules check --community ${directory}, ` +
        `and run them with npm start -- --community ${directory} --data .laurel-new`;
      runtime.output.result({ directory, files: [...files.keys()] }, text);
      runtime.end(EXIT.ok);
    });
}

/** `Bronze 0, Silver 100` as pairs; the number is the last word. */
const pairsOf = (text: string): readonly (readonly [name: string, number: number])[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => [part.replace(/\s+\S+$/u, ''), Number(part.split(/\s+/u).at(-1))] as const);

function filesFor({ name, event, tiers, score }: Answers): ReadonlyMap<string, string> {
  const settings = {
    $schema: './schemas/community.json',
    name,
    rules: VERSION,
    boards: [
      { name: 'alltime', title: 'All time', window: 'all' },
      { name: 'week', title: 'Last 7 days', window: { days: 7 } },
      { name: 'month', title: 'This month', window: 'month' },
    ],
    versions: 'semver',
    notRanked: ['*-bot'],
    retention: { unownedMonths: 13 },
  };
  const rules = {
    $schema: '../schemas/rules.json',
    version: VERSION,
    activity: {
      events: [{ event, command: { is: 'use' } }],
      groups: [{ name: 'use', commands: ['use'], points: 1, cap: 1_000 }],
      otherCommands: { points: 0, cap: 0 },
      diversityPoints: 0,
      streak: { basisPointsPerDay: 100, maximum: 5_000 },
      window: { days: 28, basisPoints: 5_000 },
    },
    events: pairsOf(score).map(([reported, points]) => {
      const word = reported.replaceAll('_', '-');
      const label = word.replaceAll('-', ' ');
      return {
        ...{ event: reported, id: 'id', points, cap: 100 * points, capPer: 'month', key: `community:${word}` },
        ...{ category: 'community', source: word, label: label.charAt(0).toUpperCase() + label.slice(1) },
      };
    }),
    publishes: { points: 200, cap: 2_000 },
    pulls: { points: 2, cap: 200 },
    tiers: pairsOf(tiers).map(([tier, from]) => ({ name: tier, from })),
  };
  const text = (json: unknown): string => `${JSON.stringify(json, undefined, 2)}\n`;
  return new Map([
    [SETTINGS_FILE, text(settings)],
    [fileOfRules(VERSION), text(rules)],
    [CHECKSUMS_FILE, text({ [VERSION]: checksumOf(rules, sha256OfText) })],
  ]);
}
