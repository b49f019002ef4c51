import { describe, expect, it } from 'vitest';
import { auditOf, linesToAudit, MAX_AUDITED } from '../../../domain/grants/audit.ts';
import { emptyBalance, type Balance } from '../../../domain/grants/balance.ts';
import { reversalOf, type GrantLine } from '../../../domain/grants/grant.ts';
import { hashOfLine } from '../../../domain/grants/line-hash.ts';
import { aBadge, aFeedPost, aLedger, anAward, AT, decide } from '../../builders/grants.ts';
import { sha256 } from '../../builders/identity.ts';

const first = aLedger(anAward('a1', 50), aBadge('b1', 5), aFeedPost('p1'), anAward('a2', 7), anAward('a3', 9));
const reversal = reversalOf(first.lines[0]!, { reason: 'a mistake', grantedBy: 'team', at: AT });
const second = decide(first.balance, [reversal]);
const lines = [...first.lines, ...second.lines];
const { balance } = second;

const audit = (read: readonly GrantLine[], stored: Balance = balance) =>
  auditOf('ada', { balance: stored, lines: read, faults: [] }, sha256);
const change = (index: number, by: Partial<GrantLine>) =>
  lines.map((line, n) => (n === index ? { ...line, ...by } : line));
const codesOf = (read: readonly GrantLine[], stored?: Balance) =>
  new Set(audit(read, stored).problems.map(({ code }) => code));

