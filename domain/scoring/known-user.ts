import type { StoredMetrics, StoredScore, StoredUser } from './score-store.port.ts';
import { isKnown } from './user-metrics.ts';

export type KnownUser = Pick<StoredUser, 'isHidden'> & { readonly metrics: StoredMetrics; readonly score: StoredScore };

/** The stored values of a user that a fact or a grant names; null for anyone else. */
export function knownUser({ metrics, score, isHidden }: StoredUser): KnownUser | null {
  if (metrics === null || score === null) return null;
  // A bind that was undone leaves items without meaning behind.
  return isKnown(metrics.metrics) || score.score.granted.balance.seq > 0 ? { metrics, score, isHidden } : null;
}
