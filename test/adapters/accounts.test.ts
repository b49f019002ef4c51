import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeAll, expect, it } from 'vitest';
import { AccountId, erased, type Account, type Accounts } from '../../domain/identity/account.ts';
import { dynamoErasure } from '../../functions/adapters/dynamodb/erasure/account-erasure.ts';
import {
  dynamoAccounts,
  parseAccount,
  parseName,
  toAccountItem,
  toNameItem,
} from '../../functions/adapters/dynamodb/identity/accounts.ts';
import { aUsername, sha256 } from '../builders/identity.ts';
import { onBothEngines } from '../support/on-both-engines.ts';

const AT = '2026-08-21T12:00:00.000Z';
const LATER = '2026-11-19T12:00:00.000Z';
const pauses = { random: () => 0, sleep: async () => {} };

/** Each write was decided before the one ahead of it, as requests at the same time may. */
onBothEngines('names of accounts', (engine) => {
  let client: DynamoDBClient;
  let tables: Awaited<ReturnType<ReturnType<typeof engine>['createTables']>>;
  let store: Accounts;
  beforeAll(async () => {
    client = engine().client();
    tables = await engine().createTables();
    store = dynamoAccounts(client, tables.accounts, pauses, tables.user_scores);
  });

  async function anAccount(name: string): Promise<Account> {
    const id = AccountId.parse(`acc_${name}`);
    await store.create(new Map([[aUsername(name), id]]), AT);
    return (await store.load(id))!;
  }
  const named = (before: Account, name: string): Account => ({
    ...before,
    username: aUsername(name),
    formerNames: [{ name: before.username, heldUntil: LATER }],
    revision: before.revision + 1,
  });
  const holderOf = async (name: string) => (await store.holderOf(aUsername(name)))?.account;

  it('are given to one of two accounts that found them free', async () => {
    const [ada, bob] = [await anAccount('ada'), await anAccount('bob')];

    expect(await store.rename(ada, named(ada, 'wanted'), AT)).toBe('saved');
    expect(await store.rename(bob, named(bob, 'wanted'), AT)).toBe('stale');
    expect([await holderOf('wanted'), await holderOf('bob')]).toEqual([ada.id, bob.id]);
  });

  it('are all taken by an erasure: it starts again if the account was renamed meanwhile', async () => {
    const cleo = await anAccount('cleo');
    await store.rename(cleo, named(cleo, 'renamed'), AT);

    expect(await store.erase([{ before: cleo, after: erased(cleo, AT) }])).toBe('stale');
    const present = (await store.load(cleo.id))!;
    expect(await store.erase([{ before: present, after: erased(present, AT) }])).toBe('saved');
    expect([await holderOf('cleo'), await holderOf('renamed')]).toEqual([undefined, undefined]);
  });

  it('stay with the account that has them by now when the former one is erased', async () => {
    const [dan, eve] = [await anAccount('dan'), await anAccount('eve')];
    const rollups = tables.metric_rollup_hour;
    const of = { ...tables, grants: tables.score_grants, scores: tables.user_scores, rollups };
    const { steps } = dynamoErasure(client, of, { ...pauses, clock: () => Date.parse(AT), sha256 });
    const names = [dan.username, eve.username];
    await steps.find(({ name }) => name === 'names')!.page({ account: dan.id, names }, '');

    expect([await holderOf('dan'), await holderOf('eve')]).toEqual([undefined, eve.id]);
  });
});

it('a name that an earlier release gave, and that nobody may take now, is still read', () => {
  const [name, id] = [aUsername('acc_k3vq7m2xw5tn4hbz'), AccountId.parse('acc_ada')];
  const formerNames = [{ name, heldUntil: LATER }];
  const account: Account = { id, username: aUsername('ada'), formerNames, merged: [], revision: 2 };

  expect(parseName(toNameItem(name, id))).toEqual([name, { account: id }]);
  expect(parseAccount(toAccountItem(account))).toEqual([id, account]);
});
