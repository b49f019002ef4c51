import { BatchWriteItemCommand, PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import type { UsernameSource, UsernameSources } from '../../domain/backfill/username-source.port.ts';
import type { AccountId } from '../../domain/identity/account.ts';
import { dynamoUsernameSources } from '../../functions/adapters/dynamodb/backfill/username-sources.ts';
import { aUsername } from '../builders/identity.ts';
import { onBothEngines } from '../support/on-both-engines.ts';

const DATE = '2026-08-21';
const BY = { rulesVersion: '1', foldedBy: 'a' };
const QUARTER_PAGE = 'x'.repeat(300_000); // four such items fill a page of 1 MB

onBothEngines('where usernames are found', (engine) => {
  let client: DynamoDBClient;
  let tables: { readonly accounts: string; readonly scores: string };
  let sources: UsernameSources;
  beforeAll(() => {
    client = engine().client();
  });
  beforeEach(async () => {
    const names = await engine().createTables(['accounts', 'user_scores']);
    tables = { accounts: names.accounts, scores: names.user_scores };
    sources = dynamoUsernameSources(client, tables, BY);
  });

  const put = async (TableName: string, ...items: Record<string, unknown>[]) => {
    for (const item of items) await client.send(new PutItemCommand({ TableName, Item: marshall(item) }));
  };
  /** `rules#date`, with the first date on which the score changes by itself, or `rules#never`. */
  const aScoreOf = (user: string, changes: string, shard = 0) => {
    const [rules, date] = changes.split('#');
    const rulesVersion = rules?.includes('/') ? rules : `${rules}/a`;
    const nextChangeOn = date === 'never' ? null : date;
    return { pk: `USER#${user}`, sk: 'SCORE', scoreShard: `SHARD#${shard}`, rulesVersion, nextChangeOn };
  };
  const anAccount = (id: string) => ({ pk: `ACCOUNT#${id}`, sk: 'ACCOUNT', username: id, rev: 1 });
  const source = (name: string): UsernameSource =>
    [...sources.all, ...sources.stale].find((candidate) => candidate.name === name)!;
  /** All pages of all segments of a source, each from the cursor of the page before. */
  const pagesOf = async (name: string, date = DATE) => {
    const pages: (readonly AccountId[])[] = [];
    const { segments, page } = source(name);
    for (let segment = 0; segment < segments; segment += 1) {
      for (let position: string | null = null, isFirst = true; isFirst || position !== null; isFirst = false) {
        const { usernames, next } = await page(segment, position, date);
        pages.push(usernames);
        position = next;
      }
    }
    return pages;
  };
  const found = async (name: string, date = DATE) => [...new Set((await pagesOf(name, date)).flat())].toSorted();
  /** Waits until the index shows the items, because it lags behind the table. */
  const indexed = (name: string, users: readonly string[], date = DATE) =>
    expect.poll(() => found(name, date), { timeout: 600_000 }).toEqual(users.toSorted());

  it('is not found in empty tables', async () => {
    for (const { name } of [...sources.all, ...sources.stale]) expect(await found(name)).toEqual([]);
  });

  it('is found among the accounts, by the id, until it is erased', async () => {
    const users = ['a', '4f6d0e2a-7f0c-4c3c-9d57-1f0a5c1d2e3b', 'u'.repeat(64)];
    for (const user of users) await put(tables.accounts, anAccount(user));
    await put(tables.accounts, { ...anAccount('merged'), mergedInto: 'a' });
    await put(tables.accounts, { ...anAccount('erased'), erasedAt: `${DATE}T12:00:00.000Z` });
    await put(tables.accounts, { pk: 'NAME#b', sk: 'b', account: 'a' }, { pk: 'CHANGED', sk: `${DATE}#c` });

    expect(await found('accounts')).toEqual([...users, 'merged'].toSorted());
  });

  it('is found in the scores, whatever its rules and date', async () => {
    const users = ['a', 'b', 'c', 'd'];
    const changes = ['1#never', '1#2026-08-20', '0#never', '2#2026-08-22'];
    await put(tables.scores, ...users.map((user, shard) => aScoreOf(user, changes[shard]!, shard)));
    await put(tables.scores, { pk: 'USER#unscored', sk: 'METRICS' }, { pk: 'USER#unscored', sk: 'DAY#2026-08-20' });

    await indexed('scores', users);
  });

  it('is stale if its rules are not current, or if its date of change has come', async () => {
    const stale = ['0#never', '10#never', '2#2026-08-22', '1#2026-08-20', '1#2026-08-21'];
    const current = ['1#2026-08-22', '1#never'];
    const user = (changes: string) => `u-${changes.replace('#', '-')}`;
    const all = [...stale, ...current];
    await put(tables.scores, ...all.map((changes, n) => aScoreOf(user(changes), changes, n)));

    await indexed('scores', all.map(user));
    await indexed('stale-scores', stale.map(user));
    await indexed('stale-scores', [...stale, '1#2026-08-22'].map(user), '2026-08-22');
  });

  it('is found over several pages, including pages without names', async () => {
    for (let n = 0; n < 12; n += 1) {
      await put(tables.accounts, { pk: 'NAME#u', sk: `u-${10 + n}`, padding: QUARTER_PAGE });
      await put(tables.accounts, { ...anAccount(`u-${10 + n}`), padding: n < 6 ? QUARTER_PAGE : '' });
    }

    const pages = await pagesOf('accounts');
    expect(pages.length).toBeGreaterThan(source('accounts').segments);
    expect(pages.flat().toSorted()).toEqual(Array.from({ length: 12 }, (_, n) => `u-${10 + n}`));
  });

  it('is found over several pages of an index, each name once', async () => {
    const users = Array.from({ length: 1_100 }, (_, n) => aUsername(`u-${1_000 + n}`)); // a page reads 1,000 items
    const requests = users.map((user) => ({ PutRequest: { Item: marshall(aScoreOf(user, '1#2026-08-01', 5)) } }));
    for (let from = 0; from < requests.length; from += 25) {
      const RequestItems = { [tables.scores]: requests.slice(from, from + 25) };
      const { UnprocessedItems } = await client.send(new BatchWriteItemCommand({ RequestItems }));
      expect(UnprocessedItems).toEqual({});
    }
    await indexed('scores', users);

    for (const name of ['scores', 'stale-scores']) {
      const pages = await pagesOf(name);
      expect(pages.flat().toSorted()).toEqual(users);
      expect(Math.max(...pages.map((page) => page.length))).toBeLessThanOrEqual(1_000);
    }
  });
});
