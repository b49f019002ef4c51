import { describe, expect, it } from 'vitest';
import { grantView, type GrantsView } from '../../domain/grants/views.ts';
import { checkLedger } from '../../pages/check-ledger.ts';
import type { Get } from '../../pages/api.ts';
import { aLedger, anAward } from '../builders/grants.ts';

type Line = GrantsView['grants'][number];

/** A chain as the API gives it, newest first. */
const chain = (count: number): Line[] =>
  aLedger(...Array.from({ length: count }, (_, n) => anAward(`a${n + 1}`, n + 1)))
    .lines.map(grantView)
    .reverse();

/** Two lines a page. */
const serving =
  (lines: readonly Line[]): Get =>
  async ({ path }) => {
    const from = Number(new URL(path, 'http://x').searchParams.get('cursor') ?? 0);
    const next = from + 2 < lines.length ? { next: String(from + 2) } : {};
    return { ok: true, view: { accountId: 'ada', grants: lines.slice(from, from + 2), ...next } as never };
  };

const AFTER = 'a line after it is missing, or there twice';
const BEFORE = 'the lines before it are missing';

describe('checking a ledger in the browser', () => {
  it('computes all pages again, and finds nothing in a whole chain', async () => {
    expect(await checkLedger('Ada', serving(chain(5)))).toEqual({ lines: 5, sum: 15, faults: [] });
    expect(await checkLedger('Ada', serving([]))).toEqual({ lines: 0, sum: 0, faults: [] });
  });

  it.each(['reason', 'grantedBySalt'] as const)('names the line of which the %s was changed', async (field) => {
    const lines = chain(3).map((line) => (line.seq === 2 ? { ...line, [field]: '0'.repeat(32) } : line));
    const { faults } = await checkLedger('ada', serving(lines));

    const part = field === 'reason' ? 'reason' : 'grantedBy';
    expect(faults).toEqual([{ seq: 2, sentence: `its ${part} does not give its commitment: the text was changed` }]);
  });

  it('finds nothing in lines whose texts were erased', async () => {
    const erased = { reason: null, reasonSalt: null, grantedBy: null, grantedBySalt: null };
    const lines = chain(3).map((line) => ({ ...line, ...erased }));

    expect(await checkLedger('ada', serving(lines))).toEqual({ lines: 3, sum: 6, faults: [] });
  });

  it.each(['grantId', 'reasonCommitment', 'grantedAt', 'rulesVersion', 'amount', 'hash'] as const)(
    'names the line of which one character of the %s was flipped',
    async (field) => {
      const lines = chain(5).map((line) => {
        if (line.seq !== 3) return line;
        const text = String(line[field]);
        const flipped = `${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}`;
        return { ...line, [field]: field === 'amount' ? Number(flipped) : flipped };
      });

      const { faults } = await checkLedger('Ada', serving(lines));

      expect(faults).toContainEqual({ seq: 3, sentence: 'its text does not give its hash: the line was changed' });
    },
  );

  it.each([
    ['removed', (lines: Line[]) => lines.filter(({ seq }) => seq !== 3), AFTER],
    ['removed at the end of the past', (lines: Line[]) => lines.filter(({ seq }) => seq !== 1), BEFORE],
    ['there twice', (lines: Line[]) => lines.flatMap((line) => (line.seq === 2 ? [line, line] : [line])), AFTER],
  ])('names where a line was %s', async (_what, change, sentence) => {
    const { faults } = await checkLedger('Ada', serving(change(chain(5))));

    expect(faults).toContainEqual({ seq: 2, sentence });
  });

  it('reports that it cannot go on', async () => {
    const failing: Get = async () => ({ ok: false, status: 500, sentence: 'It failed.' });

    expect(await checkLedger('ada', failing)).toMatchObject({ failed: 'It failed.' });
  });
});
