import type * as z from 'zod/mini';
import { check } from '../shared/faults.ts';
import type { Sha256 } from '../shared/environment.ts';
import { err, ok, type Result } from '../shared/result.ts';
import { CommunitySettings, type Community } from './community.ts';
import { faultsOfHooks } from './hook-rules.ts';
import { faultsOfPage } from './page-settings.ts';
import { countsPart, partsOf } from './parts.ts';
import { Checksums, ScoringRules, type ScoredEvent } from './scoring-rules.ts';

/** What is wrong with a file of a community. */
export type FileFault = { readonly file: string; readonly path: string; readonly expected: string };

export const SETTINGS_FILE = 'community.json';
export const CHECKSUMS_FILE = 'rules/checksums.json';
export const fileOfRules = (version: string): string => `rules/${version}.json`;

/** `2` before `10`. */
const byNumbers = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });

/** Texts of files by their names within the folder of the community; of an image, a character a byte. */
export type CommunityFiles = ReadonlyMap<string, string>;

export const sentenceOfFault = ({ file, path, expected }: FileFault): string =>
  `${file}: ${path === '' ? '' : `${path}: `}${expected}`;

/** Whatever the layout of a file, this is of its content. */
export const checksumOf = (json: unknown, sha256: Sha256): string => sha256(JSON.stringify(json));

/** Reads the files of a community and checks them whole: each part, and what they expect of each other. */
export function checkCommunity(files: CommunityFiles, sha256: Sha256): Result<Community, readonly FileFault[]> {
  const faults: FileFault[] = [];
  const parsed = <Schema extends z.core.$ZodType>(file: string, schema: Schema): z.output<Schema> | undefined => {
    const read = readFile(files, file, schema);
    if (read.ok) return read.value;
    faults.push(...read.error);
    return undefined;
  };

  const settings = parsed(SETTINGS_FILE, CommunitySettings);
  const names = [...files.keys()]
    .filter((file) => /^rules\/[^/]+\.json$/u.test(file) && file !== CHECKSUMS_FILE)
    .sort(byNumbers);
  const rules = names.flatMap((file) => {
    const read = parsed(file, ScoringRules);
    if (read === undefined) return [];
    if (file === fileOfRules(read.version)) return [read];
    faults.push({ file, path: 'version', expected: `expected the name of the file, and it is ${read.version}` });
    return [];
  });
  const checksums = files.has(CHECKSUMS_FILE) ? parsed(CHECKSUMS_FILE, Checksums) : {};
  if (checksums !== undefined) faults.push(...faultsOfChecksums(files, checksums, sha256));
  if (settings === undefined) return err(faults);
  if (faults.length === 0) faults.push(...faultsAmong(settings, rules), ...faultsOfLook(settings, files));
  return faults.length === 0 ? ok({ settings, rules }) : err(faults);
}

function readFile<Schema extends z.core.$ZodType>(
  files: CommunityFiles,
  file: string,
  schema: Schema,
): Result<z.output<Schema>, readonly FileFault[]> {
  const text = files.get(file);
  if (text === undefined) return err([{ file, path: '', expected: 'missing, expected the file' }]);
  const json = jsonOf(text);
  if (!json.ok) return err([{ file, path: '', expected: `expected JSON: ${json.error}` }]);
  const read = check(schema, json.value, '');
  return read.ok ? read : err(read.error.map(({ field, expected }) => ({ file, path: field, expected })));
}

