import {
  always,
  mutant,
  OWN_WRITE_IS_FORGOTTEN,
  PUT_IF,
  withoutCondition,
  withoutFirst,
  withoutRevision,
  type Mutant,
} from './mutant.ts';

const STORE = 'functions/adapters/dynamodb/telemetry/device-store.ts';
const PUT_ONCE = 'functions/adapters/dynamodb/shared/put-once.ts';
const RETRY = 'functions/adapters/dynamodb/shared/retry-transaction.ts';
const HOUR = 'domain/telemetry/device-hour-set.ts';
const INGEST = 'domain/telemetry/ingest-telemetry.ts';
const CLOSED = 'domain/telemetry/closed-chunks.ts';
const CLOSED_TEST = 'test/domain/telemetry/closed-chunks.test.ts';
const EVENT = 'domain/telemetry/telemetry-event.ts';
const UNOWNED_TEST = 'test/adapters/unowned-hours.test.ts';
const STORE_TEST = 'test/adapters/device-store.test.ts';
const HOUR_TEST = 'test/domain/telemetry/device-hour-set.test.ts';
const EVENT_TEST = 'test/domain/telemetry/telemetry-event.test.ts';
const INGEST_TEST = 'test/functions/ingest-telemetry.test.ts';
const ERRORS_TEST = 'test/adapters/error-paths.test.ts';
const ONCE_TEST = 'test/properties/counted-once.test.ts';

