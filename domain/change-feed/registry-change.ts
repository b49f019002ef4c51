import type { Username } from '../identity/username.ts';
import type { UtcHour } from '../shared/utc.ts';

/** A committed change of the registry, whoever made it. */
export type RegistryChange = CreditChange | ExtensionChange;

/** Of the versions or pulls that count for a user. */
type CreditChange = {
  readonly kind: 'registry-changed';
  readonly username: Username;
  /** The hour of a pull, where this row is the one by which the community counts it. */
  readonly hours: readonly UtcHour[];
  /** Laurel removes no such fact: a hand did, so what was counted before says nothing any more. */
  readonly isRemoval: boolean;
};

/** Of an extension or one of its versions: the hour in which it was published. */
type ExtensionChange = { readonly kind: 'extension-changed'; readonly hours: readonly UtcHour[] };
