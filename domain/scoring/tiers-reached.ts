import { badgeGrantId, type GrantRequest } from '../grants/grant.ts';
import type { AccountId } from '../identity/account.ts';
import type { ScoringRules } from '../rules/scoring-rules.ts';

/** A tier that a score was lifted into: recorded once, by the first save that did. */
export type TierReached = {
  readonly tier: string;
  /** ISO 8601 */
  readonly reachedAt: string;
  /** Whether its badge is known to be in the ledger; until then each refresh sees to it. */
  readonly hasBadge: boolean;
  /** Whether it was reached together with a merged account: without any, it was not reached. */
  readonly isTogether?: boolean | undefined;
};

/** The tiers reached so far, in their order; a jump reaches every tier that it passes. Nobody is lifted into the lowest. */
export function tiersReached(
  before: readonly TierReached[],
  canonicalScore: number,
  at: string,
  { tiers }: Pick<ScoringRules, 'tiers'>,
  isTogether = false,
): readonly TierReached[] {
  const kept = before.filter((each) => isTogether || each.isTogether !== true);
  const recorded = new Set(kept.map(({ tier }) => tier));
  const passed = tiers.slice(1).filter(({ from }) => from <= canonicalScore);
  const added = passed.filter(({ name }) => !recorded.has(name));
  const together = isTogether ? { isTogether } : {};
  const reached = [...kept, ...added.map(({ name }) => ({ tier: name, reachedAt: at, hasBadge: false, ...together }))];
  // A tier that the rules no longer name keeps its place before the next one that they do.
  const places = new Map(tiers.map(({ name }, place) => [name, place]));
  const placed = reached.map((each, index) => {
    const next = reached.slice(index).find(({ tier }) => places.has(tier));
    return { each, place: places.get(next?.tier ?? '') ?? tiers.length };
  });
  return placed.sort((a, b) => a.place - b.place).map(({ each }) => each);
}

const badgeIdOf = (tier: string): string => `tier-${tier.toLowerCase()}`;

export const tierBadgeGrantId = (tier: string, account: AccountId): string => badgeGrantId(badgeIdOf(tier), account);

/** The badge of a tier: no points, only the line that proves it. */
export const tierBadge = ({ tier, reachedAt }: TierReached, account: AccountId): GrantRequest => ({
  grantId: tierBadgeGrantId(tier, account),
  username: account,
  key: `award:badge:${badgeIdOf(tier)}`,
  category: 'award',
  source: 'badge',
  amount: 0,
  grantedAt: reachedAt,
  reason: `reached ${tier}`,
  grantedBy: 'laurel',
});
