import { mutant, withoutCondition, type Mutant } from './mutant.ts';

const SIGNATURE = 'functions/take-hooks/signature.ts';
const SOURCES = 'functions/adapters/dynamodb/hooks/hook-sources.ts';
const LOGINS = 'functions/adapters/dynamodb/telemetry/logins.ts';
const FIRST_NAMES = 'functions/adapters/dynamodb/telemetry/first-names.ts';
const NAMES = 'domain/hooks/repository-names.ts';
const LINK = 'domain/identity/link-login.ts';
const LINK_TEST = 'test/domain/identity/link-login.test.ts';
const HOOKS_TEST = 'test/functions/take-hooks.test.ts';
const TAKE_TEST = 'test/domain/hooks/take-hook.test.ts';
const ADAPTER_TEST = 'test/adapters/hooks.test.ts';

/** Who may report what happens elsewhere, and that it counts once. */
export const hookMutants: readonly Mutant[] = [
  mutant(
    'hook-signature',
    'a hook is signed with a secret of its source',
    SIGNATURE,
    ['return matches.includes(true);', 'return matches.length > 0;'],
    HOOKS_TEST,
  ),
  mutant(
    'hook-secret-of-nobody',
    'nobody can sign for a source without secrets',
    SIGNATURE,
    ['isBy(key ?? NOBODYS)', "isBy(key ?? '')"],
    HOOKS_TEST,
  ),
  mutant(
    'hook-bytes',
    'the signature covers the bytes of the body, also if the gateway encodes them',
    'functions/runtime/http-function.ts',
    ["Buffer.from(encoded, isBase64Encoded ? 'base64' : 'utf8')", "Buffer.from(encoded, 'utf8')"],
    HOOKS_TEST,
  ),
  mutant(
    'hook-rotation',
    'a source never has a third secret: the one in use would be lost',
    SOURCES,
    ['attribute_exists(pk) AND attribute_not_exists(previousSecret)', 'attribute_exists(pk)'],
    ADAPTER_TEST,
    'dynoxide',
  ),
  mutant(
    'hook-source-once',
    'a source is not written over another one of its name',
    SOURCES,
    [
      '{ TableName, Item, ...ifNew }',
      "{ TableName, Item, ConditionExpression: 'attribute_exists(pk) OR attribute_not_exists(pk)' }",
    ],
    ADAPTER_TEST,
    'dynoxide',
  ),
  mutant(
    'hook-first-name',
    'a renamed repository keeps its facts',
    NAMES,
    ['const first = known ??', 'const first = known === undefined || known !== name ? name :'],
    TAKE_TEST,
  ),
  mutant(
    'hook-name-of-another',
    'a repository does not take over the facts of another one that had its name',
    NAMES,
    ['free.includes(formerName) && formerName.length', 'formerName.length'],
    TAKE_TEST,
  ),
  mutant(
    'hook-name-once',
    'a name leads to one repository for good',
    FIRST_NAMES,
    [', ...ifNew }', ' }'],
    ADAPTER_TEST,
    'dynoxide',
  ),
  mutant(
    'hook-end-of-rotation',
    'a rotation ends once: a source without one is told',
    SOURCES,
    withoutCondition('attribute_exists(previousSecret)'),
    ADAPTER_TEST,
    'dynoxide',
  ),
  mutant(
    'hook-source-there',
    'a source that is not there is not deleted',
    SOURCES,
    [', ...ifThere }', ' }'],
    ADAPTER_TEST,
    'dynoxide',
  ),
  mutant(
    'login-once',
    'a login is one account’s',
    LOGINS,
    withoutCondition('attribute_not_exists(pk) OR username = :username'),
    ADAPTER_TEST,
    'dynoxide',
  ),
  mutant(
    'login-of-a-place',
    'an account has one login in each place, also when two are linked at the same time',
    LOGINS,
    withoutCondition('attribute_not_exists(pk) OR id = :id'),
    ADAPTER_TEST,
    'dynoxide',
  ),
  mutant(
    'link-merges-from-then-on',
    'a link holds for what is reported under the name of the login later, too',
    LINK,
    ['const merged = await mergeAccounts(deps, own, account);', "const merged = ok('merged' as const);"],
    LINK_TEST,
  ),
  mutant(
    'unlink-parts-its-own',
    'an unlink takes no account out of another one than the login’s',
    LINK,
    [
      'if (own === undefined || (await deps.accounts.load(own.account))?.mergedInto !== account) return;',
      'if (own === undefined) return;',
    ],
    LINK_TEST,
  ),
  mutant(
    'hook-before-its-link',
    'a thing that was reported before its login was linked is no second fact',
    'domain/telemetry/record-trusted-event.ts',
    ["isThere(before, event, identity))) return 'duplicate';", 'isThere(before, event, identity))) void 0;'],
    TAKE_TEST,
  ),
];
