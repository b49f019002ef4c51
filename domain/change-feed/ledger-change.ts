import type { AccountId } from '../identity/account.ts';
import type { UtcHour } from '../shared/utc.ts';

/** A committed change of a user's grants or of their balance, from any writer. */
export type LedgerChange = {
  readonly kind: 'ledger-changed';
  readonly username: AccountId;
  /** The hour in which a grant was given; none for a balance. */
  readonly hours: readonly UtcHour[];
};
