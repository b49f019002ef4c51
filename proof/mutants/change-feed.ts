import { mutant, type Mutant } from './mutant.ts';

const ANNOUNCE = 'domain/change-feed/announce-changes.ts';
const HOURS = 'domain/change-feed/announce-hours.ts';
const LATER = 'domain/change-feed/announce-later.ts';
const TELEMETRY = 'functions/adapters/dynamodb/change-feed/telemetry-changes.ts';
const REGISTRY = 'functions/adapters/dynamodb/change-feed/registry-changes.ts';
const ANNOUNCE_TEST = 'test/domain/change-feed/announce-changes.test.ts';
const HOURS_TEST = 'test/domain/change-feed/announce-hours.test.ts';
const CHANGES_TEST = 'test/adapters/stream-changes.test.ts';
const RUNTIME_TEST = 'test/functions/runtime.test.ts';
const ERRORS_TEST = 'test/adapters/error-paths.test.ts';

/** What holds that every committed change is announced, and no message is lost. */
export const changeFeedMutants: readonly Mutant[] = [
  mutant(
    'hour-owner',
    "an hour announces its device's owner",
    ANNOUNCE,
    ['[...change.senders, owner]', 'change.senders'],
    ANNOUNCE_TEST,
  ),
  mutant(
    'hour-senders',
    'an hour announces its senders',
    ANNOUNCE,
    [
      'return owner === undefined ? change.senders : [...change.senders, owner];',
      'return owner === undefined ? [] : [owner];',
    ],
    ANNOUNCE_TEST,
  ),
  mutant(
    'hour-days',
    'an hour announces its day',
    ANNOUNCE,
    ['return new Set([dateOfHour(change.hour)]);', 'return new Set();'],
    ANNOUNCE_TEST,
  ),
  mutant(
    'device-changed',
    'a device that changes hands announces its owners',
    ANNOUNCE,
    ['return change.owners;', 'return [];'],
    ANNOUNCE_TEST,
  ),
  mutant(
    'device-all-days',
    'whoever gets or loses a device is folded from nothing',
    ANNOUNCE,
    [
      "    case 'device-changed':\n    case 'link-changed':\n      return null;",
      "    case 'device-changed':\n    case 'link-changed':\n      return new Set();",
    ],
    ANNOUNCE_TEST,
  ),
  ...['link', 'report', 'ledger', 'registry'].map((kind) =>
    mutant(
      `${kind}-changed`,
      `a change of a ${kind === 'ledger' ? 'balance or grant' : kind === 'registry' ? 'publish or pull' : kind} announces its user`,
      ANNOUNCE,
      [
        "switch (change.kind) {\n    case 'hour-changed': {",
        `if (change.kind === '${kind}-changed') return [];\n  switch (change.kind) {\n    case 'hour-changed': {`,
      ],
      ANNOUNCE_TEST,
    ),
  ),
  mutant(
    'reports-named',
    'a report is announced as one, so that reports are counted again',
    ANNOUNCE,
    ["reports: change.kind === 'report-changed',", 'reports: false,'],
    ANNOUNCE_TEST,
  ),
  mutant(
    'registry-named',
    'a change of the registry is announced as one',
    ANNOUNCE,
    ["registry: change.kind === 'registry-changed',", 'registry: false,'],
    ANNOUNCE_TEST,
  ),
  mutant(
    'removal-folds-all',
    'what a hand removed from the registry is counted from nothing',
    ANNOUNCE,
    ['return change.isRemoval ? null : new Set();', 'return new Set();'],
    ANNOUNCE_TEST,
  ),
  mutant(
    'batch-days-merged',
    'of changes of one user in a batch all days are announced',
    ANNOUNCE,
    ['a.days.union(b.days)', 'b.days'],
    ANNOUNCE_TEST,
  ),
  mutant(
    'batch-all-days',
    'of changes of one user in a batch one of all days decides',
    ANNOUNCE,
    ['a.days === null || b.days === null ? null', 'a.days === null ? b.days : b.days === null ? a.days'],
    ANNOUNCE_TEST,
  ),
  mutant(
    'batch-oldest-change',
    'the refresh lag counts from the oldest change',
    ANNOUNCE,
    ['a.changedAt < b.changedAt ? a.changedAt : b.changedAt', 'b.changedAt'],
    ANNOUNCE_TEST,
  ),
  mutant(
    'senders-before',
    'an hour announces whom it named before a change as well',
    TELEMETRY,
    [
      '[before, after].flatMap((item) => (item === undefined ? [] : sendersOf(item)))',
      '[after].flatMap((item) => (item === undefined ? [] : sendersOf(item)))',
    ],
    CHANGES_TEST,
  ),
  mutant(
    'owner-before',
    'a device that is taken away announces who had it',
    TELEMETRY,
    ['const owners = [was?.owner, is?.owner]', 'const owners = [is?.owner]'],
    CHANGES_TEST,
  ),
  mutant(
    'removed-row',
    'a row of the registry that a hand removes is announced as removed',
    REGISTRY,
    ['isRemoval: after === undefined', 'isRemoval: false'],
    CHANGES_TEST,
  ),
  mutant(
    'removed-extension',
    'an extension that a hand removes announces its hour',
    REGISTRY,
    ['[before, after].filter((image)', '[after].filter((image)'],
    CHANGES_TEST,
  ),
  ...(['hour', 'device', 'ledger', 'registry', 'extension'] as const).map((kind) =>
    mutant(
      `${kind}-rolled-up`,
      `a change of ${kind === 'hour' ? 'an hour' : `a ${kind}`} announces the hours that it touches`,
      HOURS,
      [
        "  switch (change.kind) {\n    case 'hour-changed':",
        `  if (change.kind === '${kind}-changed') return [];\n  switch (change.kind) {\n    case 'hour-changed':`,
      ],
      HOURS_TEST,
    ),
  ),
  mutant(
    'covered-hours',
    'an hour is announced once a minute',
    LATER,
    ['.filter((thing) => !coveredUntil.has(thing))', ''],
    HOURS_TEST,
  ),
  mutant(
    'covered-margin',
    'an announcement that is about to be handled covers no more changes',
    LATER,
    ['* 1_000 - MARGIN_MS', '* 1_000'],
    HOURS_TEST,
  ),
  mutant(
    'covered-once-queued',
    'an hour counts as announced only once its message is queued',
    LATER,
    [
      '    await request(things, isoOf(until));\n',
      '    for (const thing of things) coveredUntil.set(thing, until);\n    await request(things, isoOf(until));\n',
    ],
    HOURS_TEST,
  ),
  mutant(
    'standing-changed',
    'a score that changed announces the boards',
    'domain/change-feed/announce-boards.ts',
    [
      "changes.some(({ change }) => change.kind === 'standing-changed') ? ['boards'] : []",
      'changes.length < 0 ? [] : []',
    ],
    'test/domain/change-feed/announce-boards.test.ts',
  ),
  mutant(
    'profile-changed',
    'a choice of a user announces their refresh',
    'functions/adapters/dynamodb/change-feed/score-changes.ts',
    ["if (sortKey === PROFILE_SK) return { kind: 'profile-changed', username: usernameOf(keys) };", ''],
    'test/domain/change-feed/announce-boards.test.ts',
  ),
  mutant(
    'message-failed',
    'a message that failed comes back',
    'functions/runtime/sqs-batch.ts',
    ['      failed.push(...ids);\n', ''],
    RUNTIME_TEST,
  ),
  mutant(
    'message-unreadable',
    'a message that cannot be read comes back and ends in the dead letters',
    'functions/runtime/sqs-batch.ts',
    ['        failed.push(messageId);\n', ''],
    RUNTIME_TEST,
  ),
  mutant(
    'message-alone',
    'a message that fails takes no other one with it',
    'functions/runtime/sqs-batch.ts',
    ['failed.push(...ids);', 'failed.push(...[...groups.values()].flatMap((group) => group.ids));'],
    RUNTIME_TEST,
  ),
  mutant(
    'failed-items-published',
    'messages that failed are a figure of their own, long before they are dead letters',
    'functions/runtime/sqs-batch.ts',
    ['    publishFailedItems(failed.length);\n', ''],
    RUNTIME_TEST,
    'publishes the number of failed',
  ),
  mutant(
    'record-unreadable',
    'a stream record that cannot be read is reported',
    'functions/runtime/stream-batch.ts',
    ['        failed.push(position);\n', ''],
    RUNTIME_TEST,
  ),
  mutant(
    'record-first',
    'the first record that failed is reported, from which the mapping goes on',
    'functions/runtime/stream-batch.ts',
    ['failed.slice(0, 1)', 'failed.slice(-1)'],
    RUNTIME_TEST,
  ),
  mutant(
    'records-announced',
    'a batch whose announcing fails is delivered again',
    'functions/runtime/stream-batch.ts',
    ['await options.onChanges(wired(), changes);', 'await options.onChanges(wired(), changes).catch(() => undefined);'],
    RUNTIME_TEST,
  ),
  mutant(
    'queue-failed-entries',
    'a failed entry of a batch of messages is sent again',
    'functions/adapters/sqs/queue.ts',
    ['if (failed.size === 0) return;', 'return;'],
    ERRORS_TEST,
    'messages',
  ),
  mutant(
    'queue-only-failed',
    'what was taken is not sent again',
    'functions/adapters/sqs/queue.ts',
    ['entries = entries.filter(({ Id }) => failed.has(Id));', ''],
    ERRORS_TEST,
    'messages',
  ),
  mutant(
    'queue-fails-for-good',
    'messages that cannot be queued make the whole send fail',
    'functions/adapters/sqs/queue.ts',
    ['if (attempt === MAX_TRIES) {', 'if (attempt === MAX_TRIES) {\n        return;'],
    ERRORS_TEST,
    'messages',
  ),
  mutant(
    'settle-all-waits',
    'a failure leaves nothing running behind it',
    'domain/shared/settle-all.ts',
    ['        failures.push(error);\n', '        failures.push(error);\n        throw error;\n'],
    'test/domain/shared/settle-all.test.ts',
  ),
  mutant(
    'settle-all-stops',
    'after a failure nothing further is begun',
    'domain/shared/settle-all.ts',
    ['if (failures.length > 0) return;', ''],
    'test/domain/shared/settle-all.test.ts',
  ),
  {
    ...mutant(
      'new-tables',
      'a table is not protected by the deployment that creates it',
      'infra/stage.ts',
      ['keepsData && !isNew(role)', 'keepsData'],
      'test/infra/stages.test.ts',
    ),
    inBundles: true,
  },
  {
    ...mutant(
      'list-streams',
      'a function that reads streams may do all that Lambda asks for',
      'infra/policies.ts',
      [", 'ListStreams'", ''],
      'test/infra/grants.test.ts',
    ),
    inBundles: true,
  },
  {
    ...mutant(
      'stream-retries',
      'a change is tried again until it is hours old, not five times',
      'infra/stream-worker.ts',
      ['const UNBOUNDED = -1;', 'const UNBOUNDED = 5;'],
      'test/scenarios/failing-queue.test.ts',
    ),
    inBundles: true,
  },
  mutant(
    'polled-as-allowed',
    'no mapping runs whose function may not poll',
    'local/template/stack-model.ts',
    ['if (missing === undefined) return;', 'return;'],
    'test/local/template.test.ts',
  ),
];
