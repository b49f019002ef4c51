import { mutant, type Mutant } from './mutant.ts';

const STORE = 'functions/adapters/dynamodb/metrics/rollup-store.ts';
const ROLL_UP = 'domain/metrics/roll-up.ts';
const DAY = 'domain/metrics/rolled-up-day.ts';
const REFOLDS = 'domain/metrics/refold-times.ts';
const REFOLDS_TEST = 'test/domain/metrics/refold-times.test.ts';
const SAVES_TEST = 'test/adapters/day-saves.test.ts';
const STORE_TEST = 'test/adapters/rollups.test.ts';
const DAY_TEST = 'test/domain/metrics/rolled-up-day.test.ts';

/** What holds the community's metrics: the same facts give the same numbers, however often they are rolled up. */
export const rollupMutants: readonly Mutant[] = [
  mutant(
    'first-day-condition',
    'a first save of a day never replaces another one',
    STORE,
    ['read + 1), ...ifAt(read) };', 'read + 1), ...(read === 0 ? {} : ifAt(read)) };'],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'day-revision-condition',
    'a save of a day needs the revision that was read',
    STORE,
    ['read + 1), ...ifAt(read) };', 'read + 1), ...(read === 0 ? ifAt(0) : {}) };'],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'day-revision-raised',
    'every save raises the revision of a day',
    STORE,
    ['guardOf(isLast, read + 1)', 'guardOf(isLast, Math.max(1, read))'],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'summary-condition',
    'a save of a summary needs the revision that was read',
    STORE,
    ['{ TableName, Item, ...ifAt(read) }', '{ TableName, Item, ...(read === 0 ? ifAt(0) : {}) }'],
    STORE_TEST,
    'dynoxide.*summar',
  ),
  mutant(
    'week-condition',
    'a save of a week needs the revision that was read',
    STORE,
    ['...ifAt(counted)', '...(counted === 0 ? ifAt(0) : {})'],
    STORE_TEST,
    'dynoxide.*week',
  ),
  mutant(
    'times-with-last-rows',
    'an hour counts as rolled up only with its last rows',
    STORE,
    ['toGuardItem(isLast ? whenDone() : before, rev)', 'toGuardItem(whenDone(), rev)'],
    STORE_TEST,
    'dynoxide.*save that ended',
  ),
  mutant(
    'row-with-total',
    'a row and its separate total are written together',
    STORE,
    [
      '    const withTotal = (row: Item) => [row, toSeriesItem(next.date, row)].filter((item) => item !== undefined);',
      '    const withTotal = (row: Item) => [row];',
    ],
    ['test/functions/community-metrics.test.ts', STORE_TEST],
    'dynoxide|lists all extensions',
  ),
  mutant(
    'day-guard-before-facts',
    'a rollup reads the row that it overwrites before the facts',
    ROLL_UP,
    [
      'const saved = await stored.save(day,',
      'const again = await deps.rollups.load(date);\n      await again.withSets();\n      const saved = await again.save(day,',
    ],
    STORE_TEST,
    'dynoxide.*older result is never kept',
  ),
  mutant(
    'skipped-if-done-since',
    'an hour is skipped only if a run that began after its changes covered it',
    REFOLDS,
    ['return Date.parse(startedAt) > Date.parse(changedBefore) + MARGIN_MS;', 'return true;'],
    STORE_TEST,
    'dynoxide.*skip an hour',
  ),
  mutant(
    'fold-after-end',
    'an hour is folded once more after its end',
    REFOLDS,
    ['if (started >= end) return started + pause;', 'if (started < Infinity) return started + pause;'],
    REFOLDS_TEST,
  ),
  mutant(
    'key-paced',
    'writes of a day leave its key time',
    'functions/adapters/dynamodb/metrics/paced-writes.ts',
    ['if (wait > 0) await sleep(wait);', 'if (wait > Infinity) await sleep(wait);'],
    SAVES_TEST,
    'dynoxide.*units a second',
  ),
  mutant(
    'started-before-guard',
    'the time of a run is taken before its guard is read',
    ROLL_UP,
    [
      'day = setHour(day, hour, fold, startedAt, { isWhole });',
      'day = setHour(day, hour, fold, isoOf(deps.clock()), { isWhole });',
    ],
    STORE_TEST,
    'dynoxide.*started before their first',
  ),
  mutant(
    'hour-set-never-added',
    'an hour is set, never added to',
    DAY,
    ['const isFolded = hours.has(number) && !stays.has(of.metric);', 'const isFolded = false;'],
    DAY_TEST,
  ),
  mutant(
    'event-of-the-hour-once',
    'an event that several devices sent counts once for the community',
    'domain/metrics/hour-events.ts',
    ['const isFirst = id !== last.id;', "const isFirst = id !== '';"],
    'test/domain/metrics/hour-fold.test.ts',
  ),
  mutant(
    'all-shards',
    'the facts of a day are read from all shards of the index',
    'functions/adapters/dynamodb/shared/hour-index.ts',
    ['settleAll(shardsOfDay(date), QUERIES', 'settleAll(shardsOfDay(date).slice(1), QUERIES'],
    STORE_TEST,
    'dynoxide.*all shards',
  ),
  mutant(
    'unprocessed-keys',
    'unprocessed keys of a read are read again',
    'functions/adapters/dynamodb/shared/get-all.ts',
    [
      'wanted = UnprocessedKeys?.[TableName]?.Keys ?? [];',
      'wanted = UnprocessedKeys?.[TableName]?.Keys?.slice(0, 0) ?? [];',
    ],
    'test/adapters/error-paths.test.ts',
    'unprocessed items',
  ),
];
