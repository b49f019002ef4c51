import type { AccountId } from '../identity/account.ts';

/**
 * The notes that the check keeps from one run to the next, and the note that the reader of the streams leaves for it.
 */
export type CheckNotes = {
  /** When changes were last read late, or could not be announced; null if that never happened. */
  lastLate(): Promise<number | null>;
  /** Accounts that differed and have not been found right since. */
  differing(): Promise<readonly AccountId[]>;
  /** Adds accounts and takes accounts out. Doing it twice changes nothing more. Gives how many are left. */
  remember(change: { readonly found: readonly AccountId[]; readonly right: readonly AccountId[] }): Promise<number>;
};
