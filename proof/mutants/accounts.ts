import { mutant, withoutCondition, type Mutant } from './mutant.ts';

const ACCOUNTS = 'functions/adapters/dynamodb/identity/accounts.ts';
const PROFILES = 'functions/adapters/dynamodb/scoring/profile.items.ts';
const ACCOUNTS_TEST = 'test/functions/accounts.test.ts';
const ERASURE = 'functions/adapters/dynamodb/erasure/account-erasure.ts';
const NAMES_TEST = 'test/adapters/accounts.test.ts';
const ERASURE_TEST = 'test/functions/erasure.test.ts';
const MERGE_TEST = 'test/functions/merge.test.ts';

/** Whose a name is, and who is shown as part of whom. */
export const accountMutants: readonly Mutant[] = [
  mutant(
    'name-once',
    'a name becomes that of one account, however many requests name it',
    ACCOUNTS,
    withoutCondition('attribute_not_exists(pk) OR heldUntil <= :at'),
    ACCOUNTS_TEST,
  ),
  mutant(
    'name-taken',
    'of two accounts that want a name at the same time one gets it',
    ACCOUNTS,
    withoutCondition('attribute_not_exists(pk) OR heldUntil <= :at OR account = :account'),
    NAMES_TEST,
    'dynoxide',
  ),
  mutant(
    'renamed-once',
    'of two names that an account asks for at the same time it gets one',
    ACCOUNTS,
    ["...ifAt(before.revision, 'rev')", ''],
    ACCOUNTS_TEST,
  ),
  mutant(
    'merged-into-one',
    'of two merges of an account at the same time one happens',
    ACCOUNTS,
    ['...ifAt(before.revision) } },\n            { Put', '} },\n            { Put'],
    MERGE_TEST,
  ),
  mutant(
    'moved-while-merged',
    'points are moved only while the account is part of the other one',
    PROFILES,
    withoutCondition('mergedInto = :other'),
    MERGE_TEST,
  ),
  mutant(
    'returned-after-merge',
    'points come back only once the account is by itself',
    PROFILES,
    withoutCondition('mergedBefore = :other'),
    MERGE_TEST,
  ),
  mutant(
    'own-rename',
    'an account is renamed by its own key, or by an admin',
    'functions/manage-accounts/routes.ts',
    ['const isOwn = own !== undefined && own === account;', 'const isOwn = own !== undefined;'],
    ACCOUNTS_TEST,
  ),
  mutant(
    'merged-are-one',
    'the keys of merged accounts maintain the extensions of each, and no longer after an unmerge',
    'domain/registry/maintainer.ts',
    ['return one !== undefined && one.account === other?.account;', 'return false;'],
    MERGE_TEST,
  ),
  mutant(
    'merged-once',
    'an account is part of one other account at most',
    'domain/identity/merge-accounts.ts',
    ["    if (from.mergedInto !== undefined) return err('merged');\n", ''],
    MERGE_TEST,
  ),
  mutant(
    'erased-as-read',
    'an account that is renamed and erased at the same time keeps no name',
    ACCOUNTS,
    ['...ifAt(before.revision) } },\n        { Delete', '} },\n        { Delete'],
    NAMES_TEST,
    'dynoxide',
  ),
  mutant(
    'names-of-others',
    'an erasure leaves a name to the account that has it by now',
    ERASURE,
    withoutCondition('attribute_not_exists(pk) OR account = :account'),
    NAMES_TEST,
    'dynoxide',
  ),
  mutant(
    'device-given-away',
    'an erasure leaves a device to the account that got it meanwhile',
    ERASURE,
    [
      "ConditionExpression: owner === undefined ? 'attribute_not_exists(#owner)' : '#owner = :owner',",
      "ConditionExpression: owner === undefined ? 'attribute_not_exists(#owner)' : 'attribute_exists(pk) OR #owner = :owner',",
    ],
    ERASURE_TEST,
  ),
  mutant(
    'two-in-a-leaf',
    'of two erasures that meet in a block neither brings back what the other removed',
    'functions/adapters/dynamodb/erasure/erase-rows.ts',
    [
      'ConditionExpression: `#${unchanged} = :read`',
      'ConditionExpression: `#${unchanged} = :read OR attribute_exists(pk)`',
    ],
    ERASURE_TEST,
    'two at a time',
  ),
  mutant(
    'confirmed',
    'nobody is erased without their name once more',
    'functions/manage-accounts/routes.ts',
    ['if (confirm.toLowerCase() !== username) {', 'if (confirm === undefined) {'],
    'test/functions/accounts.test.ts',
  ),
  mutant(
    'looks-twice',
    'what was stored after the first look is removed as well',
    'domain/identity/run-erasure.ts',
    ["if (look === 2) return 'done';", "if (look <= 2) return 'done';"],
    ERASURE_TEST,
    'looks again after',
  ),
  mutant(
    'erased-key-stores-nothing',
    'no event is stored before it is known that the account of the key exists',
    'domain/telemetry/ingest-telemetry.ts',
    ["  if ((await request.isAccountThere) === false) throw new Error('the account of the key was erased');\n", ''],
    'test/functions/accounts.test.ts',
    'whatever it sends',
  ),
  mutant(
    'erased-key-does-nothing',
    'no other route begins before it is known that the account of the key exists',
    'functions/runtime/http-function.ts',
    ['  if (match.route.admitsLate !== true && (await isAccountThere) === false) return unknownKey();\n', ''],
    'test/functions/accounts.test.ts',
    'whatever it sends',
  ),
  mutant(
    'erased-not-refreshed',
    'nothing is saved for an erased account',
    'domain/scoring/refresh-score.ts',
    ["  if (guard.erasedAt !== undefined) return 'unknown';\n", ''],
    ERASURE_TEST,
  ),
];
