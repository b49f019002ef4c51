import type { Clock } from '../shared/environment.ts';
import { err, ok, type Result } from '../shared/result.ts';
import { isoOf } from '../shared/utc.ts';
import type { GrantOutcome } from './decide-grants.ts';
import { isReversal, reversalOf } from './grant.ts';
import { grantPoints, type GrantDeps } from './grant-points.ts';

export type ReversalRefusal = { readonly kind: 'unknown-grant' | 'not-reversible' };

/** Takes a grant back by a line of its own, once: again gives the first reversal. A reversal itself stands. */
export async function reverseGrant(
  deps: GrantDeps & { readonly clock: Clock },
  { grantId, reason, grantedBy }: { readonly grantId: string; readonly reason: string; readonly grantedBy: string },
): Promise<Result<GrantOutcome, ReversalRefusal>> {
  const stored = await deps.ledger.find(grantId);
  if (stored === undefined) return err({ kind: 'unknown-grant' });
  if (isReversal(stored.line)) return err({ kind: 'not-reversible' });
  const request = reversalOf(stored.line, { reason, grantedBy, at: isoOf(deps.clock()) });
  const [outcome] = await grantPoints(deps, [request]);
  if (outcome === undefined) throw new Error(`the reversal of ${grantId} has no outcome`);
  return ok(outcome);
}
