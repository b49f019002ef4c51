import type { GrantLedger } from '../grants/grant-ledger.port.ts';
import type { Username } from '../identity/username.ts';
import { dateOf, isoOf } from '../shared/utc.ts';
import { foldMetrics, type RefreshDeps, type RefreshOutcome } from './refresh-score.ts';
import type { MetricsStore } from './score-store.port.ts';
import { untilSaved } from '../shared/until-saved.ts';
import { dateOfRefresh, isKnown } from './username-metrics.ts';

export type RefoldDeps = Omit<RefreshDeps, 'scores' | 'grants'> & {
  readonly scores: MetricsStore;
  readonly balances: Pick<GrantLedger, 'balanceOf'>;
};

/**
 * Folds a user's metrics from nothing and saves them, under the same guard as a refresh: guard, then facts, then save.
 * The score stays as it is until the refresh that the caller announces. In a dry run nothing is saved.
 */
export function refoldMetrics(
  deps: RefoldDeps,
  username: Username,
  { dryRun }: { readonly dryRun: boolean },
): Promise<RefreshOutcome> {
  return untilSaved(deps, `metrics of ${username}`, async () => {
    const guard = await deps.scores.load(username);
    const now = deps.clock(); // after the guard, as in a refresh
    const date = dateOfRefresh(dateOf(now), guard.metrics?.metrics ?? null, guard.score?.score.date ?? null);
    const metrics = await foldMetrics(deps, { username, days: null }, guard, date);
    const isStored = guard.metrics !== null || guard.score !== null;
    const isNamed = isStored || isKnown(metrics) || (await deps.balances.balanceOf(username)).seq > 0;
    if (!isNamed) return 'unknown';
    return dryRun ? 'saved' : deps.scores.saveMetrics(username, guard, { metrics, foldedAt: isoOf(now) });
  });
}
