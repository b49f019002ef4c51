import type { Username } from '../identity/username.ts';
import type { ScoreStep } from '../scoring/score-steps.ts';

/** What the boards need to know of a user: read from their score, which alone decides it. */
export type Standing = {
  readonly username: Username;
  readonly canonicalScore: number;
  readonly tier: string;
  readonly rulesVersion: string;
  /** Milliseconds since the epoch: since when canonicalScore has stood unchanged. */
  readonly since: number;
  /** The scores before the present one, oldest first, as far back as a window reaches. */
  readonly steps: readonly ScoreStep[];
};

/** Every user who may be listed; those who chose to be hidden are left out. */
export type Standings = {
  readonly segments: number;
  /** Page by page. A score that is saved meanwhile is read as it was before or after, and once. */
  read(segment: number): AsyncIterable<readonly Standing[]>;
};
