import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import * as z from 'zod';
import { CHECKSUMS_FILE, checksumOf, fileOfRules } from '../../domain/rules/check-community.ts';
import {
  CommunityError,
  communityFolder,
  filesOf,
  readCommunity,
  sha256OfText,
} from '../../functions/adapters/disk/community-files.ts';
import type { Runtime } from '../operation.ts';
import { EXIT } from '../outcome.ts';

export const communityOption = () =>
  new Option('--community <directory>', 'the folder of the community, instead of community/');

/** Adds `rules check`. */
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
      const text = `${settings.name}: version ${settings.rules} of the rules is in force, and every file is as expected.`;
      const report = {
        ok: true,
        faults: [],
        inForce: settings.rules,
        versions: versions.map(({ version }) => version),
      };
      runtime.output.result(report, text);
      runtime.end(EXIT.ok);
    });
}

function keepChecksum(directory: string, version: string): void {
  const files = filesOf(directory);
  const before = z.record(z.string(), z.string()).parse(JSON.parse(files.get(CHECKSUMS_FILE) ?? '{}'));
  const content: unknown = JSON.parse(files.get(fileOfRules(version)) ?? '');
  const kept = { ...before, [version]: checksumOf(content, sha256OfText) };
  writeFileSync(join(directory, CHECKSUMS_FILE), `${JSON.stringify(kept, undefined, 2)}\n`);
}
