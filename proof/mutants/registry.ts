import { mutant, withoutCondition, type Mutant } from './mutant.ts';

const STORE = 'functions/adapters/dynamodb/registry.dynamodb.ts';
const COLLECTIVES = 'functions/adapters/dynamodb/collectives.dynamodb.ts';
const CONFIRM = 'domain/registry/confirm-publish.ts';
const STORE_TEST = 'test/adapters/registry.test.ts';
const COLLECTIVES_TEST = 'test/adapters/collectives.test.ts';
const CONFIRM_TEST = 'test/functions/confirm-publish.test.ts';
const CHANGES_TEST = 'test/functions/extension-changes.test.ts';
const PULLS_TEST = 'test/functions/collectives-and-pulls.test.ts';

/** What holds the registry: each version once, by the owner of its name, for whom it was published. */
export const registryMutants: readonly Mutant[] = [
  mutant(
    'registry-revisions',
    'what is changed in the registry is what was read',
    STORE,
    withoutCondition('rev = :read'),
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'new-extension-condition',
    'a name gets its first owner once',
    STORE,
    ['revision: 1 }),\n                ConditionExpression: IS_NEW,', 'revision: 1 }),'],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'owner-revision-condition',
    'a further version is published under the owner that was read',
    STORE,
    [
      '                ...isAt(extension.revision),\n              },',
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
      '...(collectiveRevision === 0 ? { ConditionExpression: IS_NEW } : isAt(collectiveRevision)),',
      "ConditionExpression: 'attribute_exists(pk) OR attribute_not_exists(pk)',",
    ],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'no-members-condition',
    'a collective whose members nobody had set publishes only while nobody has',
    STORE,
    [
      '{ ConditionExpression: IS_NEW } : isAt',
      "{ ConditionExpression: 'attribute_exists(pk) OR attribute_not_exists(pk)' } : isAt",
    ],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'version-condition',
    'a version is written where there is none',
    STORE,
    ['toVersionItem(version, writeId), ConditionExpression: IS_NEW }', 'toVersionItem(version, writeId) }'],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'yank-revision-condition',
    'a yank changes the version that was read',
    STORE,
    ['toVersionItem(next, writeId), ...isAt(version.revision) }', 'toVersionItem(next, writeId) }'],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'owner-condition',
    'an extension changes hands from the owner that was read',
    STORE,
    ['toExtensionItem(next), ...isAt(extension.revision) }', 'toExtensionItem(next) }'],
    STORE_TEST,
    'dynoxide',
  ),
  mutant(
    'yank-for-all',
    'a yank holds for all whom the version counts for, in the same transaction',
    STORE,
    ['        ...toPublisherItems(next).map((Item) => ({ Put: { TableName, Item } })),\n', ''],
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
    ["? { ConditionExpression: 'attribute_not_exists(pk)' }", '? {}'],
    COLLECTIVES_TEST,
    'dynoxide',
  ),
  mutant(
    'collective-revision-condition',
    'members are set over those that were read',
    COLLECTIVES,
    withoutCondition('rev = :read'),
    COLLECTIVES_TEST,
    'dynoxide',
  ),
  mutant(
    'gone-members',
    'who is no member any more has no membership',
    COLLECTIVES,
    [
      '        ...[...were.difference(are)].map((member) => ({ Delete: { TableName, Key: membershipKey(member, slug) } })),\n',
      '',
    ],
    COLLECTIVES_TEST,
    'dynoxide',
  ),
  mutant(
    'members-at-publish',
    'a version counts for the members at the time of its publish, not for those of the key',
    'domain/identity/collective.ts',
    ['new Set(found?.members ?? ofKey)', 'new Set(ofKey.length > 0 ? ofKey : found?.members)'],
    PULLS_TEST,
    'names who is credited',
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
    'grant-may-be-there',
    'the grant of a version that a hand removed is not given a second time',
    CONFIRM,
    [
      'const found = mayBeThere ? await ledger.find(request.grantId) : undefined;',
      'const found = mayBeThere ? undefined : undefined;',
    ],
    'test/domain/registry/confirm-publish.test.ts',
  ),
  mutant(
    'account-is-no-collective',
    'an account and a collective of one name are two',
    'domain/registry/extension.ts',
    ['a.kind === b.kind && a.name === b.name', 'a.name === b.name'],
    CONFIRM_TEST,
    'apart',
  ),
  mutant(
    'yank-is-for-owners',
    'only the owner or an admin takes versions back',
    'domain/registry/yank.ts',
    ["if (!maintains(maintainer, extension)) return err({ kind: 'not-owner', owner: extension.owner });", ''],
    CHANGES_TEST,
    'refused to others',
  ),
  mutant(
    'first-reason',
    'the first reason of a yank stays',
    'domain/registry/yank.ts',
    ["if ((found.yank === undefined) === (wanted === undefined)) return 'unchanged';", ''],
    CHANGES_TEST,
    'first reason',
  ),
  mutant(
    'transfer-is-for-owners',
    'only the owner or an admin gives an extension away',
    'domain/registry/transfer-extension.ts',
    [
      "if (!maintains(maintainer, extension) && !gaveIt) return err({ kind: 'not-owner', owner: extension.owner });",
      '',
    ],
    CHANGES_TEST,
    'for the owner',
  ),
  mutant(
    'transfer-said-again',
    'who has just given it away may say so again',
    'domain/registry/transfer-extension.ts',
    ['!maintains(maintainer, extension) && !gaveIt', '!maintains(maintainer, extension)'],
    CHANGES_TEST,
    'for the owner',
  ),
  mutant(
    'decided-again',
    'what another writer was faster with is read and decided again',
    'domain/shared/until-decided.ts',
    [
      "if (outcome !== 'stale') return outcome;",
      "if (outcome !== 'stale') return outcome;\n    throw new Error('another writer was faster');",
    ],
    CONFIRM_TEST,
    'fifty',
  ),
  mutant(
    'pull-of-a-version',
    'a pull of what nobody has published is refused',
    'domain/registry/record-pull.ts',
    [
      "if (version === undefined) return err({ kind: 'unknown-extension' });",
      "if (version === undefined) return ok('recorded');",
    ],
    PULLS_TEST,
    'extension_pulled',
  ),
  mutant(
    'pull-counted-once',
    'the community counts a pull once, however many share the credit',
    'domain/registry/record-pull.ts',
    ['isCounted: author === version.credited[0]', 'isCounted: true'],
    'test/functions/community-metrics.test.ts',
    'each pull once',
  ),
];
