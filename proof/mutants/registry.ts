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
    'a further version is published under the owner that was read',
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
    'a collective publishes for the members that were read',
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
    'a collective whose members nobody had set publishes only while nobody has',
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
    'a version is written where there is none',
    STORE,
    ['toVersionItem(version, writeId), ...ifNew }', 'toVersionItem(version, writeId) }'],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'yank-revision-condition',
    'a yank changes the version that was read',
    STORE,
    ['toVersionItem(next, writeId), ...ifAt(version.revision) }', 'toVersionItem(next, writeId) }'],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'owner-condition',
    'an extension changes hands from the owner that was read',
    STORE,
    ['toExtensionItem(next), ...ifAt(extension.revision) }', 'toExtensionItem(next) }'],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'yank-for-all',
    'a yank holds for all whom the version counts for, in the same transaction',
    STORE,
    ['          ...toPublisherItems(next).map((Item) => ({ Put: { TableName, Item } })),\n', ''],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'grants-with-version',
    'a version comes with its grants, in the same transaction',
    STORE,
    ['        ...grants.flatMap((append) => appendActions(tables.grants, append)),\n', ''],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'new-collective-condition',
    'a collective that was not there is not written over one that is',
    COLLECTIVES,
    ['...ifAt(before?.revision ?? 0)', '...(before === undefined ? {} : ifAt(before.revision))'],
    COLLECTIVES_TEST,
    'dynoxide',
  ),
  mutant(
    'collective-revision-condition',
    'members are set over those that were read',
    COLLECTIVES,
    ['...ifAt(before?.revision ?? 0)', '...(before === undefined ? ifAt(0) : {})'],
    COLLECTIVES_TEST,
    'dynoxide',
  ),
  mutant(
    'members-at-publish',
    'a version counts for the members at the time of its publish, not for those of the key',
    'domain/identity/collective.ts',
    ['new Set(found?.members ?? ofKey)', 'new Set(ofKey.length > 0 ? ofKey : found?.members)'],
    PULLS_TEST,
    'names the accounts that are credited',
  ),
  mutant(
    'own-publish',
    'a version whose answer was lost is answered as published',
    CONFIRM,
    ["if (existing.writeId === writeId) return ok({ kind: 'published', version: existing });", ''],
    'test/domain/registry/confirm-publish.test.ts',
  ),
  mutant(
    'same-publish',
    'another publisher or content of a version is a conflict',
    CONFIRM,
    [
      "if (isSamePublish(existing, confirmation)) return ok({ kind: 'repeated', version: existing });",
      "return ok({ kind: 'repeated', version: existing });",
    ],
    CONFIRM_TEST,
    'conflict',
  ),
  mutant(
    'owners-only',
    'new versions are the owner’s only',
    CONFIRM,
    [
      'if (extension !== undefined && !isSamePublisher(extension.owner, publisher)) {',
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
    'only its publisher or an admin takes a version back',
    'domain/registry/yank.ts',
    ['named.filter((version) => isPublishedBy(maintainer, version))', 'named'],
    CHANGES_TEST,
    'refused to others',
  ),
  mutant(
    'transfer-is-for-owners',
    'only the owner or an admin gives an extension away',
    'domain/registry/transfer-extension.ts',
    ['if (!maintains(maintainer, extension)) {', 'if (extension.revision === 0) {'],
    CHANGES_TEST,
    'for the owner',
  ),
  mutant(
    'accepted-by-whom-it-is-offered-to',
    'only whom an extension is offered to makes it their own',
    'domain/registry/transfer-extension.ts',
    ["if (!isSamePublisher(offeredTo, publisher)) return err({ kind: 'offered-to-another', to: offeredTo });", ''],
    CHANGES_TEST,
    'only be accepted',
  ),
  mutant(
    'decided-again',
    'what another writer was faster with is read and decided again',
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
