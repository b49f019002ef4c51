import { badgeGrantId, type GrantRequest } from '../grants/grant.ts';
import type { Username } from '../identity/username.ts';
import type { ScoringRules } from '../rules/scoring-rules.ts';

/** A tier that a score was lifted into: recorded once, by the first save that did. */
export type TierReached = {
  readonly tier: string;
  /** ISO 8601 */
  readonly reachedAt: string;
  /** Whether its badge is known to be in the ledger; until then each refresh sees to it. */
  readonly hasBadge: boolean;
};

/** The tiers reached so far, in their order; a jump reaches every tier that it passes. Nobody is lifted into the lowest. */
export function tiersReached(
  before: readonly TierReached[],
  canonicalScore: number,
  at: string,
  { tiers }: Pick<ScoringRules, 'tiers'>,
): readonly TierReached[] {
  const recorded = new Map(before.map((reached) => [reached.tier, reached]));
  const passed = tiers.slice(1).filter(({ from }) => from <= canonicalScore);
  const added = passed.filter(({ name }) => !recorded.has(name));
  return [...before, ...added.map(({ name }) => ({ tier: name, reachedAt: at, hasBadge: false }))];
}

const badgeIdOf = (tier: string): string => `tier-${tier.toLowerCase()}`;

export const tierBadgeGrantId = (tier: string, username: Username): string => badgeGrantId(badgeIdOf(tier), username);

/** The badge of a tier: no points, only the line that proves it. */
export const tierBadge = ({ tier, reachedAt }: TierReached, username: Username): GrantRequest => ({
  grantId: tierBadgeGrantId(tier, username),
  username,
  key: `award:badge:${badgeIdOf(tier)}`,
  category: 'award',
  source: 'badge',
  amount: 0,
  grantedAt: reachedAt,
  reason: `reached ${tier}`,
  grantedBy: 'laurel',
});
