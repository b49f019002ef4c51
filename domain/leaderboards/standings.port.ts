import type { AccountId } from '../identity/account.ts';
import type { Part } from '../rules/parts.ts';
import type { ByDate } from '../shared/by-date.ts';
import type { ScoreStep } from '../scoring/score-steps.ts';

/** The boards' data of a user, read from the score, which alone decides it. */
export type Standing = {
  readonly username: AccountId;
  readonly canonicalScore: number;
  readonly tier: string;
  readonly rulesVersion: string;
  /** When canonicalScore last changed, in milliseconds since the epoch. */
  readonly since: number;
  /** The scores before the present one, oldest first, as far back as a window reaches. */
  readonly steps: readonly ScoreStep[];
  /** The user chose to be hidden: boards do not list them. */
  readonly isHidden?: boolean;
  /** As in the score (`UserScore`): missing until a refresh of this release. */
  readonly parts?: ReadonlyMap<Part, ByDate> | undefined;
};

/** Every user with a score. */
export type Standings = {
  readonly segments: number;
  /** Page by page. A score that is saved meanwhile is read as it was before or after, and once. */
  read(segment: number): AsyncIterable<readonly Standing[]>;
};
