import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  checkCommunity,
  sentenceOfFault,
  type CommunityFiles,
  type FileFault,
} from '../../../domain/rules/check-community.ts';
import type { Community } from '../../../domain/rules/community.ts';
import { LOGO_NAME } from '../../../domain/rules/page-settings.ts';
import type { Result } from '../../../domain/shared/result.ts';

export const sha256OfText = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Which folder: `--community DIR` sets it for all processes that are started with it. */
export const COMMUNITY_FOLDER = 'LAUREL_COMMUNITY';

export function communityFolder(): string {
  const named = process.env[COMMUNITY_FOLDER];
  return named === undefined || named === '' ? join(import.meta.dirname, '../../../community') : resolve(named);
}

/** Files of a community that cannot be used, with a sentence for each fault. */
export class CommunityError extends Error {
  override readonly name = 'CommunityError';
  readonly faults: readonly FileFault[];

  constructor(faults: readonly FileFault[]) {
    super(faults.map(sentenceOfFault).join('\n'));
    this.faults = faults;
    this.stack = this.message; // the author of the files reads it
  }
}

/** The files that describe one community, with the images beside them: one of these may be the logo. */
export function filesOf(directory: string): CommunityFiles {
  const rules = join(directory, 'rules');
  const images = existsSync(directory) ? readdirSync(directory).filter((name) => LOGO_NAME.test(name)) : [];
  const names = [
    ...(existsSync(join(directory, 'community.json')) ? ['community.json'] : []),
    ...(existsSync(rules) && statSync(rules).isDirectory()
      ? readdirSync(rules)
          .filter((name) => name.endsWith('.json'))
          .map((name) => `rules/${name}`)
      : []),
  ];
  return new Map([
    ...names.map((name) => [name, readFileSync(join(directory, name), 'utf8')] as const),
    ...images.map((name) => [name, readFileSync(join(directory, name), 'latin1')] as const),
  ]);
}

export const readCommunity = (directory: string): Result<Community, readonly FileFault[]> =>
  checkCommunity(filesOf(directory), sha256OfText);
