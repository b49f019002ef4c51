import { mutant, withoutFirst, withoutRevision, type Mutant } from './mutant.ts';

const STORE = 'functions/adapters/dynamodb/backfill/backfill-runs.ts';
const RUN = 'domain/backfill/run-backfill.ts';
const STORE_TEST = 'test/adapters/backfill-runs.test.ts';
const RUN_TEST = 'test/domain/backfill/run-backfill.test.ts';
const KILLED_TEST = 'test/properties/backfill.test.ts';

/** What holds backfills: killed anywhere they lose nothing, twice or two at once they change nothing. */
export const backfillMutants: readonly Mutant[] = [
  mutant(
    'run-condition',
    'a second request for a run continues the first one',
    STORE,
    [', ...ifNew });', ' });'],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'finish-condition',
    'only an existing run can be finished',
    STORE,
    ['          ...ifThere,\n', ''],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'first-checkpoint-condition',
    'a first checkpoint never replaces another one',
    STORE,
    withoutFirst('expected.revision', ", 'revision'"),
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'checkpoint-condition',
    'a checkpoint replaces only the state that it was decided from',
    STORE,
    withoutRevision('expected.revision', ", 'revision'"),
    STORE_TEST,
    'dynoxide',
  ),
  {
    name: 'enqueue-before-checkpoint',
    guard: 'recomputed accounts are enqueued before the checkpoint',
    changes: [
      {
        file: RUN,
        find: '  if (requests.length > 0) await deps.requestRefreshes(requests);\n',
        replace:
          '  if (requests.length > 0) setTimeout(() => void deps.requestRefreshes(requests).catch(() => undefined), 30);\n',
      },
    ],
    caughtBy: [KILLED_TEST],
    named: 'killed at any await',
  },
  mutant(
    'planned-before-work',
    'all accounts are planned before the first one is recomputed',
    RUN,
    [
      'const rest = isPlanned(between) ? between.filter(({ state }) => !state.isDone) : [];',
      'const rest = between.filter(({ state }) => !state.isDone);',
    ],
    RUN_TEST,
    'planned',
  ),
  mutant(
    'in-other-hands',
    'a run that another invocation works on is left alone',
    RUN,
    ["if (run.status === 'done' || isInOtherHands) return", "if (run.status === 'done') return"],
    RUN_TEST,
    'two invocations',
  ),
  mutant(
    'abandoned-runs',
    'a run whose continuation was lost is continued',
    RUN,
    ["if (order.mode === 'stale' && !order.dryRun) await resumeAbandoned(deps, runId);", ''],
    RUN_TEST,
    'abandoned',
  ),
  mutant(
    'failed-user-enqueued',
    'an account that could not be folded is left to the queue',
    RUN,
    ['      return [{ username }];\n', '      return [];\n'],
    RUN_TEST,
    'cannot be folded',
  ),
];