describe('an audit', () => {
  it('proves a balance from its lines', () => {
    expect(audit(lines)).toEqual({
      username: 'ada',
      grants: 6,
      sum: 121,
      balance: 121,
      categoryTotals: { award: 21, content: 100 },
      sourceTotals: { award: 16, badge: 5, feed: 100 },
      chainHead: lines[5]!.hash,
      ok: true,
      problems: [],
    });
    expect(audit([], emptyBalance)).toMatchObject({ grants: 0, sum: 0, balance: 0, chainHead: null, ok: true });
  });

  it('finds a changed amount and its line', () => {
    const { ok, sum, problems } = audit(change(1, { amount: 500 }));

    expect([ok, sum]).toEqual([false, 616]);
    expect(problems).toContainEqual(expect.objectContaining({ code: 'changed_line', seq: 2 }));
    expect(problems).toContainEqual(expect.objectContaining({ code: 'wrong_balance_after', seq: 2 }));
    expect(problems).toContainEqual(expect.objectContaining({ code: 'wrong_balance' }));
  });

  it('finds a changed line with a new hash through the next line', () => {
    const { hash: _, ...forged } = { ...lines[1]!, rulesVersion: '2' };
    const { problems } = audit(change(1, { ...forged, hash: hashOfLine(forged, sha256) }));

    expect(problems).toEqual([expect.objectContaining({ code: 'broken_chain', seq: 3 })]);
  });

  it('finds a changed text and a changed salt, although the hash covers neither', () => {
    for (const by of [{ reason: 'another' }, { reasonSalt: '0'.repeat(32) }, { reasonSalt: 'none' }])
      expect(audit(change(0, by)).problems).toEqual([
        { code: 'changed_text', seq: 1, error: 'line 1: reason is not the text that its commitment was made of' },
      ]);
    const { grantedBy: _, ...halfErased } = lines[0]!;
    expect([...codesOf([halfErased, ...lines.slice(1)])]).toEqual(['changed_text']);
    expect([...codesOf(change(2, { reason: 'a text that nobody committed to' }))]).toEqual(['changed_text']);
  });

  it('proves lines whose texts were erased with their salts', () => {
    const erased = lines.map(({ reason: _, reasonSalt: _1, grantedBy: _2, grantedBySalt: _3, ...line }) => line);

    expect(audit(erased)).toEqual(audit(lines));
    expect([...codesOf(erased.map((line) => ({ ...line, reasonCommitment: 'f'.repeat(64) })))]).toContain(
      'changed_line',
    );
  });

  it('finds a changed newest line with a new hash through the head of the chain', () => {
    const { hash: _, ...forged } = { ...lines[5]!, rulesVersion: '2' };

    expect([...codesOf(change(5, { ...forged, hash: hashOfLine(forged, sha256) }))]).toEqual(['wrong_chain_head']);
  });

  it.each<[string, readonly GrantLine[], object]>([
    ['the first line', lines.slice(1), { code: 'missing_line', seq: 1 }],
    ['a line in the middle', lines.toSpliced(2, 1), { code: 'missing_line', seq: 3 }],
    ['several lines', lines.toSpliced(1, 3), { code: 'missing_line', seq: 2 }],
    ['the newest line', lines.slice(0, -1), { code: 'wrong_line_count' }],
  ])('finds that %s is missing', (_what, read, problem) => {
    const { ok, problems } = audit(read);

    expect(ok).toBe(false);
    expect(problems).toContainEqual(expect.objectContaining(problem));
  });

  it('finds two lines in swapped order', () => {
    const swapped = [lines[0]!, { ...lines[2]!, seq: 2 }, { ...lines[1]!, seq: 3 }, ...lines.slice(3)];
    const { ok, problems } = audit(swapped);

    expect(ok).toBe(false);
    expect(problems).toContainEqual(expect.objectContaining({ code: 'changed_line', seq: 2 }));
    expect(problems).toContainEqual(expect.objectContaining({ code: 'broken_chain', seq: 3 }));
  });

  it('finds a repeated seq', () => {
    expect(audit(lines.toSpliced(2, 0, lines[1]!)).problems).toContainEqual(
      expect.objectContaining({ code: 'repeated_seq', seq: 2 }),
    );
  });

  it.each<[string, Partial<Balance>, string[]]>([
    ['total', { totalScore: 120 }, ['wrong_balance']],
    ['category total', { categoryTotals: new Map([['award', 21]]) }, ['wrong_category_total']],
    ['source total', { sourceTotals: new Map([...balance.sourceTotals, ['gift', 1]]) }, ['wrong_source_total']],
    ['number of lines', { seq: 7 }, ['wrong_line_count']],
    ['head', { head: 'f'.repeat(64) }, ['wrong_chain_head']],
    ['count of contributions', { contributions: 4 }, ['wrong_counts']],
    ['points of publishes', { publishPoints: 500 }, ['wrong_counts']],
  ])('finds a wrong %s in the balance', (_what, wrong, codes) => {
    expect([...codesOf(lines, { ...balance, ...wrong })]).toEqual(codes);
  });

  it('proves every field of the balance', () => {
    const wrongOf = (value: unknown) => {
      if (value instanceof Map) return new Map([...value, ['gift', 1]]);
      return typeof value === 'number' ? value + 1 : 'f'.repeat(64);
    };
    const isUnproven = ([name, value]: [string, unknown]) => audit(lines, { ...balance, [name]: wrongOf(value) }).ok;

    expect(Object.entries(balance).filter(isUnproven)).toEqual([]);
  });

  it('reports a line that cannot be read, and accepts the lines after it', () => {
    const fault = { seq: 3, code: 'unreadable_line', error: 'line 3 cannot be read: amount' } as const;
    const found = auditOf('ada', { balance, lines: lines.toSpliced(2, 1), faults: [fault] }, sha256).problems;

    expect(found).toContainEqual(fault);
    expect(found.filter(({ seq }) => seq !== undefined)).toEqual([fault]); // none of the other lines is reported
  });

  it('reports a line with a wrong hour in its key, even if the sums are right', () => {
    const fault = { seq: 3, code: 'misplaced_line', error: 'line 3 is not found in its hour' } as const;

    expect(auditOf('ada', { balance, lines, faults: [fault] }, sha256)).toMatchObject({ ok: false, problems: [fault] });
  });

  it('of very many lines has several parts, each of which continues the one before', () => {
    const of = (n: number) => anAward(`n${n}`, 1);
    const all = aLedger(...Array.from({ length: MAX_AUDITED + 2 }, (_, n) => of(n)));
    const part = (from: number, stored = all.lines) => {
      const { after, limit } = linesToAudit(from);
      const read = stored.filter(({ seq }) => seq > after).slice(0, limit);
      return auditOf('ada', { balance: all.balance, lines: read, faults: [] }, sha256, from);
    };
    const [first, second] = [part(1), part(MAX_AUDITED + 1)];

    expect(first).toMatchObject({ grants: MAX_AUDITED, ok: true, next: MAX_AUDITED + 1 });
    expect(second).toMatchObject({ grants: 2, sum: 2, ok: true, chainHead: all.balance.head });
    expect(second).not.toHaveProperty('next');
    const without = all.lines.toSpliced(MAX_AUDITED, 1);
    expect(part(MAX_AUDITED + 1, without).problems).toMatchObject([
      { code: 'missing_line' },
      { code: 'broken_chain' },
      {},
    ]);
    expect(part(MAX_AUDITED + 1, all.lines.slice(0, -1)).problems.map(({ code }) => code)).toEqual([
      'wrong_line_count',
      'wrong_balance',
      'wrong_chain_head',
    ]);
  });

  it('lists a hundred problems at most', () => {
    const many = aLedger(...Array.from({ length: 200 }, (_, n) => anAward(`m${n}`, 5)));
    const broken = many.lines.map((line) => ({ ...line, amount: 6 }));

    expect(audit(broken, many.balance).problems).toHaveLength(100);
  });
});
