import { mutant, withoutCondition, type Mutant } from './mutant.ts';

const STORE = 'functions/adapters/dynamodb/leaderboards/leaderboard-store.ts';
const BUILD = 'domain/leaderboards/build-boards.ts';
const RANK = 'domain/leaderboards/rank-on-request.ts';
const STORE_TEST = 'test/adapters/leaderboards.test.ts';
const BUILD_TEST = 'test/domain/leaderboards/build-boards.test.ts';

/** What holds the leaderboards: a snapshot is whole or not there, and readers never go back. */
export const leaderboardMutants: readonly Mutant[] = [
  mutant(
    'pointer-forward',
    'readers are switched forward only',
    STORE,
    withoutCondition('attribute_not_exists(pk) OR asOf < :asOf OR asOf > :credible'),
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'snapshot-condition',
    'of two snapshots of one time the first stays',
    STORE,
    ['{ Item: item, ...ifNew }', '{ Item: item }'],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'block-condition',
    'a block is not written over another one, and no lease is shortened',
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
    'own-switch',
    'a switch whose answer was lost is known again',
    STORE,
    ['const isOwn = existing?.asOf?.S === asOf;', "const isOwn = existing?.asOf?.S === '';"],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'as-of-before-reading',
    'a board is as of the time before anything was read',
    BUILD,
    [
      'const scores = await sortStandings(deps, builds);',
      'const scores = await sortStandings(deps, builds);\n    for (const build of builds) Object.assign(build, { asOf: isoOf(deps.clock()) });',
    ],
    BUILD_TEST,
  ),
  mutant(
    'later-build-stands',
    'a build does not replace one that began later',
    BUILD,
    [
      "if (previous !== null && previous.asOf >= asOf) return { board, asOf, total, scores, outcome: 'superseded' };",
      '',
    ],
    BUILD_TEST,
  ),
  mutant(
    'rank-done-since',
    'a request is skipped only where every board was built since',
    RANK,
    ['const oldest = Math.min(', 'const oldest = Math.max('],
    BUILD_TEST,
  ),
];
