import { mutant, withoutCondition, type Mutant } from './mutant.ts';

const ACCOUNTS = 'functions/adapters/dynamodb/identity/accounts.ts';
const PROFILES = 'functions/adapters/dynamodb/scoring/profile.items.ts';
const ACCOUNTS_TEST = 'test/functions/accounts.test.ts';
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
    ACCOUNTS_TEST,
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
    ['...ifAt(before.revision)', ''],
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
    'name-held',
    "a name that was given up is nobody else's for 90 days",
    'domain/identity/rename-account.ts',
    ['const HELD_DAYS = 90;', 'const HELD_DAYS = 0;'],
    ACCOUNTS_TEST,
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
];
