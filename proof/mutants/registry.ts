import { always, mutant, type Mutant } from './mutant.ts';

const STORE = 'functions/adapters/dynamodb/registry/registry.ts';
const COLLECTIVES = 'functions/adapters/dynamodb/identity/collectives.ts';
const CONFIRM = 'domain/registry/confirm-publish.ts';
const STORE_TEST = 'test/adapters/registry.test.ts';
const COLLECTIVES_TEST = 'test/adapters/collectives.test.ts';
const CONFIRM_TEST = 'test/functions/confirm-publish.test.ts';
const CHANGES_TEST = 'test/functions/extension-changes.test.ts';

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
];
