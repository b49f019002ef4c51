import type { Username } from '../identity/username.ts';
import type { Difference } from './figures.ts';

/** Where the queue of refreshes is empty all the while, nothing that was announced is still to come. */
export const STANDING_WHILE_QUIET_MS = 30_000;
/**
 * Where it is not: as long as a refresh may take that fails once, since its message is delivered again after six minutes, and a
 * minute on either side.
 */
export const STANDING_MS = 480_000;

type Standing = { readonly difference: Difference; readonly since: number };

/**
 * Users of whom something differed when they were looked at. A change that was accepted a moment ago makes such a difference
 * until its refresh is saved, so what counts is a difference that stands: the same figure, expected to be the same, look
 * after look. Where facts still come, what is expected moves, and the time begins anew.
 */
export class Suspects {
  readonly #standing = new Map<Username, readonly Standing[]>();
  readonly #standingMs: number | null;
  #quietSince: number | null = null;

  /** `standingMs`: how long a difference must stand, whatever is in the queue; null for the usual times. */
  constructor(standingMs: number | null = null) {
    this.#standingMs = standingMs;
  }

  get size(): number {
    return this.#standing.size;
  }

  usernames(): readonly Username[] {
    return [...this.#standing.keys()];
  }

  /** What a look found; who is as they should be is no suspect any more. */
  note(username: Username, differences: readonly Difference[], now: number): void {
    const before = this.#standing.get(username) ?? [];
    if (differences.length === 0) this.#standing.delete(username);
    else {
      const sinceOf = ({ what, expected }: Difference) =>
        before.find(({ difference }) => difference.what === what && difference.expected === expected)?.since ?? now;
      this.#standing.set(
        username,
        differences.map((difference) => ({ difference, since: sinceOf(difference) })),
      );
    }
  }

  noteQueue(isEmpty: boolean, now: number): void {
    this.#quietSince = isEmpty ? (this.#quietSince ?? now) : null;
  }

  /** Gives those of whom something has stood for long enough, and forgets them. */
  take(now: number): readonly (readonly [Username, readonly Difference[]])[] {
    const quietFor = this.#quietSince === null ? 0 : now - this.#quietSince;
    const stands = ({ since }: Standing): boolean => {
      if (this.#standingMs !== null) return now - since >= this.#standingMs;
      return now - since >= (quietFor >= STANDING_WHILE_QUIET_MS ? STANDING_WHILE_QUIET_MS : STANDING_MS);
    };
    const inOrder = [...this.#standing].sort(([a], [b]) => (a < b ? -1 : 1)); // not by which look was over first
    const taken = inOrder.flatMap(([username, all]) => {
      const long = all.filter(stands).map(({ difference }) => difference);
      return long.length === 0 ? [] : [[username, long] as const];
    });
    for (const [username] of taken) this.#standing.delete(username);
    return taken;
  }
}