/** Guards of telemetry: each event counts once, no matter how often and when it is sent, and by which sender. */
export const telemetryMutants: readonly Mutant[] = [
  mutant(
    'device-age',
    'a later time that an import tells makes no device younger',
    STORE,
    withoutCondition('createdAt > :at'),
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'bind-condition',
    'an owned device gets no second owner',
    STORE,
    ["'attribute_not_exists(#owner) AND NOT contains(barred, :owner)'", `'${always('NOT contains(barred, :owner)')}'`],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'barred-condition',
    'a barred account cannot bind the device again',
    STORE,
    [' AND NOT contains(barred, :owner)', ''],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'unowned-condition',
    'an unowned device is given away only while it is unowned',
    STORE,
    withoutCondition('attribute_not_exists(#owner) AND attribute_exists(pk)'),
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'devices-of-an-account',
    'an account gets no more devices than a fold reads',
    STORE,
    ["'attribute_not_exists(devices) OR devices <= :room'", `'${always('devices <= :room')}'`],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'counted-link',
    'a link that a bind made is not replaced by a plain one',
    STORE,
    ['Item: item, ...ifNew };', 'Item: item };'],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'no-gap',
    'an event is not new because a read missed the chunk that it is in',
    INGEST,
    ["    if (isFirst && hasGap(chunks)) return 'stale';", ''],
    ONCE_TEST,
    'misses the first chunk',
  ),
  mutant(
    'placeholder-unbound',
    'a placeholder id is never bound',
    INGEST,
    [
      'isPlaceholder(event.distinctId) && !isReported ? null : (account ?? context.sender)',
      'account ?? context.sender',
    ],
    'test/functions/manage-devices.test.ts',
  ),
  mutant(
    'budget-of-a-request',
    'a request writes to a bounded number of devices and hours',
    INGEST,
    ['verdict.ok ? overBudget(verdict.value) : undefined', 'undefined'],
    INGEST_TEST,
  ),
  mutant(
    'unbind-condition',
    'an unbind takes a device only from the owner that it read',
    STORE,
    withoutCondition('#owner = :owner'),
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'first-chunk-condition',
    'the first write of a chunk never replaces another one',
    STORE,
    withoutFirst('chunk.revision'),
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'chunk-revision-condition',
    'a write of a chunk needs the revision that was read',
    STORE,
    withoutRevision('chunk.revision'),
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'chunk-own-write',
    'a chunk whose answer was lost is recognized by its writer',
    PUT_IF,
    OWN_WRITE_IS_FORGOTTEN,
    ERRORS_TEST,
    'a chunk',
  ),
  mutant(
    'chunk-others-write',
    "another sender's write is not mistaken for one's own",
    PUT_IF,
    ['.writeId?.S === input.Item.writeId?.S;', ".writeId?.S !== '';"],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'later-format',
    'an item of a later format stops its reader',
    'functions/adapters/dynamodb/shared/format.ts',
    ['if (version <= FORMATS[kind]) return item;', 'if (version > 0) return item;'],
    'test/adapters/formats.test.ts',
    'of a later release stop a reader',
  ),
  mutant(
    'put-once-condition',
    'a fact is recorded by its first write',
    PUT_ONCE,
    ['  ...ifNew,\n', ''],
    'test/adapters/put-once.test.ts',
    'dynoxide',
  ),
  mutant(
    'conflict-is-waited-out',
    'a write beside a transaction on its item is sent again',
    RETRY,
    ['if (!(error instanceof TransactionConflictException) || attempt === MAX_TRIES) throw error;', 'throw error;'],
    ERRORS_TEST,
    'a device or link',
  ),
  mutant(
    'conflict-is-no-refusal',
    'a bind that a conflict cancelled does not mean that the device is owned',
    RETRY,
    ['const isPassing = codes.some(isPassingReason);', 'const isPassing = false;'],
    ERRORS_TEST,
    'a binding',
  ),
  mutant(
    'other-reasons-throw',
    'a bind that is cancelled for an unknown reason throws',
    RETRY,
    ['if (failed.length === 0) throw error;', ''],
    ERRORS_TEST,
    'a binding',
  ),
  mutant(
    'dedupe-across-chunks',
    'a duplicate is found in any chunk of its hour',
    HOUR,
    ['new Set(chunks.flatMap(({ events })', 'new Set(chunks.slice(-1).flatMap(({ events })'],
    HOUR_TEST,
  ),
  mutant(
    'closed-flag',
    'a chunk is closed by the write that fills it',
    HOUR,
    ['closed: rest.length > 0 || isFull(filled) }', 'closed: false }'],
    HOUR_TEST,
  ),
  mutant(
    'first-sender-stays',
    'the first authenticated sender of an event stays its sender',
    HOUR,
    [
      'entry.sender === null && sender !== null ? { ...entry, sender } : entry',
      'sender !== null ? { ...entry, sender } : entry',
    ],
    HOUR_TEST,
  ),
  mutant(
    'stale-chunk-again',
    'a write is decided again if another sender changed the chunk',
    INGEST,
    [
      "if ((await deps.devices.saveChunk(deviceId, hour, { ...chunk, expiresAt })) === 'stale') return 'stale';",
      'await deps.devices.saveChunk(deviceId, hour, { ...chunk, expiresAt });',
    ],
    ONCE_TEST,
    'stops at any.*: other events',
  ),
  {
    name: 'link-before-hour',
    guard: "a sender's link is written before the first hour that names them",
    changes: [
      {
        file: INGEST,
        find: 'const placed = await placeDevices(deps.devices, batches, given);',
        replace: 'const placed = batches;',
      },
      {
        file: INGEST,
        find: '  return new Map(stored.flat());\n',
        replace: '  await placeDevices(deps.devices, batches, given);\n  return new Map(stored.flat());\n',
      },
    ],
    caughtBy: [ONCE_TEST],
    named: 'gives up',
  },
  mutant(
    'owner-before-link',
    'the first sender from a device owns it',
    'domain/telemetry/place-devices.ts',
    ["mayBind(device) ? await devices.bind(deviceId, sender, at) : 'already-owned'", "'already-owned' as string"],
    INGEST_TEST,
    'binds the device',
  ),
  mutant(
    'keyed-copy-wins',
    'among copies under several devices, a keyed one beats an anonymous one',
    'domain/telemetry/winning-copy.ts',
    ['aIsKeyed === bIsKeyed ? a.deviceId < b.deviceId : aIsKeyed', 'a.deviceId < b.deviceId'],
    'test/domain/scoring/user-metrics.test.ts',
    'counts once',
  ),
  mutant(
    'tilde-doubled',
    "a client's device never passes for a server's",
    'domain/telemetry/device-id.ts',
    ["distinctId.startsWith('~') ? `~${distinctId}` : distinctId", 'distinctId'],
    EVENT_TEST,
  ),
  mutant(
    'trusted-scope',
    'a trusted event needs its scope',
    EVENT,
    ['if (isReport && !context.isTrusted && !isOwn) {', "if (event === '') {"],
    [EVENT_TEST, INGEST_TEST],
  ),
  mutant(
    'expiry-of-nobody',
    'only what counts for no account expires',
    'domain/telemetry/ingest-telemetry.ts',
    ['isAnonymous && !isOwned ?', '!isOwned ?'],
    UNOWNED_TEST,
  ),
  mutant(
    'remembered-until-written',
    'an hour is forgotten with a write of one of its remembered chunks',
    CLOSED,
    ['forget(key);\n      return devices.saveChunk', 'eventsIn([]);\n      return devices.saveChunk'],
    CLOSED_TEST,
  ),
  mutant(
    'kept-before-save',
    'what a score counts does not expire',
    'domain/scoring/refresh-score.ts',
    [
      "(await deps.keepChunks?.(expiring)) === false) return 'stale';",
      "(await deps.keepChunks?.([])) === false) return 'stale';",
    ],
    UNOWNED_TEST,
  ),
  mutant(
    'kept-if-there',
    'a chunk that has expired does not come back',
    'functions/adapters/dynamodb/telemetry/user-telemetry.ts',
    [', ...ifThere }', ' }'],
    UNOWNED_TEST,
  ),
];
