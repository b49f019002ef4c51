import type { GrantLedger } from '../grants/grant-ledger.port.ts';
import type { AccountId } from '../identity/account.ts';
import { isoOf } from '../shared/utc.ts';
import { startsAfter } from './fold-starts.ts';
import { foldMetrics, linksOfAll, type RefreshDeps } from './refresh-score.ts';
import type { MetricsStore } from './score-store.port.ts';
import { asWorker, untilSaved } from '../shared/until-saved.ts';
import { isKnown } from './user-metrics.ts';
import { dateOfRefresh } from './wrong-clock.ts';

export type RefoldDeps = Omit<RefreshDeps, 'scores' | 'grants' | 'reportDateAhead'> & {
  readonly scores: MetricsStore;
  readonly balances: Pick<GrantLedger, 'balanceOf'>;
};

/**
 * Folds a user's metrics from nothing and saves them, under the same guard as a refresh: guard, then facts, then save.
 * The score stays as it is until the refresh that the caller announces. In a dry run nothing is saved.
 */
export function refoldMetrics(
  deps: RefoldDeps,
  account: AccountId,
  { dryRun }: { readonly dryRun: boolean },
): Promise<'saved' | 'unknown' | 'erased'> {
  return untilSaved<'saved' | 'unknown' | 'erased'>(asWorker(deps, `metrics of ${account}`), async () => {
    const startedAt = deps.clock();
    const guard = await deps.scores.load(account);
    if (guard.erasedAt !== undefined) return 'erased';
    const now = deps.clock(); // after the guard, as in a refresh
    const everything = { username: account, days: null };
    const links = await linksOfAll(deps.telemetry, [account, ...(guard.merged ?? [])]);
    const { metrics } = await foldMetrics(deps, everything, guard, { date: dateOfRefresh(guard, now), links });
    const starts = startsAfter(new Map(), everything, { startedAt, isFromNothing: true });
    const isStored = guard.metrics !== null || guard.score !== null;
    const isNamed = isStored || isKnown(metrics) || (await deps.balances.balanceOf(account)).seq > 0;
    if (!isNamed) return 'unknown';
    return dryRun ? 'saved' : deps.scores.saveMetrics(account, guard, { metrics, foldedAt: isoOf(now), starts });
  });
}
