import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyBalance } from '../../../domain/grants/balance.ts';
import { reversalOf, type GrantLine, type GrantRequest } from '../../../domain/grants/grant.ts';
import { GrantedBy, Reason } from '../../../domain/grants/grant-schemas.ts';
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
      moved: new Map(),
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
  const [line] = aLedger(anAward('a1', 50, { reason: 'für "Mühe"' })).lines;

  it('is the SHA-256 of a text that anyone can write, with commitments instead of texts', () => {
    const { reasonCommitment, grantedByCommitment } = line!;

    expect(lineText(line!)).toBe(
      `laurel ledger line 2\n["ada","award:a1","award:a1","award","award",50,"2026-08-21T12:00:00.000Z",` +
        `"${reasonCommitment}","${grantedByCommitment}",1,50,"1",null]`,
    );
    expect(line!.hash).toBe(sha256(lineText(line!)));
    expect(lineText(line!)).not.toMatch(/Mühe|team/u);
  });

  it.each<[keyof GrantLine, unknown]>([
    ['grantId', 'award:a2'],
    ['username', 'bob'],
    ['key', 'award:a2'],
    ['category', 'content'],
    ['source', 'badge'],
    ['amount', 51],
    ['grantedAt', '2026-08-21T12:00:00.001Z'],
    ['reasonCommitment', 'e'.repeat(64)],
    ['grantedByCommitment', undefined],
    ['seq', 2],
    ['balanceAfter', 51],
    ['rulesVersion', '2'],
    ['previousHash', 'f'.repeat(64)],
  ])('covers %s', (field, value) => {
    expect(lineText({ ...line!, [field]: value })).not.toBe(lineText(line!));
  });

  it('commits to each text with a salt of its own, the same in each try of a write', () => {
    const twice = [anAward('a1', 50, { reason: 'team' }), anAward('a2', 50, { reason: 'team' })];
    const { lines } = aLedger(...twice);
    const salts = lines.flatMap(({ reasonSalt, grantedBySalt }) => [reasonSalt!, grantedBySalt!]);

    expect(new Set(salts).size).toBe(4);
    for (const salt of salts) expect(salt).toMatch(/^[0-9a-f]{32}$/u);
    expect(lines[0]!.reasonCommitment).toBe(
      sha256(Buffer.concat([Buffer.from(salts[0]!, 'hex'), Buffer.from('team')])),
    );
    expect(aLedger(...twice).lines).toEqual(lines);
    expect(decide(emptyBalance, twice, [], 'another seed').lines[0]!.reasonSalt).not.toBe(salts[0]);
    expect(aLedger({ ...aFeedPost(), grantedBy: undefined } as never).lines[0]).not.toHaveProperty('grantedBySalt');
  });
});

/** In the order of the text. */
const FIELDS = [
  ...(['username', 'grantId', 'key', 'category', 'source', 'amount', 'grantedAt', 'reasonCommitment'] as const),
  ...(['grantedByCommitment', 'seq', 'balanceAfter', 'rulesVersion', 'previousHash'] as const),
];

describe('the texts that are hashed', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('', 'null', '"', '","', '\\', ']', '\n', '\ud800'),
  );
  const whole = fc.oneof(fc.integer(), fc.constantFrom(0, 1, 12, 2));
  const orNone = fc.option(text, { nil: null });
  const aLine = fc.record({
    ...{ username: text, grantId: text, key: text, category: text, source: text, amount: whole, grantedAt: text },
    ...{ reasonCommitment: orNone, grantedByCommitment: orNone, seq: whole, balanceAfter: whole, rulesVersion: text },
    previousHash: orNone,
  });

  it('are read in one way: two lines never have the same', () => {
    fc.assert(
      fc.property(aLine, aLine, fc.subarray([...FIELDS]), (one, another, same) => {
        const near = { ...another, ...Object.fromEntries(same.map((field) => [field, one[field]])) };
        const isSame = FIELDS.every((field) => one[field] === near[field]);
        expect(lineText(one as never) === lineText(near as never)).toBe(isSame);
        const [header, array] = [lineText(one).slice(0, 21), lineText(one).slice(21)];
        expect(header).toBe('laurel ledger line 2\n');
        expect(JSON.parse(array)).toEqual(FIELDS.map((field) => one[field]));
      }),
    );
  });

  it('are never those of a commitment: no text of a grant has a line break after its salt', () => {
    fc.assert(
      fc.property(aLine, (line) => {
        const text = Buffer.from(lineText(line as never))
          .subarray(16)
          .toString();
        expect([Reason.safeParse(text).success, GrantedBy.safeParse(text).success]).toEqual([false, false]);
        expect(text.slice(0, 10)).toContain('\n');
      }),
    );
  });
});
