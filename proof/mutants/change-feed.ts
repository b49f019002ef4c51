import { mutant, type Mutant } from './mutant.ts';

const ANNOUNCE = 'domain/change-feed/announce-refreshes.ts';
const HOURS = 'domain/change-feed/announce-hours.ts';
const LATER = 'domain/change-feed/announce-later.ts';
const REFRESHES = 'domain/change-feed/refreshes-later.ts';
const REFRESHES_TEST = 'test/domain/change-feed/refreshes-later.test.ts';
const FOLLOW_TEST = 'test/properties/projections-follow.test.ts';
const TELEMETRY = 'functions/adapters/dynamodb/change-feed/telemetry-changes.ts';
const ANNOUNCE_TEST = 'test/domain/change-feed/announce-refreshes.test.ts';
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
    'device-changed',
    'a device that changes hands announces its owners',
    ANNOUNCE,
    ['return change.owners;', 'return [];'],
    ANNOUNCE_TEST,
  ),
  mutant(
    'device-all-days',
    'an account that gets or loses a device is folded from nothing',
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
    'batch-all-days',
    'among the changes of one account, a change of all days wins',
    ANNOUNCE,
    ['a.days === null || b.days === null ? null', 'a.days === null ? b.days : b.days === null ? a.days'],
    ANNOUNCE_TEST,
  ),
  mutant(
    'senders-before',
    'an hour also announces the senders from before a change',
    TELEMETRY,
    ['const senders = [...was, ...is]', 'const senders = is'],
    CHANGES_TEST,
  ),
  mutant(
    'waits-until',
    'a refresh that waits covers no change after the end of its delay',
    REFRESHES,
    ['if (until > now) break;', 'if (until > now - 60_000) break;'],
    [REFRESHES_TEST, FOLLOW_TEST],
  ),
  mutant(
    'waits-if-queued',
    'a refresh is remembered only after it was queued',
    REFRESHES,
    [
      'await request(messages, seconds);',
      'for (const each of some) for (const part of partsOf(each)) waitUntil.set(keyOf(each.username, part), until);\n      await request(messages, seconds);',
    ],
    [REFRESHES_TEST],
  ),
  mutant(
    'hour-rolled-up',
    'a change of an hour announces the hours that it touches',
    HOURS,
    [
      "  switch (change.kind) {\n    case 'hour-changed':",
      "  if (change.kind === 'hour-changed') return [];\n  switch (change.kind) {\n    case 'hour-changed':",
    ],
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
    'a choice of an account announces its refresh',
    'functions/adapters/dynamodb/change-feed/score-changes.ts',
    ['if (sortKey === PROFILE_SK) {', 'if (sortKey === undefined) {'],
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
    'a failed message does not fail others',
    'functions/runtime/sqs-batch.ts',
    ['failed.push(...ids);', 'failed.push(...[...groups.values()].flatMap((group) => group.ids));'],
    RUNTIME_TEST,
  ),
  mutant(
    'records-announced',
    'a batch whose announcement fails is delivered again',
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
    'settle-all-waits',
    'no request outlives a failure',
    'domain/shared/settle-all.ts',
    ['        failures.push(error);\n', '        failures.push(error);\n        throw error;\n'],
    'test/domain/shared/settle-all.test.ts',
  ),
  {
    ...mutant(
      'list-streams',
      'a function that reads streams has all permissions that Lambda needs',
      'infra/policies.ts',
      [", 'ListStreams'", ''],
      'test/infra/grants.test.ts',
    ),
    inBundles: true,
  },
  {
    ...mutant(
      'stream-retries',
      'a change is retried for hours, not five times',
      'infra/stream-worker.ts',
      ['const UNBOUNDED = -1;', 'const UNBOUNDED = 5;'],
      'test/scenarios/failing-queue.test.ts',
    ),
    inBundles: true,
  },
  mutant(
    'polled-as-allowed',
    'a mapping runs only if its function may poll',
    'local/template/stack-model.ts',
    ['if (missing === undefined) return;', 'return;'],
    'test/local/template.test.ts',
  ),
];
