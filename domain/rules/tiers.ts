import type { ScoringRules } from './scoring-rules.ts';

export type TierStanding = {
  readonly tier: string;
  /** The next tier and the points still missing to it; null at the top. */
  readonly nextTier: { readonly name: string; readonly missing: number } | null;
};

/** The tier of a canonicalScore. A score below 0 (reversed awards) has the lowest tier. */
export function tierOf(canonicalScore: number, { tiers }: Pick<ScoringRules, 'tiers'>): TierStanding {
  const next = tiers.find(({ from }, index) => index > 0 && from > canonicalScore);
  const reached = tiers.filter(({ from }, index) => index === 0 || from <= canonicalScore);
  return {
    tier: reached.at(-1)?.name ?? '',
    nextTier: next === undefined ? null : { name: next.name, missing: next.from - canonicalScore },
  };
}
