import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Command, Option } from 'commander';
import * as z from 'zod';
import { AccountId, type Accounts } from '../../domain/identity/account.ts';
import { rankedAccounts } from '../../domain/leaderboards/board.ts';
import { ROWS_IN_MEMORY, tryRulesForAll, type RulesTrial } from '../../domain/leaderboards/try-rules.ts';
import { CHECKSUMS_FILE, checkDraft, checksumOf, fileOfRules } from '../../domain/rules/check-community.ts';
import { rulebook, settings } from '../../domain/rules/current-rules.ts';
import type { ScoringRules } from '../../domain/rules/scoring-rules.ts';
import {
  CommunityError,
  communityFolder,
  filesOf,
  readCommunity,
  sha256OfText,
} from '../../functions/adapters/disk/community-files.ts';
import { diskSorter } from '../../functions/adapters/disk/external-sorter.ts';
import { dynamoAccounts } from '../../functions/adapters/dynamodb/identity/accounts.ts';
import { dynamoUserRegistry } from '../../functions/adapters/dynamodb/registry/user-registry.ts';
import { dynamoStoredUsers } from '../../functions/adapters/dynamodb/scoring/stored-users.ts';
import { dynamoUserTelemetry } from '../../functions/adapters/dynamodb/telemetry/user-telemetry.ts';
import { random, sha256, sleep } from '../../functions/runtime/environment.ts';
import type { Connection } from '../connection.ts';
import { addOperation, communityOption, type Runtime } from '../operation.ts';
import { EXIT, usageError } from '../outcome.ts';
import { isDirectory } from '../replay.ts';
import { brokenLimits, EXPECTED_LIMITS, limitsOf, trialPage, trialText } from '../rules-trial.ts';

/** Adds `rules check | try`. */
export function addRulesCommands(program: Command, runtime: Runtime): void {
  const rules = program.command('rules').description('points, tiers and boards: check the files');

  rules
    .command('check')
    .description('check the files of the community whole: one sentence a fault, with its file and path')
    .addOption(communityOption())
    .option('--keep', 'also note the checksum of the version in force: from then on it is never edited')
    .addOption(new Option('--json', 'one JSON document on stdout'))
    .addHelpText('after', '\n  laurel rules check\n  laurel rules check --community examples/database-tool --keep\n')
    .action((options: { readonly keep?: true }) => {
      const directory = communityFolder();
      const read = readCommunity(directory);
      if (!read.ok) throw new CommunityError(read.error);
      const { settings, rules: versions } = read.value;
      if (options.keep === true) keepChecksum(directory, settings.rules);
      const kept = ' Its checksum is noted: the version is never edited again.';
      const text = `${settings.name}: version ${settings.rules} of the rules is in force, and every file is as expected.`;
      const report = {
        ok: true,
        faults: [],
        inForce: settings.rules,
        versions: versions.map(({ version }) => version),
      };
      runtime.output.result(report, options.keep === true ? text + kept : text);
      runtime.end(EXIT.ok);
    });

  addOperation(rules, runtime, {
    usage: 'try <file>',
    summary: 'what other rules would do to everybody, computed from what is stored; it writes nothing',
    options: [
      new Option('--html <file>', 'also write one page to show to the community'),
      new Option('--fail-on <figures>', `exit with ${EXIT.found} above these: tier-losses,rank-changes>10`),
    ],
    help: `
Shows how many accounts gain, lose and stay, the largest of each with their reasons, who reaches or leaves which tier, and the first
20 of each board. It reads projections, and facts only of accounts whose projections do not hold what the other rules count.
${EXPECTED_LIMITS}.

  laurel rules try community/rules/2.json
  laurel rules try draft.json --html change.html --fail-on 'tier-losses,rank-changes>10'
`,
    input: {
      file: z.string(),
      html: z.string().optional(),
      failOn: z.string().optional(),
    },
    async run({ connect, output, clock }, { file, html, failOn }) {
      const limits = failOn === undefined ? [] : limitsOf(failOn);
      if (limits === undefined) throw usageError(`--fail-on: ${EXPECTED_LIMITS}`);
      const candidate = readCandidate(file);
      if (html !== undefined && (!isDirectory(dirname(html)) || isDirectory(html))) {
        throw usageError(`--html: expected a file in a directory that exists, not ${html}`);
      }
      const connection = connect();
      const readers = readersOf(connection);
      const accounts = dynamoAccounts(connection.dynamodb(), connection.tableName('accounts'), { random, sleep });
      const progress = output.progress('accounts', 0);
      const onProgress = (accounts: number) => progress.update(accounts);
      const isRanked = await rankedAccounts(accounts);
      const newSorter = diskSorter({ itemsInMemory: ROWS_IN_MEMORY });
      const deps = { ...readers, isRanked, newSorter, rules: rulebook, onProgress };
      const found = await tryRulesForAll(deps, candidate, clock()).finally(() => progress.stop());
      const trial = await withNames(accounts, found);
      if (html !== undefined) writeFileSync(html, trialPage(trial, settings.name));
      const broken = brokenLimits(trial, limits);
      output.result({ ...trial, broken }, [trialText(trial), ...broken].join('\n'));
      return broken.length > 0 ? EXIT.found : EXIT.ok;
    },
  });
}

function readersOf(connection: Connection) {
  const dynamodb = connection.dynamodb();
  const [scores, telemetry] = [connection.tableName('user_scores'), connection.tableName('telemetry')];
  const users = dynamoStoredUsers(dynamodb, scores);
  const events = dynamoUserTelemetry(dynamodb, telemetry);
  const registry = dynamoUserRegistry(dynamodb, connection.tableName('registry'));
  return { users, facts: { telemetry: events, registry, sha256 } };
}

/** The trial with names in place of the ids of accounts. */
async function withNames(accounts: Accounts, trial: RulesTrial): Promise<RulesTrial> {
  const ids = [
    ...[...trial.largestGains, ...trial.largestLosses, ...trial.boards.flatMap(({ rows }) => rows)].map(
      ({ username }) => username,
    ),
    ...trial.tiers.flatMap(({ first }) => first),
  ];
  const found = await accounts.withIds([...new Set(ids)].map((id) => AccountId.parse(id)));
  const nameOf = (id: string): string => found.get(AccountId.parse(id))?.username ?? id;
  const named = <Row extends { readonly username: string }>(rows: readonly Row[]) =>
    rows.map((row) => ({ ...row, username: nameOf(row.username) }));
  return {
    ...trial,
    largestGains: named(trial.largestGains),
    largestLosses: named(trial.largestLosses),
    tiers: trial.tiers.map((move) => ({ ...move, first: move.first.map(nameOf) })),
    boards: trial.boards.map((board) => ({ ...board, rows: named(board.rows) })),
  };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error) throw usageError(`file: ${file} cannot be read: ${error.message}`);
    throw error;
  }
}

/** Reads the file of a version that may be in force one day. */
function readCandidate(file: string): ScoringRules {
  const read = checkDraft(basename(file), textOf(file), rulebook.all);
  if (read.ok) return read.value;
  throw new CommunityError(read.error);
}

function keepChecksum(directory: string, version: string): void {
  const files = filesOf(directory);
  const before = z.record(z.string(), z.string()).parse(JSON.parse(files.get(CHECKSUMS_FILE) ?? '{}'));
  const content: unknown = JSON.parse(files.get(fileOfRules(version)) ?? '');
  const kept = { ...before, [version]: checksumOf(content, sha256OfText) };
  writeFileSync(join(directory, CHECKSUMS_FILE), `${JSON.stringify(kept, undefined, 2)}\n`);
}