function jsonOf(text: string): Result<unknown, string> {
  try {
    return ok(JSON.parse(text));
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}

/** A version that was in force explains scores: it is never edited. */
function* faultsOfChecksums(files: CommunityFiles, checksums: Checksums, sha256: Sha256): Generator<FileFault, void> {
  for (const [version, checksum] of Object.entries(checksums)) {
    const file = fileOfRules(version);
    const text = files.get(file);
    const json = text === undefined ? undefined : jsonOf(text);
    if (json === undefined) {
      yield { file, path: '', expected: 'missing, expected the file: this version was in force, and explains scores' };
    } else if (json.ok && checksumOf(json.value, sha256) !== checksum) {
      const expected =
        `expected the content of ${CHECKSUMS_FILE}: this version was in force and is never edited. ` +
        'Write the change as a new version';
      yield { file, path: '', expected };
    }
  }
}

/** A draft of a version, which need be in no folder yet; it must find what is stored by the same identities. */
export function checkDraft(
  file: string,
  text: string,
  others: readonly ScoringRules[],
): Result<ScoringRules, readonly FileFault[]> {
  const read = readFile(new Map([[file, text]]), file, ScoringRules);
  if (!read.ok) return read;
  const rest = others.filter(({ version }) => version !== read.value.version);
  const faults = [...faultsOfIdentities([...rest, read.value])];
  return faults.length === 0 ? read : err(faults.map((fault) => ({ ...fault, file })));
}

/** What settings and versions of the rules expect of each other. */
function* faultsAmong(settings: CommunitySettings, rules: readonly ScoringRules[]): Generator<FileFault, void> {
  const inForce = rules.find(({ version }) => version === settings.rules);
  if (inForce === undefined) {
    yield {
      file: SETTINGS_FILE,
      path: 'rules',
      expected: `expected a version that there is a file of, and there is no ${fileOfRules(settings.rules)}`,
    };
    return;
  }
  yield* faultsOfBoards(settings, rules);
  for (const { path, expected } of faultsOfHooks(settings.hooks ?? {}, inForce)) {
    yield { file: SETTINGS_FILE, path: ['hooks', ...path].join('.'), expected };
  }
  yield* faultsOfIdentities(rules);
}

const faultsOfLook = ({ page = {}, boards }: CommunitySettings, files: CommunityFiles): readonly FileFault[] => {
  const names = boards.map(({ name }) => name);
  const logoBytes = page.logo === undefined ? undefined : files.get(page.logo)?.length;
  return [...faultsOfPage(page, { boards: names, logoBytes })].map((fault) => ({ file: SETTINGS_FILE, ...fault }));
};

function* faultsOfBoards({ boards }: CommunitySettings, rules: readonly ScoringRules[]): Generator<FileFault, void> {
  const at = (path: string, expected: string): FileFault => ({ file: SETTINGS_FILE, path, expected });
  const names = boards.map(({ name }) => name);
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) < index)
      yield at(`boards.${index}.name`, `expected names that differ: ${name} is there twice`);
  }
  const alltime = boards.find(({ name }) => name === 'alltime');
  if (alltime?.window !== 'all' || alltime.categories !== undefined || alltime.sources !== undefined) {
    yield at('boards', 'expected the board alltime with the window "all" of everything: ranks are of it');
  }
  const parts = partsOf(rules);
  for (const [index, board] of boards.entries()) {
    const unknown = (['categories', 'sources'] as const).flatMap((list, place) => {
      const known = [...new Set(parts.map((part) => part.split('/')[place] ?? ''))].sort();
      return (board[list] ?? []).flatMap((word, item) =>
        known.includes(word)
          ? []
          : [at(`boards.${index}.${list}.${item}`, `expected one that the rules name: ${known.join(', ')}`)],
      );
    });
    yield* unknown;
    if (unknown.length === 0 && !parts.some((part) => countsPart(board, part)))
      yield at(`boards.${index}`, 'expected sources of its categories: no contribution is in both lists');
  }
}

/** What is stored of an event is found by its identity: another version may give it other points, and not another id. */
function* faultsOfIdentities(rules: readonly ScoringRules[]): Generator<FileFault, void> {
  const first = new Map<string, { readonly version: string; readonly identity: string }>();
  for (const { version, events } of rules) {
    for (const [index, event] of events.entries()) {
      const identity = identityOf(event);
      const before = first.get(event.event);
      if (before === undefined) first.set(event.event, { version, identity });
      else if (before.identity !== identity) {
        const expected = `expected ${before.identity} of ${event.event}, as in version ${before.version}: stored facts are found by it`;
        yield { file: fileOfRules(version), path: `events.${index}`, expected };
      }
    }
  }
}

const identityOf = ({ id, per, key }: ScoredEvent): string => {
  const fact = per === 'day' ? '"per": "day"' : `the id ${id}`;
  return key.endsWith(':<id>') ? `the key ${key} and ${fact}` : fact;
};
