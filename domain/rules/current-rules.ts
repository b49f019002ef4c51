import type { ScoringRules } from './scoring-rules.ts';
import { rulesVersion1 } from './version-1.ts';

/** The rules that scores are computed by today. An older version stays, so that an older score can be explained. */
export const currentRules: ScoringRules = rulesVersion1;

const versions: ReadonlyMap<string, ScoringRules> = new Map([[rulesVersion1.version, rulesVersion1]]);

/** The rules that a stored score names, or undefined where no release ever knew them. */
export const rulesOf = (version: string): ScoringRules | undefined => versions.get(version);

/** The rules in force, and those that were. */
export type Rulebook = {
  readonly inForce: ScoringRules;
  readonly of: (version: string) => ScoringRules | undefined;
};

export const rulebook: Rulebook = { inForce: currentRules, of: rulesOf };
