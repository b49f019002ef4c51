import { DynamoDBClient, QueryCommand, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it, onTestFinished } from 'vitest';
import { unyank, yank, type YankDeps } from '../../../domain/registry/yank.ts';
import { toLiveItem, toVersionItem } from '../../../functions/adapters/dynamodb/registry/registry.items.ts';
import { dynamoRegistry } from '../../../functions/adapters/dynamodb/registry/registry.ts';
import { aPublisher, aVersion } from '../../adapters/a-publication.ts';
import { AT } from '../../builders/grants.ts';
import { aUsername, namesAsIds } from '../../builders/identity.ts';

const VERSIONS = 1_500;
const NAME = '@acme/net';
const ADA = aPublisher(aUsername('ada'));
const CREW = Array.from({ length: 30 }, (_, n) => aUsername(`m${n}`));

/**
 * The registry's adapter over a simulated table with very many versions. It counts calls, and each call takes a given
 * time on a clock that nothing else moves.
 */
function manyVersions({ credited = [aUsername()], milliseconds = 0, isYanked = false } = {}) {
  let now = Date.parse(AT);
  const given = isYanked ? { yank: { at: AT, reason: 'r' } } : {};
  const versions = Array.from({ length: VERSIONS }, (_, n) =>
    aVersion({ name: NAME, version: `2026.08.21.${VERSIONS - n}`, publisher: ADA, credited, ...given }),
  );
  const items = new Map(versions.map((version) => [version.version, toVersionItem(version, 'w')]));
  const client = mockClient(DynamoDBClient);
  onTestFinished(() => client.restore());
  client.on(QueryCommand).callsFake(({ Limit, ExclusiveStartKey: from }) => {
    const pages = [...items.values()];
    if (Limit === 1) return { Items: isYanked ? [] : [toLiveItem(versions[0]!)] };
    return from === undefined
      ? { Items: pages.slice(0, 900), LastEvaluatedKey: { pk: { S: 'more' } } }
      : { Items: pages.slice(900) };
  });
  client.on(TransactWriteItemsCommand).callsFake(({ TransactItems }) => {
    now += milliseconds;
    expect(TransactItems.length).toBeLessThanOrEqual(100);
    for (const { Put } of TransactItems) if (Put?.Item.rev !== undefined) items.set(Put.Item.version.S, Put.Item);
    return {};
  });
  const registry = dynamoRegistry(new DynamoDBClient(), { registry: 'registry', grants: 'grants' });
  const deps: YankDeps = { registry, names: namesAsIds, clock: () => now, random: () => 0.5, sleep: async () => {} };
  const yanked = () => [...items.values()].filter(({ yankedAt }) => yankedAt !== undefined).length;
  return { registry, deps, yanked, calls: () => client.calls().length, reset: () => client.resetHistory() };
}

describe(`of ${VERSIONS} versions`, () => {
  it.each([false, true])(
    'the newest version costs one read, with all versions yanked or none: %s',
    async (isYanked) => {
      const { registry, calls } = manyVersions({ isYanked });

      expect((await registry.latestVersion(NAME, 'stable'))?.version).toBe(isYanked ? undefined : '2026.08.21.1500');
      expect(calls()).toBe(1);
    },
  );

  it.each([
    ['an account', [ADA.name], 50],
    ['a collective of thirty', CREW, 510],
  ])(
    'all versions of %s are yanked and restored with few calls, and repeats write nothing',
    async (_who, credited, most) => {
      for (const isYanked of [false, true]) {
        const { deps, yanked, calls, reset } = manyVersions({ credited, isYanked });
        const change = () => (isYanked ? unyank(deps, ADA, { name: NAME }) : yank(deps, ADA, { name: NAME }, 'all'));

        expect(await change()).toEqual({ ok: true, value: { changed: VERSIONS, ofOthers: 0 } });
        expect(yanked()).toBe(isYanked ? 0 : VERSIONS);
        expect(calls()).toBeLessThanOrEqual(most);
        reset();
        expect(await change()).toEqual({ ok: true, value: { changed: 0, ofOthers: 0 } });
        expect(calls()).toBe(2);
      }
    },
  );

  it('versions beyond the time limit are left to a repeat of the request', async () => {
    const { deps, yanked } = manyVersions({ milliseconds: 500 });
    const left: number[] = [];
    for (let isDone = false; !isDone; left.push(VERSIONS - yanked())) {
      const began = deps.clock();
      isDone = await yank(deps, ADA, { name: NAME }, 'all').then(
        ({ ok }) => ok,
        (error: unknown) => {
          expect(error).toMatchObject({ name: 'Busy' });
          return false;
        },
      );
      expect(deps.clock() - began).toBeLessThan(9_000);
    }

    expect(left.length).toBeGreaterThan(2);
    expect(left.length).toBeLessThan(5);
    expect(left.at(-1)).toBe(0);
  });
});
