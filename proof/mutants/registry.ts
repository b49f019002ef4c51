import { always, mutant, type Mutant } from './mutant.ts';

const STORE = 'functions/adapters/dynamodb/registry/registry.ts';
const COLLECTIVES = 'functions/adapters/dynamodb/identity/collectives.ts';
const CONFIRM = 'domain/registry/confirm-publish.ts';
const STORE_TEST = 'test/adapters/registry.test.ts';
const COLLECTIVES_TEST = 'test/adapters/collectives.test.ts';
const CONFIRM_TEST = 'test/functions/confirm-publish.test.ts';
const CHANGES_TEST = 'test/functions/extension-changes.test.ts';
const PULLS_TEST = 'test/functions/collectives-and-pulls.test.ts';

/** What holds the registry: each version once, by the owner of its name, for whom it was published. */
export const registryMutants: readonly Mutant[] = [
  mutant(
    'new-extension-condition',
    'a name gets its first owner once',
    STORE,
    ['revision: 1 }),\n                ...ifNew,', 'revision: 1 }),'],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'owner-revision-condition',
    'a further version needs the owner that was read',
    STORE,
    [
      '                ...ifAt(extension.revision),\n              },',
      "                ConditionExpression: 'attribute_exists(pk)',\n              },",
    ],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'members-revision-condition',
    'a publish of a collective needs the members that were read',
    STORE,
    [
      '...ifAt(collectiveRevision)',
      `...(collectiveRevision === 0 ? ifAt(0) : { ConditionExpression: '${always('attribute_exists(pk)')}' })`,
    ],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'no-members-condition',
    'a publish of a collective without members needs that it still has none',
    STORE,
    [
      '...ifAt(collectiveRevision)',
      `...(collectiveRevision > 0 ? ifAt(collectiveRevision) : { ConditionExpression: '${always('attribute_exists(pk)')}' })`,
    ],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'version-condition',
    'a version never replaces another one',
    STORE,
    ['toVersionItem(version, writeId), ...ifNew }', 'toVersionItem(version, writeId) }'],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'yank-revision-condition',
    'a yank needs the version that was read',
    STORE,
    ['toVersionItem(next, writeId), ...ifAt(version.revision) }', 'toVersionItem(next, writeId) }'],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'owner-condition',
    'a transfer needs the owner that was read',
    STORE,
    ['toExtensionItem(next), ...ifAt(extension.revision) }', 'toExtensionItem(next) }'],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'yank-for-all',
    'a yank concerns all accounts that the version counts for, in one transaction',
    STORE,
    ['          ...toPublisherItems(next).map((Item) => ({ Put: { TableName, Item } })),\n', ''],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'grants-with-version',
    'a version and its grants are written in one transaction',
    STORE,
    ['        ...grants.flatMap((append) => appendActions(tables.grants, append)),\n', ''],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'new-collective-condition',
    'a new collective never replaces another one',
    COLLECTIVES,
    ['...ifAt(before?.revision ?? 0)', '...(before === undefined ? {} : ifAt(before.revision))'],
    COLLECTIVES_TEST,
    'dynoxide',
  ),
  mutant(
    'collective-revision-condition',
    'members replace only those that were read',
    COLLECTIVES,
    ['...ifAt(before?.revision ?? 0)', '...(before === undefined ? ifAt(0) : {})'],
    COLLECTIVES_TEST,
    'dynoxide',
  ),
  mutant(
    'members-at-publish',
    'a version counts for the members at the time of its publish',
    'domain/identity/collective.ts',
    ['new Set(found?.members ?? ofKey)', 'new Set(ofKey.length > 0 ? ofKey : found?.members)'],
    PULLS_TEST,
    'names the accounts that are credited',
  ),
  mutant(
    'own-publish',
    'a version whose answer was lost is recognized by its writer',
    CONFIRM,
    ["if (existing.writeId === writeId) return ok({ kind: 'published', version: existing });", ''],
    'test/domain/registry/confirm-publish.test.ts',
  ),
  mutant(
    'same-publish',
    'a version with another publisher or content is a conflict',
    CONFIRM,
    [
      "if (isSame) return ok({ kind: 'repeated', version: existing });",
      "return ok({ kind: 'repeated', version: existing });",
    ],
    CONFIRM_TEST,
    'conflict',
  ),
  mutant(
    'any-content-of-the-past',
    'a version that was imported without a hash is the same as a confirmation with any',
    'domain/registry/extension.ts',
    [
      ' || hasAnyContent(stored) || hasAnyContent(confirmed));',
      ' || (hasAnyContent(stored) && hasAnyContent(confirmed)));',
    ],
    'test/functions/import-history.test.ts',
    'client',
  ),
  mutant(
    'owners-only',
    'only the owner publishes new versions',
    CONFIRM,
    [
      'if (extension !== undefined && !(await areOne(deps.names, extension.owner, publisher))) {',
      'if (extension?.revision === 0) {',
    ],
    CONFIRM_TEST,
    'conflict',
  ),
  mutant(
    'owner-before-version',
    'the extension is read before the version',
    CONFIRM,
    [
      'const extension = await registry.findExtension(name);\n    const existing = await registry.findVersion(name, version);',
      'const existing = await registry.findVersion(name, version);\n    const extension = await registry.findExtension(name);',
    ],
    'test/domain/registry/confirm-publish.test.ts',
  ),
  mutant(
    'yank-is-for-publishers',
    'only its publisher or an admin yanks a version',
    'domain/registry/yank.ts',
    ['if (await maintains(names, maintainer, version.publisher)) own.push(version);', 'own.push(version);'],
    CHANGES_TEST,
    'refused to others',
  ),
  mutant(
    'transfer-is-for-owners',
    'only the owner or an admin transfers an extension',
    'domain/registry/transfer-extension.ts',
    ['if (!(await maintains(deps.names, maintainer, owner))) {', 'if (extension.revision === 0) {'],
    CHANGES_TEST,
    'for the owner',
  ),
  mutant(
    'accepted-by-whom-it-is-offered-to',
    'only the account that an extension is offered to can accept it',
    'domain/registry/transfer-extension.ts',
    ["if (!isForThem) return err({ kind: 'offered-to-another', to: offeredTo });", ''],
    CHANGES_TEST,
    'only be accepted',
  ),
  mutant(
    'decided-again',
    'a decision is made again if another writer came first',
    'domain/shared/until-saved.ts',
    [
      "if (outcome !== 'stale') return outcome;",
      "if (outcome !== 'stale') return outcome;\n    throw new Error('another writer was faster');",
    ],
    CONFIRM_TEST,
    'fifty',
  ),
  mutant(
    'rows-of-pulls',
    'the pulls of one request write a bounded number of rows',
    'domain/telemetry/record-trusted-event.ts',
    ['rows + credited.length > MAX_PULL_ROWS', 'rows > Infinity'],
    'test/domain/telemetry/write-budget.test.ts',
  ),
];
