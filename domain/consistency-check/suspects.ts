import type { AccountId } from '../identity/account.ts';
import type { Difference } from './figures.ts';

/**
 * While the queues are empty and the streams are read in time, nothing is still to come. SQS counts its messages about
 * right, and up to a minute late: within this time it cannot miss one. A stream that fails is tried, and noted, at
 * least once in it.
 */
const LASTING_WHILE_QUIET_MS = 120_000;
/**
 * Otherwise a difference must last as long as a refresh may take that fails once: its message is delivered again after
 * six minutes, and a minute is kept on either side.
 */
const LASTING_MS = 480_000;

type Lasting = { readonly difference: Difference; readonly since: number };

/**
 * Users with a difference at their last look. A recent change causes a difference until its refresh is saved. So a
 * difference counts only if it lasts: the same figure with the same expected value, look after look. While facts still
 * come, the expected value moves, and the time starts again.
 */
export class Suspects {
  readonly #lasting = new Map<AccountId, readonly Lasting[]>();
  readonly #standingMs: number | null;
  #quietSince: number | null = null;

  /** `standingMs`: how long a difference must last, whatever is still under way; null for the usual times. */
  constructor(standingMs: number | null = null) {
    this.#standingMs = standingMs;
  }

  get size(): number {
    return this.#lasting.size;
  }

  usernames(): readonly AccountId[] {
    return [...this.#lasting.keys()];
  }

  /** Notes the result of a look. A user without a difference is no suspect any more. */
  note(account: AccountId, differences: readonly Difference[], now: number): void {
    const before = this.#lasting.get(account) ?? [];
    if (differences.length === 0) this.#lasting.delete(account);
    else {
      const sinceOf = ({ what, expected }: Difference) =>
        before.find(({ difference }) => difference.what === what && difference.expected === expected)?.since ?? now;
      this.#lasting.set(
        account,
        differences.map((difference) => ({ difference, since: sinceOf(difference) })),
      );
    }
  }

  /** `lastLate`: when a stream was last read late or failed; null if that never happened. */
  noteTraffic(seen: { readonly areQueuesEmpty: boolean; readonly lastLate: number | null }, now: number): void {
    this.#quietSince = seen.areQueuesEmpty ? Math.max(this.#quietSince ?? now, seen.lastLate ?? 0) : null;
  }

  /** Gives the users whose difference has lasted long enough, and forgets them. */
  take(now: number): readonly (readonly [AccountId, readonly Difference[]])[] {
    const quietFor = this.#quietSince === null ? 0 : now - this.#quietSince;
    const hasLasted = ({ since }: Lasting): boolean => {
      if (this.#standingMs !== null) return now - since >= this.#standingMs;
      return now - since >= (quietFor >= LASTING_WHILE_QUIET_MS ? LASTING_WHILE_QUIET_MS : LASTING_MS);
    };
    const inOrder = [...this.#lasting].sort(([a], [b]) => (a < b ? -1 : 1)); // not by which look was over first
    const taken = inOrder.flatMap(([username, all]) => {
      const long = all.filter(hasLasted).map(({ difference }) => difference);
      return long.length === 0 ? [] : [[username, long] as const];
    });
    for (const [username] of taken) this.#lasting.delete(username);
    return taken;
  }
}
