import { expect, it } from 'vitest';
import { grantPoints } from '../../../domain/grants/grant-points.ts';
import { anAward } from '../../builders/grants.ts';
import { grantsOf, MemoryLedger } from '../../builders/memory-ledger.ts';

it('a grant that was written before a "decide again" is answered as granted, once', async () => {
  const ledger = new MemoryLedger();
  const deps = grantsOf(ledger);
  const deaf = {
    balanceOf: ledger.balanceOf,
    find: ledger.find,
    append: async (...given: Parameters<MemoryLedger['append']>) => {
      await ledger.append(...given);
      return 'stale' as const;
    },
  };

  const [outcome] = await grantPoints({ ...deps, ledger: deaf }, [anAward('a1', 5)]);

  expect(outcome?.kind).toBe('granted');
  expect(ledger.grants.size).toBe(1);
  expect((await grantPoints(deps, [anAward('a1', 5)]))[0]?.kind).toBe('duplicate');
});

it('a grant whose balance another writer changed is decided again on the new balance', async () => {
  const ledger = new MemoryLedger();
  const deps = grantsOf(ledger);
  let isFirst = true;
  const raced = {
    balanceOf: ledger.balanceOf,
    find: ledger.find,
    append: async (...given: Parameters<MemoryLedger['append']>) => {
      if (isFirst) await grantPoints(deps, [anAward('other', 7)]);
      isFirst = false;
      return ledger.append(...given);
    },
  };

  await grantPoints({ ...deps, ledger: raced }, [anAward('a1', 5)]);

  expect([...ledger.grants.values()].map(({ line }) => [line.seq, line.balanceAfter])).toEqual([
    [1, 7],
    [2, 12],
  ]);
});
