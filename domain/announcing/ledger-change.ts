import type { Username } from '../identity/username.ts';

/** A committed change of a user's grants or of their balance, whoever made it. */
export type LedgerChange = { readonly kind: 'ledger-changed'; readonly username: Username };
