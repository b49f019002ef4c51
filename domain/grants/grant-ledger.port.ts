import type { AccountId } from '../identity/account.ts';
import type { Balance } from './balance.ts';
import type { GrantLine } from './grant.ts';

/** A line and the write that made it: by it a writer knows its own line again. */
export type StoredGrant = { readonly line: GrantLine; readonly writeId: string };

/** New lines of one user, and the balance that they were decided on and lead to. */
export type GrantAppend = {
  readonly username: AccountId;
  readonly before: Balance;
  readonly lines: readonly GrantLine[];
  readonly after: Balance;
  readonly writeId: string;
};

/** DynamoDB takes 100 actions in one transaction; lines and the balance stay well within. */
export const MAX_LINES_AT_ONCE = 49;

/** Where grants are written. Everything is read strongly consistent. */
export type GrantLedger = {
  /** Empty if the user has no grant. */
  balanceOf(account: AccountId): Promise<Balance>;
  find(grantId: string): Promise<StoredGrant | undefined>;
  /**
   * Adds the lines and moves the balance, all or nothing. `stale`: a line's id is taken, the balance has moved, or the
   * store was busy. Read again and decide again; lines that this call wrote after all bear its `writeId`. A throw
   * leaves it open whether it was written: the same requests again settle it.
   */
  append(append: GrantAppend): Promise<'appended' | 'stale'>;
};

/** The same of up to 100 users or grants by one read. */
export type GrantsTogether = {
  /** In the order of the users. */
  balancesOf(usernames: readonly AccountId[]): Promise<ReadonlyMap<AccountId, Balance>>;
  /** Which of the grants there are. */
  thoseGiven(grantIds: readonly string[]): Promise<ReadonlySet<string>>;
};

/** With `maxUnits`, a read of many long lines stops before it costs more read units. */
export type LinesRange = {
  readonly limit: number;
  readonly before?: number | undefined;
  readonly maxUnits?: number | undefined;
};
export type LinesAfter = Omit<LinesRange, 'before'> & { readonly after: number };

/** A fault of a stored line. A misplaced line is read anyway. */
export type LineFault = {
  readonly seq: number;
  readonly code: 'unreadable_line' | 'misplaced_line';
  readonly error: string;
};
export type LinesRead = {
  readonly lines: readonly GrantLine[];
  readonly faults: readonly LineFault[];
  /** The read stopped for its cost, before its limit. */
  readonly isCut?: boolean;
};

/** Reads lines through an index, which lags behind the ledger: compare with the balance. */
export type GrantLines = {
  balanceOf(account: AccountId): Promise<Balance>;
  /** The newest `limit` lines, newest first; with `before`, of those with a smaller seq. */
  newestOf(account: AccountId, range: LinesRange): Promise<LinesRead>;
  /** Lines in the order of seq: all of them, or the lines after a seq. */
  allOf(account: AccountId, range?: LinesAfter): Promise<LinesRead>;
};
