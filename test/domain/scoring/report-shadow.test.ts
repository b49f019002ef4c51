import * as z from 'zod/mini';
import { expect, it } from 'vitest';
import { grantPoints } from '../../../domain/grants/grant-points.ts';
import { reportShadow } from '../../../domain/scoring/report-shadow.ts';
import { anAward } from '../../builders/grants.ts';
import { aUsername } from '../../builders/identity.ts';
import { grantsOf, MemoryLedger } from '../../builders/memory-ledger.ts';

const users = ['ada', 'bob', 'cleo', 'dan'].map(aUsername);
const unparsable = () => z.object({ amount: z.int() }).parse({ amount: 'many' });

async function report(change: (ledger: MemoryLedger) => Partial<MemoryLedger>) {
  const ledger = new MemoryLedger();
  const grants = grantsOf(ledger);
  await grantPoints(
    grants,
    users.map((account) => anAward(`for-${account}`, 10, { username: account })),
  );
  const deps = {
    ...grants,
    lines: Object.assign(Object.create(ledger), change(ledger)),
    scores: { load: async () => ({ metrics: null, score: null, isHidden: false }) },
    registry: { findVersion: async () => undefined },
    scored: async function* () {},
    granted: async function* () {
      yield users;
    },
  };
  return reportShadow(deps);
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
