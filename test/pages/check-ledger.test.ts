import { describe, expect, it } from 'vitest';
import { lineText } from '../../domain/grants/line-hash.ts';
import type { GrantsView } from '../../domain/grants/views.ts';
import { checkLedger } from '../../pages/check-ledger.ts';
import type { Get } from '../../pages/api.ts';
import { sha256 } from '../builders/identity.ts';

type Line = GrantsView['grants'][number];

/** A chain as the API gives it, newest first. */
function chain(count: number): Line[] {
  const lines: Line[] = [];
  for (let seq = 1; seq <= count; seq += 1) {
    const before = lines.at(-1);
    const line = {
      grantId: `award:a${seq}`,
      key: `award:a${seq}`,
      category: 'award',
      source: 'award',
      amount: seq,
      reason: `For ${seq}`,
      grantedAt: '2026-08-21T09:30:00.000Z',
      seq,
      balanceAfter: (before?.balanceAfter ?? 0) + seq,
      rulesVersion: '1',
      previousHash: before?.hash ?? null,
    };
    lines.push({ ...line, hash: sha256(lineText({ ...line, username: 'ada' })) });
  }
  return lines.reverse();
}

/** Two lines a page. */
const serving =
  (lines: readonly Line[]): Get =>
  async ({ path }) => {
    const from = Number(new URL(path, 'http://x').searchParams.get('cursor') ?? 0);
    const next = from + 2 < lines.length ? { next: String(from + 2) } : {};
    return { ok: true, view: { grants: lines.slice(from, from + 2), ...next } as never };
  };

describe('checking a ledger in the browser', () => {
  it('computes all pages again, and finds nothing in a whole chain', async () => {
    expect(await checkLedger('ada', serving(chain(5)))).toEqual({ lines: 5, sum: 15, faults: [] });
    expect(await checkLedger('ada', serving([]))).toEqual({ lines: 0, sum: 0, faults: [] });
  });

  it.each(['grantId', 'reason', 'grantedAt', 'rulesVersion', 'amount', 'hash'] as const)(
    'names the line of which one character of the %s was flipped',
    async (field) => {
      const lines = chain(5).map((line) => {
        if (line.seq !== 3) return line;
        const text = String(line[field]);
        const flipped = `${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}`;
        return { ...line, [field]: field === 'amount' ? Number(flipped) : flipped };
      });

      const { faults } = await checkLedger('ada', serving(lines));

      expect(faults).toContainEqual({ seq: 3, sentence: 'its text does not give its hash: the line was changed' });
    },
  );

  it.each([
    ['removed', (lines: Line[]) => lines.filter(({ seq }) => seq !== 3), 2],
    ['removed at the end of the past', (lines: Line[]) => lines.filter(({ seq }) => seq !== 1), 2],
    ['there twice', (lines: Line[]) => lines.flatMap((line) => (line.seq === 3 ? [line, line] : [line])), 3],
  ])('names where a line was %s', async (_what, change, seq) => {
    const { faults } = await checkLedger('ada', serving(change(chain(5))));

    expect(faults.map((fault) => fault.seq)).toContain(seq);
  });

  it('says when it cannot go on', async () => {
    const failing: Get = async () => ({ ok: false, status: 500, sentence: 'It failed.' });

    expect(await checkLedger('ada', failing)).toMatchObject({ failed: 'It failed.' });
  });
});
