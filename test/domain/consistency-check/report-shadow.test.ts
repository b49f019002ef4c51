import * as z from 'zod/mini';
import { expect, it } from 'vitest';
import { grantPoints } from '../../../domain/grants/grant-points.ts';
import { reportShadow, type ShadowDeps } from '../../../domain/consistency-check/report-shadow.ts';
import { emptyReport, together } from '../../../domain/grants/shadow-report.ts';
import { anAward } from '../../builders/grants.ts';
import { aUsername } from '../../builders/identity.ts';
import { grantsOf, MemoryLedger } from '../../builders/memory-ledger.ts';

const users = ['ada', 'bob', 'cleo', 'dan'].map(aUsername);
const unparsable = () => z.object({ amount: z.int() }).parse({ amount: 'many' });

/** Users with a balance, two a page. */
async function depsOf(change: (ledger: MemoryLedger) => Partial<MemoryLedger> = () => ({})): Promise<ShadowDeps> {
  const ledger = new MemoryLedger();
  const grants = grantsOf(ledger);
  await grantPoints(
    grants,
    users.map((account) => anAward(`for-${account}`, 10, { username: account })),
  );
  const none = { name: 'scores', isOfScores: true, parts: async () => 1 };
  const balances = { ...none, name: 'balances', isOfScores: false };
  return {
    ...grants,
    lines: Object.assign(Object.create(ledger), change(ledger)),
    scores: { load: async () => ({ metrics: null, score: null, isHidden: false }) },
    registry: { findVersion: async () => undefined },
    clock: () => 0,
    places: [
      { ...none, page: async () => ({ usernames: [], next: null }) },
      {
        ...balances,
        async page(_part, position) {
          const from = Number(position);
          return { usernames: users.slice(from, from + 2), next: from + 2 < users.length ? `${from + 2}` : null };
        },
      },
    ],
  };
}
async function report(change?: (ledger: MemoryLedger) => Partial<MemoryLedger>) {
  const found = await reportShadow(await depsOf(change), {}, () => true);
  if (!found.ok) throw new Error(found.error);
  return found.value;
}

it('the shadow report names users with an unreadable ledger, and continues with the others', async () => {
  const found = await report((ledger) => ({
    allOf: async (account) => {
      const fault = { seq: 1, code: 'unreadable_line', error: 'line 1 cannot be read: amount' } as const;
      return account === 'bob' ? { lines: [], faults: [fault] } : ledger.allOf(account);
    },
    balanceOf: async (username) => (username === 'cleo' ? unparsable() : ledger.balanceOf(username)) as never,
  }));

  expect(found).toMatchObject({ users: 4, ok: false, flagged: [] });
  expect(found.unreadable).toEqual([
    { username: 'bob', error: 'line 1 cannot be read: amount' },
    { username: 'cleo', error: 'the balance cannot be read: amount' },
  ]);
  expect(found.sources.find(({ source }) => source === 'award')).toMatchObject({ grants: 20 }); // ada's and dan's
});

it('the shadow report fails if the store does not answer', async () => {
  await expect(
    report(() => ({
      allOf: async () => {
        throw new Error('the store does not answer');
      },
    })),
  ).rejects.toThrow('does not answer');
});

it('the shadow report ends when its time is up, and continues to the same result', async () => {
  const deps = await depsOf();
  let whole = emptyReport;
  let invocations = 0;
  do {
    const part = await reportShadow(deps, whole.next === null ? {} : { from: whole.next }, () => false);
    if (!part.ok) throw new Error(part.error);
    whole = together(whole, part.value);
    invocations += 1;
  } while (whole.next !== null);

  expect(invocations).toBe(3); // no scores, and two pages of balances
  expect(whole).toEqual(await report());
  expect(whole).toMatchObject({ users: 4, ok: true });
});

it.each([
  [{ from: 'elsewhere' }, 'from: expected the next of an earlier answer'],
  [{ from: 7 }, 'from: expected the next of an earlier answer'],
  [{ usernames: ['ada'] }, 'usernames: unknown field'],
])('the shadow report refuses the event %j', async (event, error) => {
  expect(await reportShadow(await depsOf(), event, () => true)).toEqual({ ok: false, error });
});
