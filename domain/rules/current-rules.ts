import { community } from '#community';
import type { ScoringRules } from './scoring-rules.ts';

/** The rules in force, and those that were: an older version stays, so that an older score can be explained. */
export type Rulebook = {
  readonly inForce: ScoringRules;
  readonly all: readonly ScoringRules[];
  /** The rules that a stored score names, or undefined where no release ever knew them. */
  readonly of: (version: string) => ScoringRules | undefined;
};

export function rulebookOf(all: readonly ScoringRules[], inForce: string): Rulebook {
  const of = (version: string) => all.find((rules) => rules.version === version);
  const current = of(inForce);
  if (current === undefined) throw new Error(`there are no rules of version ${inForce}`);
  return { inForce: current, all, of };
}

export const rulebook = rulebookOf(community.rules, community.settings.rules);
export const currentRules = rulebook.inForce;
export const rulesOf = rulebook.of;

/** What is particular to the community beside the rules. */
export const settings = community.settings;
