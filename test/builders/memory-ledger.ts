import { emptyBalance, type Balance } from '../../domain/grants/balance.ts';
import type { GrantLine } from '../../domain/grants/grant.ts';
import type { GrantConflict, GrantDeps } from '../../domain/grants/grant-points.ts';
import type { GrantLedger, GrantLines, StoredGrant } from '../../domain/grants/grant-ledger.port.ts';
import type { LinesDeps } from '../../domain/grants/read-lines.ts';
import { rulebook } from '../../domain/rules/current-rules.ts';
import { sha256 } from './identity.ts';

/** A ledger in memory, for tests of the rules of its users. The adapter's own tests cover the real ledger. */
export class MemoryLedger implements GrantLedger, GrantLines {
  readonly grants = new Map<string, StoredGrant>();
  readonly balances = new Map<string, Balance>();
  /** How often lines were read. */
  reads = 0;

  readonly balanceOf = async (username: string) => this.balances.get(username) ?? emptyBalance;
  readonly find = async (grantId: string) => this.grants.get(grantId);

  readonly append: GrantLedger['append'] = async ({ username, before, lines, after, writeId }) => {
    const isStale = (this.balances.get(username)?.seq ?? 0) !== before.seq;
    if (isStale || lines.some(({ grantId }) => this.grants.has(grantId))) return 'stale';
    for (const line of lines) this.grants.set(line.grantId, { line, writeId });
    this.balances.set(username, after);
    return 'appended';
  };

  /** What an index shows of a user's lines. */
  linesOf(username: string): readonly GrantLine[] {
    this.reads += 1;
    const lines = [...this.grants.values()].map(({ line }) => line);
    return lines.filter((line) => line.username === username).sort((a, b) => a.seq - b.seq);
  }

  readonly allOf: GrantLines['allOf'] = async (account, { after, limit } = { after: 0, limit: Infinity }) => {
    const lines = this.linesOf(account).filter(({ seq }) => seq > after);
    return { lines: lines.slice(0, limit), faults: [] };
  };

  readonly newestOf: GrantLines['newestOf'] = async (account, { limit, before = Infinity }) => {
    const lines = this.linesOf(account).filter(({ seq }) => seq < before);
    return { lines: lines.toReversed().slice(0, limit), faults: [] };
  };
}

/** The parts of the ledger that a refresh needs; empty by default. */
export function grantsOf(ledger = new MemoryLedger()): GrantDeps & LinesDeps & { readonly conflicts: GrantConflict[] } {
  const conflicts: GrantConflict[] = [];
  let tokens = 0;
  return {
    ledger,
    lines: ledger,
    rules: rulebook,
    reportConflict: (conflict) => conflicts.push(conflict),
    randomToken: () => `token-${(tokens += 1)}`,
    random: () => 0.5,
    sleep: async () => {},
    sha256,
    conflicts,
  };
}
