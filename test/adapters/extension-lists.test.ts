import { QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { expect, it } from 'vitest';
import { meterCapacity } from '../../bench/capacity-meter.ts';
import { putAll } from '../../bench/put-all.ts';
import { AccountId } from '../../domain/identity/account.ts';
import { readExtensions } from '../../domain/metrics/community-views.ts';
import { inOrderOf, leavesOf, type ExtensionSort } from '../../domain/metrics/extension-list.ts';
import type { StoredList } from '../../domain/metrics/rollup-store.port.ts';
import {
  dynamoAccountNames,
  toAccountItem,
  toChangedItem,
} from '../../functions/adapters/dynamodb/identity/accounts.ts';
import { dynamoRollupReader } from '../../functions/adapters/dynamodb/metrics/rollup-reader.ts';
import { dynamoRollupStore } from '../../functions/adapters/dynamodb/metrics/rollup-store.ts';
import { aUsername, sha256 } from '../builders/identity.ts';
import { onBothEngines } from '../support/on-both-engines.ts';

const AT = '2026-08-21T12:00:00.000Z';

onBothEngines('lists of extensions', (engine) => {
  it('cost at most 60 read units a page, and an older one does not replace a newer one', async () => {
    const { metric_rollup_hour: table, accounts } = await engine().createTables(['metric_rollup_hour', 'accounts']);
    const metered = engine().client();
    const store = dynamoRollupStore(metered, table, { clock: () => 0, sleep: async () => {} });
    const reader = dynamoRollupReader(metered, table, { random: () => 0.5, sleep: async () => {} });
    const accountOf = (n: number) => AccountId.parse(`acc_${sha256(`account ${n}`).slice(0, 16)}`);
    const nameOf = (n: number) => aUsername(sha256(`name ${n}`));
    const row = (n: number) => ({
      ...{ extension: `@${sha256(`${n}`).slice(0, 38)}/${sha256(`tool-${n}`)}`, versions: 1, pulls: n },
      ...{ publisher: { kind: 'personal', name: accountOf(n) } as const, firstPublished: AT, lastPublished: AT },
    });
    const names = new Map(Array.from({ length: 5_000 }, (_, n) => [accountOf(n), nameOf(n)] as const));
    const rows = Array.from({ length: 5_000 }, (_, n) => row(n));
    const meter = meterCapacity(metered);
    const saveList = async (of: typeof rows, sort: ExtensionSort, late?: StoredList) =>
      (late ?? (await store.loadList(sort))).save(leavesOf(of, sort, sha256), { at: AT, names });
    const late = await store.loadList('pulls');
    expect(await saveList(rows, 'pulls')).toBe('saved');
    expect(await saveList(rows, 'versions')).toBe('saved');
    expect(await saveList([row(1)], 'pulls', late)).toBe('stale');

    for (const query of [
      { page: 1, page_size: 2_000, sort: 'pulls', sort_direction: 'desc' },
      { page: 2, page_size: 2_000, sort: 'pulls', sort_direction: 'asc' },
      { page: 2, page_size: 2_000, sort: 'versions', sort_direction: 'asc' },
    ] as const) {
      const { readUnits } = await meter.during(async () => {
        const found = await reader.extensionsOf(query);
        const first = (query.page - 1) * query.page_size;
        const wanted = rows.toSorted(inOrderOf(query.sort, query.sort_direction)).slice(first, first + query.page_size);
        expect(found.count).toBe(5_000);
        expect(found.rows.map((each) => each.extension)).toEqual(wanted.map((each) => each.extension));
        const stored = wanted.map(({ publisher }) => [publisher.name, names.get(publisher.name)] as const);
        expect(stored.filter(([id, name]) => found.names?.names.get(id) !== name)).toEqual([]);
      });
      expect(readUnits).toBeLessThanOrEqual(60);
    }

    /** How many rows of the longest page have names. */
    const namedOf = async () => {
      const pauses = { clock: () => 0, random: () => 0.5, sleep: async () => {}, randomToken: () => '' };
      let named = 0;
      const { readUnits } = await meter.during(async () => {
        const query = { page: 2, page_size: 2_000, sort: 'pulls', sort_direction: 'asc' } as const;
        const { data } = await readExtensions(reader, dynamoAccountNames(metered, accounts, pauses), query);
        named = data.filter(({ publisher }) => !publisher.startsWith('acc_')).length;
      });
      expect(readUnits).toBeLessThanOrEqual(60);
      return named;
    };
    const renamed = Array.from({ length: 301 }, (_, n) => ({
      ...{ id: accountOf(2_000 + n), username: aUsername(sha256(`new ${n}`)) },
      ...{ formerNames: [], merged: [], revision: 1 },
    }));
    const told = renamed.map((account) => toChangedItem('2026-08-21T12:00:01.000Z', account));
    await putAll(metered, accounts, [...renamed.slice(0, 50).map(toAccountItem), ...told.slice(1)]);
    expect(await namedOf()).toBe(2_000);
    await putAll(metered, accounts, told); // more changes than a page reads: it looks up the names of its first rows
    expect(await namedOf()).toBe(3);
    await metered.send(
      new UpdateItemCommand({
        TableName: table,
        Key: marshall({ pk: 'EXTENSIONS#pulls', sk: 'ROOT' }),
        UpdateExpression: 'REMOVE namesAt', // as an older release stored it
      }),
    );
    expect(await namedOf()).toBe(19);

    // What is gone is gone: the leaves of a list are those of its root.
    expect(await saveList([row(1), row(2)], 'pulls')).toBe('saved');
    expect(await reader.extensionsOf({ page: 1, page_size: 9, sort: 'pulls', sort_direction: 'asc' })).toEqual({
      ...{ count: 2, rows: [row(1), row(2)] },
      names: { at: AT, names: new Map([1, 2].map((n) => [accountOf(n), nameOf(n)])) },
    });
    const { Count } = await metered.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'pk = :list',
        ExpressionAttributeValues: marshall({ ':list': 'EXTENSIONS#pulls' }),
      }),
    );
    expect(Count).toBe(2);
  });
});
