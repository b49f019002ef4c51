import { describe, expect, it } from 'vitest';
import { emptyBalance } from '../../../domain/grants/balance.ts';
import { reversalOf, type GrantLine, type GrantRequest } from '../../../domain/grants/grant.ts';
import { lineText } from '../../../domain/grants/line-hash.ts';
import { aBadge, aFeedPost, aLedger, anAward, AT, decide } from '../../builders/grants.ts';
import { aUsername, sha256 } from '../../builders/identity.ts';

const reverse = (line: GrantLine): GrantRequest => reversalOf(line, { reason: 'a mistake', grantedBy: 'team', at: AT });

describe('deciding grants', () => {
  it('numbers lines without gaps and carries the balance and the chain through them', () => {
    const { lines, balance, outcomes } = aLedger(anAward('a1', 50), aBadge('b1', 5), aFeedPost('p1'));

    expect(outcomes.map(({ kind }) => kind)).toEqual(['granted', 'granted', 'granted']);
    expect(lines.map(({ seq, balanceAfter }) => [seq, balanceAfter])).toEqual([
      [1, 50],
      [2, 55],
      [3, 155],
    ]);
    expect(lines.map(({ previousHash }) => previousHash)).toEqual([null, lines[0]!.hash, lines[1]!.hash]);
    expect(balance).toEqual({
      seq: 3,
      totalScore: 155,
      categoryTotals: new Map([
        ['award', 55],
        ['content', 100],
      ]),
      sourceTotals: new Map([
        ['award', 50],
        ['badge', 5],
        ['feed', 100],
      ]),
      head: lines[2]!.hash,
      contributions: 3,
      publishPoints: 0,
    });
  });

  it('continues from the current balance', () => {
    const first = aLedger(anAward('a1', 50));
    const second = decide(first.balance, [anAward('a2', 7)]);

    expect(second.lines[0]).toMatchObject({ seq: 2, balanceAfter: 57, previousHash: first.balance.head });
  });

  it.each<[string, GrantRequest, 'duplicate' | 'conflict']>([
    ['the same grant again is a duplicate', anAward('a1', 50), 'duplicate'],
    ['another reason changes nothing', anAward('a1', 50, { reason: 'another', grantedBy: 'me' }), 'duplicate'],
    ['another time changes nothing', anAward('a1', 50, { grantedAt: '2026-08-23T00:00:00.000Z' }), 'duplicate'],
    ['another amount is a conflict', anAward('a1', 51), 'conflict'],
    ['another user is a conflict', anAward('a1', 50, { username: aUsername('bob') }), 'conflict'],
    ['another key is a conflict', anAward('a1', 50, { key: 'award:other' }), 'conflict'],
  ])('of an existing id: %s, and the first one is kept', (_rule, request, kind) => {
    const { lines: first, balance } = aLedger(anAward('a1', 50));
    const { lines, balance: after, outcomes } = decide(balance, [request], first);

    expect(outcomes).toEqual([{ kind, line: first[0] }]);
    expect(lines).toEqual([]);
    expect(after).toEqual(balance);
  });

  it('takes the first of two grants with one id in one request', () => {
    const { lines, outcomes } = decide(emptyBalance, [anAward('a1', 1), anAward('a1', 2), anAward('a1', 1)]);

    expect(lines).toHaveLength(1);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['granted', 'conflict', 'duplicate']);
  });

  it('reverses with a new line: key, category and source of the grant, minus its amount', () => {
    const { lines, balance } = aLedger(anAward('a1', 50), aBadge('b1', 0));
    const reversed = decide(balance, lines.map(reverse));

    expect(reversed.lines).toMatchObject([
      { grantId: 'reversal:award:a1', key: 'award:a1', category: 'award', source: 'award', amount: -50 },
      { grantId: 'reversal:badge:b1:ada', key: 'award:badge:b1', category: 'award', source: 'badge', amount: 0 },
    ]);
    expect(reversed.lines.map(({ reason }) => reason)).toEqual(['a mistake', 'a mistake']);
    expect(reversed.balance).toMatchObject({ seq: 4, totalScore: 0, contributions: 2 });
    expect(Object.is(reversed.lines[1]!.amount, 0)).toBe(true);
  });

  it('does not raise the remaining cap of publishes after a reversal', () => {
    const publish = { ...aFeedPost(), grantId: 'publish:tool@2026.01.01.1:ada', amount: 500 };
    const { lines, balance } = aLedger(publish);
    expect(balance).toMatchObject({ publishPoints: 500, contributions: 0 });

    expect(decide(balance, lines.map(reverse)).balance).toMatchObject({ publishPoints: 500, totalScore: 0 });
  });
});

describe("a line's hash", () => {
  it('is the SHA-256 of a text that anyone can write', () => {
    const [line] = aLedger(anAward('a1', 50, { reason: 'für "Mühe"' })).lines;

    expect(lineText(line!)).toBe(
      '["award:a1","ada","award:a1","award","award",50,"2026-08-21T12:00:00.000Z","für \\"Mühe\\"","team",1,50,"1",null]',
    );
    expect(line!.hash).toBe(sha256(lineText(line!)));
  });

  it.each<[keyof GrantLine, unknown]>([
    ['grantId', 'award:a2'],
    ['username', 'bob'],
    ['key', 'award:a2'],
    ['category', 'content'],
    ['source', 'badge'],
    ['amount', 51],
    ['grantedAt', '2026-08-21T12:00:00.001Z'],
    ['reason', 'because'],
    ['grantedBy', 'me'],
    ['seq', 2],
    ['balanceAfter', 51],
    ['rulesVersion', '2'],
    ['previousHash', 'f'.repeat(64)],
  ])('covers %s', (field, value) => {
    const [line] = aLedger(anAward('a1', 50)).lines;

    expect(lineText({ ...line!, [field]: value })).not.toBe(lineText(line!));
  });
});
