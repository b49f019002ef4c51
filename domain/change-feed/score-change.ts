import type { AccountId } from '../identity/account.ts';

/**
 * A committed change of a score or of its user's choice, from any writer. A score announces the boards and nothing
 * else: a refresh never asks for a refresh.
 */
export type ScoreChange =
  /** A change of a value that the boards read. */
  | { readonly kind: 'standing-changed' }
  /** An account was erased: what is stored of it is to be removed. */
  | { readonly kind: 'account-erased'; readonly username: AccountId }
  /** A change of the user's own choice; a refresh copies it into the score. */
  | { readonly kind: 'profile-changed'; readonly username: AccountId; readonly isMerge?: boolean };
