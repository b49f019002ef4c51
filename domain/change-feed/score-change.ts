import type { Username } from '../identity/username.ts';

/**
 * A committed change of a score or of what its user chose, whoever made it. A score announces the boards and nothing
 * else: a refresh never asks for a refresh.
 */
export type ScoreChange =
  /** Of what the boards read of a score. */
  | { readonly kind: 'standing-changed' }
  /** Of what a user chose for themselves; a refresh takes it over into the score. */
  | { readonly kind: 'profile-changed'; readonly username: Username };
