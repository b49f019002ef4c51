import * as z from 'zod/mini';
import type { Sha256 } from '../shared/environment.ts';
import { applyLine, emptyBalance, type Balance } from './balance.ts';
import type { GrantLine } from './grant.ts';
import { hashOfLine } from './line-hash.ts';

const Points = z.int();
const PointsByName = z.record(z.string(), Points);

const AuditProblem = z.object({
  code: z.enum([
    'missing_line',
    'repeated_seq',
    'changed_line',
    'broken_chain',
    'wrong_balance_after',
    'wrong_line_count',
    'wrong_balance',
    'wrong_category_total',
    'wrong_source_total',
    'wrong_chain_head',
    'wrong_counts',
  ]),
  /** The line it is about, where it is about one. */
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
  /** The hash of the newest line, computed now; null where there is none. */
  chainHead: z.nullable(z.string()),
  ok: z.boolean(),
  /** What is wrong, the first hundred. */
  problems: z.array(AuditProblem),
});
export type AuditView = z.infer<typeof AuditView>;

const MAX_PROBLEMS = 100;

/** Proves a balance from its lines, which come in the order of seq: sums, totals, seq without gaps, and the hash chain. */
export function auditOf(username: string, balance: Balance, lines: readonly GrantLine[], sha256: Sha256): AuditView {
  const last = lines.at(-1);
  const chainHead = last === undefined ? null : hashOfLine(last, sha256);
  const proven = { ...lines.reduce(applyLine, emptyBalance), head: chainHead };
  const problems = [...problemsOfLines(lines, sha256), ...problemsOfBalance(balance, proven)];
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
  };
}

function problemsOfLines(lines: readonly GrantLine[], sha256: Sha256): readonly AuditProblem[] {
  const problems: AuditProblem[] = [];
  const note = (code: AuditProblem['code'], seq: number, error: string) => problems.push({ code, seq, error });
  let before: { readonly seq: number; readonly balanceAfter: number; readonly hash: string | null } = {
    seq: 0,
    balanceAfter: 0,
    hash: null,
  };
  for (const line of lines) {
    const { seq, amount, balanceAfter, previousHash, hash } = line;
    const expected = before.seq + 1;
    if (seq > expected) {
      const range = seq - 1 === expected ? `line ${expected} is` : `lines ${expected} to ${seq - 1} are`;
      note('missing_line', expected, `${range} missing`);
    }
    if (seq < expected) note('repeated_seq', seq, `there are two lines ${seq}`);
    if (hashOfLine(line, sha256) !== hash)
      note('changed_line', seq, `line ${seq} is not the one that its hash was made of`);
    if (previousHash !== before.hash) note('broken_chain', seq, `line ${seq} does not follow the line before it`);
    if (before.balanceAfter + amount !== balanceAfter) {
      const sum = before.balanceAfter + amount;
      note('wrong_balance_after', seq, `line ${seq} says ${balanceAfter} after it, where it is ${sum}`);
    }
    before = { seq, balanceAfter, hash };
  }
  return problems;
}

function problemsOfBalance(stored: Balance, proven: Balance): readonly AuditProblem[] {
  const differs = (code: AuditProblem['code'], what: string, is: unknown, sum: unknown): readonly AuditProblem[] =>
    is === sum ? [] : [{ code, error: `${what}: the balance says ${String(is)}, the lines ${String(sum)}` }];
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
    ...differs('wrong_counts', 'contributions', stored.contributions, proven.contributions),
    ...differs('wrong_counts', 'points of publishes', stored.publishPoints, proven.publishPoints),
  ];
}
