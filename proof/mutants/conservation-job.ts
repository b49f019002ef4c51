import { mutant, type Mutant } from './mutant.ts';

const WALK = 'domain/consistency-check/walk-users.ts';
const EVENT = 'domain/consistency-check/consistency-event.ts';
const HANDLER = 'functions/check-conservation/handler.ts';
const PLACES = 'functions/adapters/dynamodb/user-places.dynamodb.ts';
const SCAN = 'functions/adapters/dynamodb/scan-for-users.ts';
const EMPTY = 'functions/adapters/sqs/is-queue-empty.sqs.ts';
const COMMAND = 'operator/commands/conservation.ts';
const WALK_TEST = 'test/domain/consistency-check/walk-users.test.ts';
const EVENT_TEST = 'test/domain/consistency-check/conservation-event.test.ts';
const HANDLER_TEST = 'test/functions/check-conservation.test.ts';
const PLACES_TEST = 'test/adapters/user-places.test.ts';
const EMPTY_TEST = 'test/adapters/is-queue-empty.test.ts';
const COMMAND_TEST = 'test/operator/conservation.test.ts';

/** What holds the job around the check: whom it looks at, when it ends, whom it tells, and what its command says. */
export const conservationJobMutants: readonly Mutant[] = [
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
    'walk-goes-on-at-its-page',
    'and with the page before which it stopped',
    WALK,
    ['index === first ? (from?.position ?? null) : null', 'index === first ? null : (from?.position ?? null)'],
    WALK_TEST,
  ),
  mutant(
    'walk-of-all-pages',
    'a place is read to its last page',
    WALK,
    ['while (position !== null);', "while (position === '');"],
    WALK_TEST,
  ),
  mutant(
    'walk-of-all-places',
    'after the last page of a place the next place is named',
    WALK,
    ['next === null ? places[index + 1] : place', 'next === null ? undefined : place'],
    WALK_TEST,
  ),
  mutant(
    'known-place',
    'a place to go on from that no answer gave is refused',
    WALK,
    [
      'if (from !== null && !places.some(({ name }) => name === from?.place)) {',
      'if (from === undefined && places.length === 0) {',
    ],
    WALK_TEST,
  ),
  mutant(
    'position-of-json',
    'so is one that is no JSON',
    WALK,
    ['if (error instanceof SyntaxError) return undefined;', ''],
    WALK_TEST,
  ),
  mutant(
    'event-known-fields',
    'an event with a field that there is not is refused',
    EVENT,
    ['z.strictObject({', 'z.object({'],
    EVENT_TEST,
  ),
  mutant(
    'event-usernames-alone',
    'usernames go with nothing that would not be heeded',
    EVENT,
    ["if (sample !== undefined || from !== undefined) return err('usernames: cannot go with sample or from');", ''],
    EVENT_TEST,
  ),
  mutant(
    'event-from-with-all',
    'only a walk over all is gone on with',
    EVENT,
    ["if (from !== undefined) return err('from: goes with sample all');", ''],
    EVENT_TEST,
  ),
  mutant(
    'event-standing-bounded',
    'no difference must stand for longer than an invocation lasts',
    EVENT,
    ['z.maximum(LONGEST_STANDING_SECONDS,', 'z.maximum(LONGEST_STANDING_SECONDS * 1_000,'],
    EVENT_TEST,
  ),
  mutant(
    'event-some-usernames',
    'an event that names nobody is refused',
    EVENT,
    ['z.minLength(1,', 'z.minLength(0,'],
    EVENT_TEST,
  ),
  mutant(
    'event-most-usernames',
    'so is one of too many',
    EVENT,
    ['z.maxLength(MAX_USERNAMES,', 'z.maxLength(MAX_USERNAMES * 1_000,'],
    EVENT_TEST,
  ),
  mutant(
    'event-usernames-once',
    'a user who is named twice is one',
    EVENT,
    ['[...new Set(usernames)].sort()', '[...usernames].sort()'],
    EVENT_TEST,
  ),
  mutant(
    'refused-by-name',
    'an event that makes no sense is refused by name',
    HANDLER,
    ["override readonly name = 'InvalidEvent';", ''],
    HANDLER_TEST,
  ),
  mutant(
    'refused-place-by-name',
    'so is a place to go on from that no answer gave',
    HANDLER,
    [
      'if (!checked.ok) throw new InvalidEventError(checked.error);',
      'if (!checked.ok) throw new Error(checked.error);',
    ],
    HANDLER_TEST,
  ),
  mutant(
    'named-is-not-hourly',
    'a check of named users does not pass for the hourly one',
    HANDLER,
    ["...(report.sample === 'named'", "...(report.sample === 'named' && report.checked < 0"],
    HANDLER_TEST,
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
    ["    { name: 'ConservationDifferent', value: report.different, unit: 'Count' },\n", ''],
    HANDLER_TEST,
  ),
  mutant(
    'unsettled-published',
    'who could not be settled shows on the dashboard',
    HANDLER,
    ["    { name: 'ConservationUnsettled', value: report.unsettled, unit: 'Count' },\n", ''],
    HANDLER_TEST,
  ),
  mutant(
    'difference-logged',
    'a difference is logged as an error',
    HANDLER,
    ["else logger.error('conservation', report);", "else logger.info('conservation', report);"],
    HANDLER_TEST,
  ),
  mutant(
    'left-to-begin',
    'an invocation keeps the time in which a difference may stand',
    HANDLER,
    ['getRemainingTimeInMillis() > LEFT_TO_BEGIN_MS', 'getRemainingTimeInMillis() > LEFT_TO_WAIT_MS'],
    HANDLER_TEST,
  ),
  mutant(
    'left-to-wait',
    'an invocation ends before it counts as near its timeout',
    HANDLER,
    ['getRemainingTimeInMillis() > LEFT_TO_WAIT_MS', 'getRemainingTimeInMillis() > 0'],
    HANDLER_TEST,
  ),
  mutant(
    'parts-grow',
    "a place grows in parts, not in an hour's work",
    PLACES,
    ['Math.ceil((items ?? 0) / anHour)', 'Math.ceil((items ?? 0) / (anHour * 1_000))'],
    PLACES_TEST,
    'grows in parts',
  ),
  mutant(
    'parts-bounded',
    'a place has no more parts than DynamoDB divides it into',
    PLACES,
    ['Math.min(MAX_PARTS, ', 'Math.min(Infinity, '],
    PLACES_TEST,
    'grows in parts',
  ),
  mutant(
    'one-part-at-least',
    'an empty place is one part',
    PLACES,
    ['Math.max(1, ', 'Math.max(0, '],
    PLACES_TEST,
    'grows in parts',
  ),
  mutant(
    'parts-of-scores',
    'the parts of the scores are those of their index',
    PLACES,
    [
      'indexes.find(({ IndexName }) => IndexName === BY_SHARD_INDEX)?.ItemCount',
      'indexes.find(({ IndexName }) => IndexName === tables.scores)?.ItemCount',
    ],
    PLACES_TEST,
    'grows in parts',
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
    'users-only',
    'what is no user is passed over',
    SCAN,
    [
      "    FilterExpression: 'begins_with(pk, :prefix)',\n    ExpressionAttributeValues: marshall({ ':prefix': prefix }),\n",
      '',
    ],
    PLACES_TEST,
    'dynoxide.*parts of each place',
  ),
  ...['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible', 'ApproximateNumberOfMessagesDelayed'].map(
    (count) =>
      mutant(
        `queue-empty-${count.replace('ApproximateNumberOfMessages', '').toLowerCase() || 'waiting'}`,
        `a queue with ${{ Delayed: 'delayed', NotVisible: 'handled' }[count.replace('ApproximateNumberOfMessages', '')] ?? 'waiting'} messages is not empty`,
        EMPTY,
        [`  '${count}',\n`, ''],
        EMPTY_TEST,
      ),
  ),
  mutant(
    'queue-empty-known',
    'a queue of which nothing is known is not empty',
    EMPTY,
    ['Counts.parse(Attributes)', 'Attributes ?? {}'],
    EMPTY_TEST,
  ),
  mutant(
    'command-exit-code',
    "the command's exit code says that something differs",
    COMMAND,
    ['return report.ok ? EXIT.ok : EXIT.found;', 'return EXIT.ok;'],
    COMMAND_TEST,
  ),
  mutant(
    'command-goes-on',
    'the command goes on until nobody is left',
    COMMAND,
    ['while (report.next !== null) {', 'while (report.next === undefined) {'],
    COMMAND_TEST,
  ),
  mutant(
    'command-goes-on-from',
    'and goes on from where it stopped',
    COMMAND,
    ['{ ...event, from: report.next }', 'event'],
    COMMAND_TEST,
  ),
  mutant(
    'command-forgets-nothing',
    'what was found on the way makes the whole not ok',
    COMMAND,
    ['ok: first.ok && second.ok,', 'ok: second.ok,'],
    COMMAND_TEST,
  ),
  mutant(
    'command-adds-up',
    'what was found on the way is shown',
    COMMAND,
    ['differences: [...first.differences, ...second.differences].slice(0, MAX_SHOWN),', ''],
    COMMAND_TEST,
  ),
  mutant(
    'command-one-choice',
    'the command does not choose between all and some',
    COMMAND,
    ["if (all === true && usernames !== undefined) throw usageError('choose one of --all and --usernames');", ''],
    COMMAND_TEST,
  ),
  mutant(
    'command-function-failed',
    'a function that failed is no report',
    COMMAND,
    ['if (answer.FunctionError !== undefined) {', "if (answer.FunctionError === '') {"],
    COMMAND_TEST,
  ),
];
