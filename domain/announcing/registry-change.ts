import type { Username } from '../identity/username.ts';

/** A committed change of the versions or pulls that count for a user, whoever made it. */
export type RegistryChange = {
  readonly kind: 'registry-changed';
  readonly username: Username;
  /** Laurel removes no such fact: a hand did, so what was counted before says nothing any more. */
  readonly isRemoval: boolean;
};
