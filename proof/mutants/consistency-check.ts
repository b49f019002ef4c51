import { mutant, type Mutant } from './mutant.ts';

const SUSPECTS = 'domain/consistency-check/suspects.ts';
const LOOK = 'domain/consistency-check/look-at-user.ts';
const CHECK_TEST = 'test/domain/consistency-check/check-consistency.test.ts';
const LOOK_TEST = 'test/domain/consistency-check/look-at-user.test.ts';
const HANDLER = 'functions/check-conservation/handler.ts';
const HANDLER_TEST = 'test/functions/check-conservation.test.ts';

/** What the consistency check depends on: it finds what is lost, and ignores changes that are still under way. */
export const consistencyCheckMutants: readonly Mutant[] = [
  mutant(
    'difference-lasts',
    'a difference counts only if it lasts',
    SUSPECTS,
    ['quietFor >= LASTING_WHILE_QUIET_MS ? LASTING_WHILE_QUIET_MS : LASTING_MS', 'quietFor * 0'],
    CHECK_TEST,
    'in progress',
  ),
  mutant(
    'stored-before-facts',
    'stored projections are read before the facts',
    LOOK,
    [
      'const isExpected = isKnown(metrics) || lines.length > 0;',
      'Object.assign(stored, await deps.scores.load(account));\n  const isExpected = isKnown(metrics) || lines.length > 0;',
    ],
    LOOK_TEST,
  ),
  mutant(
    'run-published',
    'each run of the check is published: its alarm depends on it',
    HANDLER,
    ["[{ name: 'ConservationChecked', value: report.checked, unit: 'Count' } as const]", '[]'],
    HANDLER_TEST,
  ),
  mutant(
    'late-noted-before-work',
    'late records are noted before they are handled, so that a crash cannot hide them',
    'functions/runtime/stream-batch.ts',
    ['    await lateness.read(oldest);\n', ''],
    'test/functions/runtime.test.ts',
  ),
];
