import * as z from 'zod/mini';
import type { Sha256OfBytes } from '../shared/environment.ts';
import { applyLine, emptyBalance, type Balance } from './balance.ts';
import { wrongTextsOf } from './commitment.ts';
import type { GrantLine } from './grant.ts';
import type { LineFault, LinesAfter } from './grant-ledger.port.ts';
import { hashOfLine } from './line-hash.ts';
import { MAX_UNITS_OF_LINES, type LedgerRead } from './read-lines.ts';

const Points = z.int();
const PointsByName = z.record(z.string(), Points);

export const AuditProblem = z.object({
  code: z.enum([
    'unreadable_line',
    'misplaced_line',
    'missing_line',
    'repeated_seq',
    'changed_line',
    'changed_text',
    'broken_chain',
    'wrong_balance_after',
    'wrong_line_count',
    'wrong_balance',
    'wrong_category_total',
    'wrong_source_total',
    'wrong_chain_head',
    'wrong_counts',
  ]),
  /** The line that it is about, if it is about one. */
  seq: z.optional(z.int()),
  error: z.string(),
});
export type AuditProblem = z.infer<typeof AuditProblem>;

export const AuditView = z.object({
  username: z.string(),
  /** How many lines were read. */
  grants: z.int().check(z.nonnegative()),
  /** The sum of their amounts. */
  sum: Points,
  /** The running total as it is stored. */
  balance: Points,
  /** From the lines. */
  categoryTotals: PointsByName,
  sourceTotals: PointsByName,
  /** The hash of the newest line, computed now; null without lines. */
  chainHead: z.nullable(z.string()),
  ok: z.boolean(),
  /** The first hundred problems. */
  problems: z.array(AuditProblem),
  /** The `from` to go on with, if more lines follow. The balance is compared with the totals after the last line. */
  next: z.optional(z.int().check(z.positive())),
});
export type AuditView = z.infer<typeof AuditView>;

const MAX_PROBLEMS = 100;

/** The lines that one audit proves: fewer if they cost more read units than an answer may. */
export const MAX_AUDITED = 2_000;

/** The lines to read for an audit from a seq on. The line before is one of them, because the chain continues from it. */
export const linesToAudit = (from: number): LinesAfter => ({
  ...(from <= 1 ? { after: 0, limit: MAX_AUDITED } : { after: from - 2, limit: MAX_AUDITED + 1 }),
  maxUnits: MAX_UNITS_OF_LINES,
});

/**
 * Proves a balance from its lines, which come in the order of seq: sums, totals, seq without gaps, and the hash chain.
 * An audit from a later seq on takes the lines before it as they are.
 */
export function auditOf(
  username: string,
  { balance, lines: read, faults, isCut: isDear = false }: LedgerRead,
  sha256: Sha256OfBytes,
  from = 1,
): AuditView {
  const lines = read.filter(({ seq }) => seq >= from);
  const start = from > 1 ? read.find(({ seq }) => seq === from - 1) : FIRST;
  const last = lines.at(-1);
  const chainHead = last === undefined ? null : hashOfLine(last, sha256);
  const proven = { ...lines.reduce(applyLine, emptyBalance), head: chainHead };
  const readTo = Math.max(last?.seq ?? 0, faults.at(-1)?.seq ?? 0);
  const isCut = (isDear || lines.length + faults.length >= MAX_AUDITED) && readTo < balance.seq;
  const next = isCut ? readTo + 1 : undefined;
  const problems = [
    ...problemsOfLines({ start, from, lines, faults }, sha256),
    ...(from === 1 && next === undefined ? problemsOfBalance(balance, proven) : []),
    ...(from > 1 && next === undefined ? problemsOfEnd(balance, last) : []),
  ];
  return {
    username,
    grants: lines.length,
    sum: proven.totalScore,
    balance: balance.totalScore,
    categoryTotals: Object.fromEntries(proven.categoryTotals),
    sourceTotals: Object.fromEntries(proven.sourceTotals),
    chainHead,
    ok: problems.length === 0,
    problems: problems.slice(0, MAX_PROBLEMS),
    ...(next === undefined ? {} : { next }),
  };
}

