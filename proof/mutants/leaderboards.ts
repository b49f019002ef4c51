import { always, mutant, withoutCondition, type Mutant } from './mutant.ts';

const STORE = 'functions/adapters/dynamodb/leaderboards/leaderboard-store.ts';
const BUILD = 'domain/leaderboards/build-boards.ts';
const NAMES = 'domain/leaderboards/row-names.ts';
const NAMES_TEST = 'test/properties/row-names.test.ts';
const STORE_TEST = 'test/adapters/leaderboards.test.ts';
const BUILD_TEST = 'test/domain/leaderboards/build-boards.test.ts';

/** What holds the leaderboards: a snapshot is whole or not there, and readers never go back. */
export const leaderboardMutants: readonly Mutant[] = [
  mutant(
    'pointer-forward',
    'readers only move forward to later snapshots',
    STORE,
    withoutCondition('attribute_not_exists(pk) OR asOf < :asOf OR asOf > :credible'),
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'snapshot-condition',
    'the first of two snapshots with the same time stays',
    STORE,
    ['{ Item: item, ...ifNew }', '{ Item: item }'],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'block-condition',
    'a block never replaces another one, and no lease is shortened',
    STORE,
    [
      "'attribute_not_exists(pk) OR (#hash = :hash AND keptUntil < :until)'",
      "'attribute_not_exists(pk) OR attribute_exists(pk) OR (#hash = :hash AND keptUntil < :until)'",
    ],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'other-block',
    'a block whose address is taken gets another one',
    STORE,
    [
      'return its === hash ? { check: checkOf(hash), until: keptUntil } : null;',
      'return { check: checkOf(its), until: keptUntil };',
    ],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'lease-renewed',
    'a block is kept as long as the longest-kept snapshot that names it',
    STORE,
    ['const isKept = lease !== undefined && lease.until >= needed;', 'const isKept = lease !== undefined;'],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'patch-on-kept-blocks',
    'a snapshot takes over blocks only if they are kept as long as it',
    STORE,
    ['if (!ofRows.every((ref) => isKept(ref, needed))) return false;', ''],
    'test/properties/boards-on-engine.test.ts',
    'without blocks or leases',
  ),
  mutant(
    'patch-keeps-order',
    'rows that change their order among each other are stored anew',
    'domain/leaderboards/patch.ts',
    ['.some((text, place) => text !== kept[place])', '.some(() => false)'],
    BUILD_TEST,
  ),
  mutant(
    'own-switch',
    'a switch whose answer was lost is recognized by its writer',
    STORE,
    ['const isOwn = existing?.asOf?.S === asOf;', "const isOwn = existing?.asOf?.S === '';"],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'as-of-before-reading',
    'the time of a board is taken before its first read',
    BUILD,
    [
      'const scores = await sortStandings(deps, builds, hidden);',
      'const scores = await sortStandings(deps, builds, hidden);\n    for (const build of builds) Object.assign(build, { asOf: isoOf(deps.clock()) });',
    ],
    BUILD_TEST,
  ),
  mutant(
    'later-build-wins',
    'a build does not replace one that began later',
    BUILD,
    [
      "if (previous !== null && previous.asOf >= asOf) return { board, asOf, total, scores, outcome: 'superseded' };",
      '',
    ],
    BUILD_TEST,
  ),
  mutant(
    'stored-name-is-present',
    'a page follows an account that was renamed, merged or erased since its name was stored',
    NAMES,
    ['const told = changed?.get(account)?.name;', 'const told: string | null | undefined = undefined;'],
    NAMES_TEST,
  ),
  mutant(
    'names-before-the-build',
    'names are as old as the beginning of the build',
    NAMES,
    ['at: changesFrom(now)', 'at: isoOf(now + 1_000)'],
    NAMES_TEST,
  ),
  mutant(
    'page-of-bounded-cost',
    'a page ends before it looks up more names than it may',
    NAMES,
    ['      if (left < 0) break;\n', ''],
    NAMES_TEST,
  ),
  mutant(
    'choices-in-order',
    'readers are told of the last choice of an account, and of no other one',
    'functions/adapters/dynamodb/scoring/profile.items.ts',
    [
      "ConditionExpression: before === undefined ? 'attribute_not_exists(chosenAt)' : 'chosenAt = :before'",
      `ConditionExpression: before === undefined ? '${always('attribute_not_exists(chosenAt)')}' : '${always('chosenAt = :before')}'`,
    ],
    'test/adapters/score-store.test.ts',
    'many choices',
  ),
  mutant(
    'hidden-at-once',
    'who hid since the newest build is on no page',
    'domain/leaderboards/read-boards.ts',
    ['if (isHidden === true) hidden.add(account);', 'if (isHidden === true) continue;'],
    NAMES_TEST,
  ),
  mutant(
    'stored-names-erased',
    'an erasure removes the stored names of an account',
    'functions/adapters/dynamodb/erasure/erase-rows.ts',
    ['.filter(([id]) => id !== account)', ''],
    'test/functions/erasure.test.ts',
    'stored names',
  ),
];
