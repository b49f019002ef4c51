import type { AccountId } from '../identity/account.ts';
import type { Clock } from '../shared/environment.ts';
import { asWorker, untilSaved } from '../shared/until-saved.ts';
import { isoOf } from '../shared/utc.ts';
import { decideGrants } from './decide-grants.ts';
import type { GrantRequest } from './grant.ts';
import { mergePrefix } from './grant.ts';
import type { GrantAppend } from './grant-ledger.port.ts';
import type { GrantDeps } from './grant-points.ts';
import { linesUpTo, type LinesDeps } from './read-lines.ts';

/** The account that this one is part of now, or was part of last. */
export type Merge = { readonly into: AccountId } | { readonly before: AccountId };

export type MoveDeps = GrantDeps &
  LinesDeps & {
    readonly clock: Clock;
    /** Appends to both chains, if the account is still, or was last, part of the other one. */
    readonly appendBoth: (
      appends: readonly [GrantAppend, GrantAppend],
      account: AccountId,
      merge: Merge,
    ) => Promise<'appended' | 'stale'>;
  };

/**
 * Closes the chain of an account that is part of another one: lines take its totals out, for each category and source,
 * and lines of the other chain put them in. Once it is by itself again, the inverse lines bring back what was taken.
 * Nothing is edited, and if there is nothing to move, nothing is written.
 */
export async function moveTotals(deps: MoveDeps, account: AccountId, merge: Merge): Promise<void> {
  const isMerged = 'into' in merge;
  const other = isMerged ? merge.into : merge.before;
  await untilSaved(asWorker(deps, `balance of ${account}`), async () => {
    const { sourceTotals, moved } = await deps.lines.balanceOf(account);
    if (![...(isMerged ? sourceTotals : moved).values()].some((points) => points !== 0)) return;
    const { balance, lines } = await linesUpTo(deps, account);
    if (lines.length !== balance.seq) return 'stale'; // the index lags behind
    const taken = lines.filter(({ grantId }) => grantId.startsWith(mergePrefix(account)));
    const totals = new Map<string, { category: string; source: string; points: number }>();
    for (const { category, source, amount } of isMerged ? lines : taken) {
      const key = JSON.stringify([category, source]);
      totals.set(key, { category, source, points: (totals.get(key)?.points ?? 0) + amount });
    }
    const due = [...totals.values()].filter(({ points }) => points !== 0);
    if (due.length === 0) return;
    const grantedAt = isoOf(deps.clock());
    const lineOf = (index: number, side: 0 | 1): GrantRequest => {
      const { category, source, points } = due[index] ?? { category: '', source: '', points: 0 };
      return {
        grantId: `${mergePrefix(account)}${2 * (taken.length + index) + side + 1}`,
        username: side === 0 ? account : other,
        key: `merge:${side === 0 ? other : account}`,
        category,
        source,
        amount: side === 0 ? 0 - points : points,
        grantedAt,
        grantedBy: 'laurel',
      };
    };
    const making = { rulesVersion: deps.rules.inForce.version, seed: deps.randomToken(16), sha256: deps.sha256 };
    const writeId = deps.randomToken(6);
    const before = { own: balance, other: await deps.ledger.balanceOf(other) };
    const own = decideGrants(
      before.own,
      due.map((_, index) => lineOf(index, 0)),
      new Map(),
      making,
    );
    const others = decideGrants(
      before.other,
      due.map((_, index) => lineOf(index, 1)),
      new Map(),
      making,
    );
    const outcome = await deps.appendBoth(
      [
        { username: account, before: before.own, lines: own.lines, after: own.balance, writeId },
        { username: other, before: before.other, lines: others.lines, after: others.balance, writeId },
      ],
      account,
      merge,
    );
    return outcome === 'stale' ? 'stale' : undefined;
  });
}
