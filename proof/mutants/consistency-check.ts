import { mutant, type Mutant } from './mutant.ts';

const CHECK = 'domain/consistency-check/check-consistency.ts';
const SUSPECTS = 'domain/consistency-check/suspects.ts';
const LOOK = 'domain/consistency-check/look-at-user.ts';
const CHECK_TEST = 'test/domain/consistency-check/check-consistency.test.ts';
const LOOK_TEST = 'test/domain/consistency-check/look-at-user.test.ts';
const WALK_TEST = 'test/domain/consistency-check/walk-users.test.ts';
const WALK = 'domain/consistency-check/walk-users.ts';
const HANDLER = 'functions/check-conservation/handler.ts';
const PLACES = 'functions/adapters/dynamodb/consistency-check/user-places.ts';
const SCAN = 'functions/adapters/dynamodb/shared/scan-for-users.ts';
const COMMAND = 'operator/commands/consistency.ts';
const HANDLER_TEST = 'test/functions/check-conservation.test.ts';
const PLACES_TEST = 'test/adapters/user-places.test.ts';
const COMMAND_TEST = 'test/operator/consistency.test.ts';

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
    'half-a-minute-is-short',
    'queues that SQS counts as empty are watched for two minutes',
    SUSPECTS,
    ['LASTING_WHILE_QUIET_MS = 120_000', 'LASTING_WHILE_QUIET_MS = 30_000'],
    CHECK_TEST,
    'in progress',
  ),
  mutant(
    'late-stream-is-not-quiet',
    'a stream that is late or fails is not quiet',
    SUSPECTS,
    ['Math.max(this.#quietSince ?? now, seen.lastLate ?? 0)', '(this.#quietSince ?? now)'],
    CHECK_TEST,
    'in progress',
  ),
  mutant(
    'quiet-interrupted',
    'a message in the queue interrupts its being empty',
    SUSPECTS,
    [
      'Math.max(this.#quietSince ?? now, seen.lastLate ?? 0) : null',
      'Math.max(this.#quietSince ?? now, seen.lastLate ?? 0) : this.#quietSince',
    ],
    CHECK_TEST,
    'in progress',
  ),
  mutant(
    'expected-moves',
    'where what is expected moves, the time begins anew',
    SUSPECTS,
    ['difference.what === what && difference.expected === expected', 'difference.what === what'],
    CHECK_TEST,
    'in progress',
  ),
  mutant(
    'suspect-cleared',
    'who is as they should be is no suspect any more',
    SUSPECTS,
    ['if (differences.length === 0) this.#lasting.delete(username);', 'if (differences.length === 0) return;'],
    CHECK_TEST,
    'in progress',
  ),
  mutant(
    'found-without-score',
    'who has none is found by facts and grants',
    CHECK,
    ['page.isOfScores || (await hasNoScore(deps, username))', 'page.isOfScores'],
    CHECK_TEST,
    'without a refresh',
  ),
  mutant(
    'unreadable-user',
    'one who cannot be read hides nobody else',
    CHECK,
    [
      '    const found = error instanceof Error ? `${error.name}',
      '    if (deps.places.length >= 0) throw error;\n    const found = error instanceof Error ? `${error.name}',
    ],
    CHECK_TEST,
    'cannot be read',
  ),
  mutant(
    'unreadable-differs',
    'that somebody cannot be read is a difference',
    CHECK,
    [
      "differences: [{ what: 'readable', expected: null, found }]",
      'differences: found === "" ? [{ what: found, expected: null, found }] : []',
    ],
    CHECK_TEST,
    'cannot be read',
  ),
  mutant(
    'looked-at-again',
    'a suspect is looked at again before it is found',
    CHECK,
    [
      '      note(username, await lookAnyway(deps, username));\n    });\n  }',
      '      await lookAnyway(deps, username);\n    });\n  }',
    ],
    CHECK_TEST,
    'in progress',
  ),
  mutant(
    'differs-is-not-ok',
    'where somebody differs it is not ok',
    CHECK,
    ['ok: found.length === 0,', 'ok: true,'],
    CHECK_TEST,
    'finds a score',
  ),
  mutant(
    'stored-before-facts',
    'what is stored is read before the facts',
    LOOK,
    [
      'const isExpected = isKnown(metrics) || lines.length > 0;',
      'Object.assign(stored, await deps.scores.load(username));\n  const isExpected = isKnown(metrics) || lines.length > 0;',
    ],
    LOOK_TEST,
  ),
  mutant(
    'other-rules-ledger',
    'of a score of other rules only the ledger is compared',
    LOOK,
    ['if (isOfOtherRules) return { isCompared: true, isOfOtherRules, differences: ofLedger };', ''],
    CHECK_TEST,
    'other rules',
  ),
  mutant(
    'metrics-on-their-day',
    'metrics are compared as of the day on which they were folded',
    LOOK,
    [
      'stored.metrics === null ? today : addDays(stored.metrics.metrics.sealedThrough, SEALED_AT_AGE)',
      'stored.metrics === null ? today : addDays(today, SEALED_AT_AGE - SEALED_AT_AGE)',
    ],
    CHECK_TEST,
    'on its own date',
  ),
  mutant(
    'score-on-its-date',
    'a score is compared on its own date',
    LOOK,
    ['scoreOn(found.score.date)', 'scoreOn(today)'],
    CHECK_TEST,
    'on its own date',
  ),
  mutant(
    'score-of-the-lines',
    'what is expected of a score comes from the lines, not from a balance that may be wrong',
    LOOK,
    ['scoreOf(username, { metrics, proven, lines,', 'scoreOf(username, { metrics, proven: balance, lines,'],
    CHECK_TEST,
    'does not report the score',
  ),
  mutant(
    'never-folded',
    'facts of which nothing is folded are found',
    LOOK,
    [
      "return isExpected ? [{ what: 'events, of which nothing is folded', expected: eventsIn(expected), found: null }] : [];",
      'return isExpected && eventsIn(expected) < 0 ? [] : [];',
    ],
    CHECK_TEST,
    'without a refresh',
  ),
  mutant(
    'balance-compared',
    'a balance is compared with its lines',
    LOOK,
    ['...differencesOf(figuresOfBalance(proven), figuresOfBalance(read.balance)), ', ''],
    CHECK_TEST,
    'finds a balance',
  ),
  mutant(
    'lines-proven',
    'each line is proven, also where the totals are right',
    LOOK,
    [', ...ofLines]', ']'],
    CHECK_TEST,
    'with another reason',
  ),
  mutant(
    'metrics-compared',
    'metrics are compared with a fold from nothing',
    LOOK,
    ['...differencesOfMetrics(metrics, stored, isExpected),', ''],
    CHECK_TEST,
    'finds an open day|finds a sealed',
  ),
  mutant(
    'score-compared',
    'a score is compared with the rules applied anew',
    LOOK,
    ['...differencesOfScore(scoreOn, stored, { isExpected, today }),', ''],
    CHECK_TEST,
    'finds a score',
  ),
  mutant(
    'another-part-each-hour',
    "an hour's sample is another part than that of the hour before",
    WALK,
    ['index: hour % parts, of: parts', 'index: 0 % hour, of: parts'],
    WALK_TEST,
  ),
  mutant(
    'walk-goes-on-at-its-place',
    'a walk over all goes on with the place where it stopped',
    WALK,
    ['.slice(first)', '.slice(0)'],
    WALK_TEST,
  ),
  mutant(
    'run-published',
    'that the check has run is published, or its alarm would go off',
    HANDLER,
    ["[{ name: 'ConservationChecked', value: report.checked, unit: 'Count' } as const]", '[]'],
    HANDLER_TEST,
  ),
  mutant(
    'difference-published',
    'a difference sets off the alarm',
    HANDLER,
    ["    { name: 'ConservationDifferent', value: report.remembered, unit: 'Count' },\n", ''],
    HANDLER_TEST,
  ),
  mutant(
    'alarm-until-all-are-right',
    'an alarm stays until the same user is right, not until a run finds nobody',
    HANDLER,
    ['value: report.remembered', 'value: report.different'],
    HANDLER_TEST,
  ),
  mutant(
    'different-looked-at-again',
    'who differs is looked at in every run',
    CHECK,
    ['if (isWhole && usernames.length > 0) yield', 'if (isWhole && usernames.length < 0) yield'],
    CHECK_TEST,
    'who differs',
  ),
  mutant(
    'right-only-if-compared',
    'who is of other rules is not found right: only their ledger was compared',
    CHECK,
    ['else if (!isOfOtherRules) right.add(username);', 'else right.add(username);'],
    CHECK_TEST,
    'who differs',
  ),
  mutant(
    'by-hand-no-alarm',
    'a check that is told how long a difference must last remembers nobody',
    CHECK,
    [
      'standingMs === null ? await remember(deps.notes, { before, found, right }) : null',
      'await remember(deps.notes, { before, found, right })',
    ],
    CHECK_TEST,
    'who differs',
  ),
  mutant(
    'late-noted-before-work',
    'old records are noted before they are handled, so that it is known even if the invocation is cut off',
    'functions/runtime/stream-batch.ts',
    ['    await lateness.read(oldest);\n', ''],
    'test/functions/runtime.test.ts',
  ),
  mutant(
    'failed-stream-noted',
    'a stream whose changes could not be announced is noted as late',
    'functions/runtime/stream-batch.ts',
    ['      await lateness.failed();\n      throw error;', '      throw error;'],
    'test/functions/runtime.test.ts',
  ),
  mutant(
    'left-to-begin',
    'an invocation keeps the time in which a difference may stand',
    HANDLER,
    ['getRemainingTimeInMillis() > LEFT_TO_BEGIN_MS', 'getRemainingTimeInMillis() > LEFT_TO_WAIT_MS'],
    HANDLER_TEST,
  ),
  mutant(
    'scores-by-index',
    'users with a score are read from the index that has each once',
    PLACES,
    ['tableName: tables.scores, indexName: BY_SHARD_INDEX, part, position', 'tableName: tables.scores, part, position'],
    PLACES_TEST,
    'dynoxide.*parts of each place',
  ),
  mutant(
    'own-part-only',
    'a part is read without the others',
    SCAN,
    ['Segment: part.index,\n      TotalSegments: part.of,', 'Segment: 0,\n      TotalSegments: 1,'],
    PLACES_TEST,
    'dynoxide.*parts of each place',
  ),
  mutant(
    'command-exit-code',
    "the command's exit code says that something differs",
    COMMAND,
    ['return report.ok ? EXIT.ok : EXIT.found;', 'return EXIT.ok;'],
    COMMAND_TEST,
  ),
];
