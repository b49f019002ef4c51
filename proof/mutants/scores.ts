import { mutant, withoutCondition, withoutFirst, withoutRevision, type Mutant } from './mutant.ts';

const STORE = 'functions/adapters/dynamodb/scoring/score-store.ts';
const REFRESH = 'domain/scoring/refresh-score.ts';
const METRICS = 'domain/scoring/user-metrics.ts';
const WRONG_CLOCK = 'domain/scoring/wrong-clock.ts';
const LATER_DATE = 'return date !== null && date > today && dateAhead(stored, now) === undefined ? date : today;';
const STORE_TEST = 'test/adapters/score-store.test.ts';
const REFRESH_TEST = 'test/domain/scoring/refresh-score.test.ts';
const CARRIED_TEST = 'test/domain/scoring/carried-on.test.ts';
const METRICS_TEST = 'test/domain/scoring/user-metrics.test.ts';
const TIERS_TEST = 'test/domain/scoring/tiers-reached.test.ts';
const REFOLD_TEST = 'test/domain/scoring/refold-metrics.test.ts';
const BY_DATE_TEST = 'test/domain/scoring/score-by-date.test.ts';

/** What holds metrics and scores: each is a fold of the facts, never older than one that was saved. */
export const scoreMutants: readonly Mutant[] = [
  mutant(
    'first-save-condition',
    'a first save never replaces another one',
    STORE,
    withoutFirst('revision'),
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'save-revision-condition',
    'a save of metrics and score needs the revision that was read',
    STORE,
    withoutRevision('revision'),
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'metrics-revision-raised',
    'every save raises the revision of the metrics',
    STORE,
    ['toMetricsItem(account, next, revision + 1)', 'toMetricsItem(account, next, revision ?? 1)'],
    [STORE_TEST, REFOLD_TEST],
    'dynoxide|raises',
  ),
  mutant(
    'score-revision-raised',
    'every save raises the revision of the score',
    STORE,
    ['toScoreItem(score, madeOf, scoreRevision + 1)', 'toScoreItem(score, madeOf, scoreRevision ?? 1)'],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'day-row-condition',
    'an older score never replaces the day row of a newer one',
    STORE,
    withoutCondition('attribute_not_exists(pk) OR scoreRev < :rev'),
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'day-row-first',
    'a date that leaves the steps of a score is kept as a row first',
    STORE,
    ['if (guard.score !== null && leaving.length > 0) await writeDayRow(guard.score, leaving);', ''],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'score-after-metrics',
    'a score is saved only with its metrics',
    STORE,
    [
      "if ((await putMetrics(username, guard, next)) === 'stale') return 'stale';",
      'await putMetrics(username, guard, next);',
    ],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'carried-ledger-of-a-whole-save',
    'the ledger is carried on only from a score that is of its metrics',
    REFRESH,
    ['metrics?.revision === score?.metricsRevision;', '(metrics?.revision ?? 0) >= (score?.metricsRevision ?? 0);'],
    CARRIED_TEST,
  ),
  {
    name: 'carried-links-of-named-days',
    guard: 'a fold of all days reads the devices: it covers a change of them',
    heldAlsoBy: 'a fold that turns out to be of all days is made again, with the devices',
    changes: [
      {
        file: METRICS,
        find: "return plan.kind === 'days' ? stored.links : undefined;",
        replace: 'return plan.kind.length > 0 ? stored.links : undefined;',
      },
      {
        file: REFRESH,
        find: 'if (folded.isFromNothing && kept !== undefined)',
        replace: 'if (folded.isFromNothing && kept === null)',
      },
    ],
    caughtBy: [CARRIED_TEST],
  },
  mutant(
    'guard-before-facts',
    'a refresh reads the item that it overwrites before the facts',
    REFRESH,
    ['await deps.scores.save(guard, {', 'await deps.scores.save(await deps.scores.load(refresh.username), {'],
    REFRESH_TEST,
  ),
  mutant(
    'refold-guard-before-facts',
    'a fold from nothing reads the item that it overwrites before the facts',
    'domain/scoring/refold-metrics.ts',
    [
      'deps.scores.saveMetrics(account, guard, {',
      'deps.scores.saveMetrics(account, await deps.scores.load(account), {',
    ],
    REFOLD_TEST,
  ),
  mutant(
    'refresh-again',
    'a refresh whose save was refused starts again from its guard',
    'domain/shared/until-saved.ts',
    [
      "if (outcome !== 'stale') return outcome;",
      "if (outcome !== 'stale') return outcome;\n    if (tries > 1) throw new Error('another save came first');",
    ],
    REFRESH_TEST,
  ),
  mutant(
    'never-earlier-date',
    'a save never goes back to an earlier date',
    WRONG_CLOCK,
    [LATER_DATE, 'return today;'],
    REFRESH_TEST,
  ),
  mutant(
    'covered-by-its-own-score',
    'a refresh is skipped only if the score comes from metrics that include its changes',
    'domain/scoring/fold-starts.ts',
    ['if (score.metricsRevision !== metrics.revision) return false;', ''],
    'test/domain/scoring/fold-starts.test.ts',
  ),
  mutant(
    'first-turn-condition',
    'only one refresh takes a first turn',
    STORE,
    ['before === undefined ? ifNew :', 'before === undefined ? {} :'],
    STORE_TEST,
    'gives a turn',
  ),
  mutant(
    'next-turn-condition',
    'a turn is taken only if the turn that was read is still stored',
    STORE,
    [': ifTurnOf(before.by);', ': {};'],
    STORE_TEST,
    'gives a turn',
  ),
  mutant(
    'own-turn-condition',
    'a refresh ends only its own turn',
    STORE,
    withoutCondition('#by = :by'),
    STORE_TEST,
    'gives a turn',
  ),
  mutant(
    'one-refresh-at-a-time',
    'a refresh of an account with many devices waits for its turn',
    'domain/scoring/turns.ts',
    ['if (isTaken) return refused();', ''],
    'test/domain/scoring/turns.test.ts',
  ),
  {
    name: 'date-after-guard',
    guard: 'the date is read after the guard',
    heldAlsoBy: 'never-earlier-date',
    changes: [
      {
        file: REFRESH,
        find: `const guard = await deps.scores.load(refresh.username);
  if (guard.erasedAt !== undefined) return 'unknown';
  // Taken after the guard: a date from before it could be older than the one that another refresh has saved since.
  const now = deps.clock();`,
        replace: `const now = deps.clock();
  const guard = await deps.scores.load(refresh.username);`,
      },
      {
        file: WRONG_CLOCK,
        find: LATER_DATE,
        replace: 'return today;',
      },
    ],
    caughtBy: [REFRESH_TEST],
  },

  mutant(
    'seal-device-check',
    'metrics of other devices are not reused',
    METRICS,
    ["if (stored.inputsHash !== inputsHash) return { kind: 'from-nothing', because: 'devices-changed' };", ''],
    [REFRESH_TEST, METRICS_TEST],
  ),
  mutant(
    'past-month-revision',
    'an older run never replaces refolded scores of a newer one',
    'domain/scoring/refold-history.ts',
    [
      "if ((await deps.history.savePastMonth(account, month, rulesVersion)) === 'stale') return 'stale';",
      'await deps.history.savePastMonth(account, month, rulesVersion);',
    ],
    'test/domain/scoring/refold-history.test.ts',
    'another run',
  ),
  mutant(
    'sealed-day-named',
    'a change of a sealed day leads to a fold from nothing',
    METRICS,
    [
      "if (days.some((day) => day <= stored.sealedThrough)) return { kind: 'from-nothing', because: 'sealed-day-named' };",
      '',
    ],
    METRICS_TEST,
  ),
  mutant(
    'seals-from-facts',
    'a day is sealed from its facts, read at that moment',
    METRICS,
    ['days: [...new Set([...days, ...toSeal])].sort()', 'days: [...new Set(days)].sort()'],
    METRICS_TEST,
  ),
  {
    name: 'badge-not-yet-granted',
    guard: 'every refresh grants the badge of a tier that has none',
    changes: [
      {
        file: REFRESH,
        find: '{ username, tiersReached }: UserScore): Promise<void> {',
        replace: '{ username, tiersReached, refreshedAt }: UserScore): Promise<void> {',
      },
      {
        file: REFRESH,
        find: 'const missing = tiersReached.filter(({ hasBadge }) => !hasBadge);',
        replace:
          'const missing = tiersReached.filter(({ hasBadge, reachedAt }) => !hasBadge && reachedAt === refreshedAt);',
      },
    ],
    caughtBy: [TIERS_TEST],
  },
  mutant(
    'badge-after-save',
    'a tier gets its badge only after its save',
    REFRESH,
    ["if (outcome === 'saved') await grantTierBadges(deps, score);", 'await grantTierBadges(deps, score);'],
    TIERS_TEST,
  ),
  mutant(
    'later-facts-later',
    'a fact with a later date counts from that date',
    'domain/shared/by-date.ts',
    ['if (day <= date) sum += amount;', 'sum += amount;'],
    BY_DATE_TEST,
  ),
  mutant(
    'told-stays-told',
    'a date that leaves the steps gets a row if history would show another score',
    'domain/scoring/score-steps.ts',
    ['first === undefined || first[1] === told ? []', 'first === undefined || told >= 0 ? []'],
    BY_DATE_TEST,
  ),
  mutant(
    'folded-otherwise',
    'metrics that another release folded differently are not reused',
    METRICS,
    ["if (stored.foldedBy !== foldedBy) return { kind: 'from-nothing', because: 'folded-otherwise' };", ''],
    REFRESH_TEST,
  ),
];