type Link = { readonly seq: number; readonly balanceAfter: number; readonly hash: string | null };
const FIRST: Link = { seq: 0, balanceAfter: 0, hash: null };

function problemsOfLines(
  {
    start,
    from,
    lines,
    faults,
  }: {
    /** Undefined if the line before the first cannot be read. */
    readonly start: Link | undefined;
    readonly from: number;
    readonly lines: readonly GrantLine[];
    readonly faults: readonly LineFault[];
  },
  sha256: Sha256OfBytes,
): readonly AuditProblem[] {
  const problems: AuditProblem[] = faults
    .filter(({ seq }) => seq >= from)
    .map(({ seq, code, error }) => ({ code, seq, error }));
  const note = (code: AuditProblem['code'], seq: number, error: string) => problems.push({ code, seq, error });
  const unread = new Set(faults.flatMap(({ seq, code }) => (code === 'unreadable_line' ? [seq] : [])));
  let before: Link | { readonly seq: number } = start ?? { seq: from - 1 };
  for (const line of lines) {
    const { seq, amount, balanceAfter, previousHash, hash } = line;
    while (unread.has(before.seq + 1)) before = { seq: before.seq + 1 };
    const expected = before.seq + 1;
    if (seq > expected) {
      const range = seq - 1 === expected ? `line ${expected} is` : `lines ${expected} to ${seq - 1} are`;
      note('missing_line', expected, `${range} missing`);
    }
    if (seq < expected) note('repeated_seq', seq, `there are two lines ${seq}`);
    if (hashOfLine(line, sha256) !== hash)
      note('changed_line', seq, `line ${seq} is not the one that its hash was made of`);
    for (const part of wrongTextsOf(line, sha256))
      note('changed_text', seq, `line ${seq}: ${part} is not the text that its commitment was made of`);
    if ('hash' in before) {
      if (previousHash !== before.hash) note('broken_chain', seq, `line ${seq} does not follow the line before it`);
      const sum = before.balanceAfter + amount;
      if (sum !== balanceAfter) {
        note('wrong_balance_after', seq, `line ${seq} has ${balanceAfter} as the balance after it, and it is ${sum}`);
      }
    }
    before = { seq, balanceAfter, hash };
  }
  return problems;
}

const differs = (code: AuditProblem['code'], what: string, is: unknown, sum: unknown): readonly AuditProblem[] =>
  is === sum ? [] : [{ code, error: `${what}: the balance has ${String(is)}, the lines add up to ${String(sum)}` }];

/** Where the lines before were not read. */
const problemsOfEnd = (stored: Balance, last: GrantLine | undefined): readonly AuditProblem[] =>
  last === undefined
    ? []
    : [
        ...differs('wrong_line_count', 'lines', stored.seq, last.seq),
        ...differs('wrong_balance', 'totalScore', stored.totalScore, last.balanceAfter),
        ...differs('wrong_chain_head', 'chain head', stored.head, last.hash),
      ];

function problemsOfBalance(stored: Balance, proven: Balance): readonly AuditProblem[] {
  const totals = (
    code: AuditProblem['code'],
    what: string,
    is: ReadonlyMap<string, number>,
    sum: ReadonlyMap<string, number>,
  ) =>
    [...new Set([...is.keys(), ...sum.keys()])]
      .sort()
      .flatMap((name) => differs(code, `${what} ${name}`, is.get(name) ?? 0, sum.get(name) ?? 0));
  return [
    ...differs('wrong_line_count', 'lines', stored.seq, proven.seq),
    ...differs('wrong_balance', 'totalScore', stored.totalScore, proven.totalScore),
    ...totals('wrong_category_total', 'category', stored.categoryTotals, proven.categoryTotals),
    ...totals('wrong_source_total', 'source', stored.sourceTotals, proven.sourceTotals),
    ...differs('wrong_chain_head', 'chain head', stored.head, proven.head),
    ...totals('wrong_source_total', 'moved points of source', stored.moved, proven.moved),
    ...differs('wrong_counts', 'contributions', stored.contributions, proven.contributions),
    ...differs('wrong_counts', 'points of publishes', stored.publishPoints, proven.publishPoints),
  ];
}
