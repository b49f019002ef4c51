import type { AccountId } from '../identity/account.ts';
import type { UtcHour } from '../shared/utc.ts';

/** A committed change of the registry, from any writer. */
export type RegistryChange = CreditChange | ExtensionChange;

/** Of the versions or pulls that count for a user. */
type CreditChange = {
  readonly kind: 'registry-changed';
  readonly username: AccountId;
  /** The hour of a pull, if the community counts the pull by this row. */
  readonly hours: readonly UtcHour[];
  /** Laurel removes no such fact. Somebody did by hand, so earlier counts are no longer valid. */
  readonly isRemoval: boolean;
};

/** Of an extension or one of its versions: the hour in which it was published. */
type ExtensionChange = { readonly kind: 'extension-changed'; readonly hours: readonly UtcHour[] };
