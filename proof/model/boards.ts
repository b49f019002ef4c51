import { scoreOn, type DatedFacts } from './scoring.ts';
import type { Span } from './telemetry.ts';

/** The leaderboards implemented again: one sort over every saved score. */

const DAY = 86_400_000;
const dateBefore = (date: string, days: number): string =>
  new Date(Date.parse(date) - days * DAY).toISOString().slice(0, 10);

/** The number of UTC dates in a window, including the last one. */
export const WINDOWS = { alltime: Infinity, today: 1, week: 7, season: 90 } as const;
export type BoardName = keyof typeof WINDOWS;

/** A score as it was saved, one entry per save. */
export type SavedScore = { readonly date: string; readonly canonicalScore: number; readonly refreshedAt: string };

type Chosen = Span & { readonly username: string; readonly isHidden: boolean };

export class BoardsModel {
  readonly #chosen: Chosen[] = [];

  chosen(one: Chosen): void {
    this.#chosen.push(one);
  }

  /** A user's possible states: both, if the last two choices were made at the same time. */
  mayBe(username: string, isHidden: boolean): boolean {
    const own = this.#chosen.filter((one) => one.username === username);
    const stands = own.some(
      (one) => one.isHidden === isHidden && !own.some((next) => next.isHidden !== isHidden && one.ended < next.began),
    );
    return stands || (!isHidden && !own.some((one) => one.isHidden));
  }
}

/** The rows of a board whose window ends on `date`: `username points`, in order. */
export function rowsOf(
  board: BoardName,
  date: string,
  members: readonly { readonly username: string; readonly saves: readonly SavedScore[]; readonly facts: DatedFacts }[],
): readonly string[] {
  const lines = members.flatMap(({ username, saves, facts }) => {
    const last = saves.at(-1);
    if (last === undefined) return [];
    const first = saves.findLastIndex(({ canonicalScore }) => canonicalScore !== last.canonicalScore) + 1;
    const since = saves[first]?.refreshedAt ?? '';
    const window = WINDOWS[board];
    if (window === Infinity) return [{ username, since, points: last.canonicalScore }];
    const before = dateBefore(date, window);
    // it is valid until the next refresh
    const earlier = before < last.date ? scoreOn(before, facts) : last.canonicalScore;
    return [{ username, since, points: last.canonicalScore - earlier }];
  });
  return lines
    .filter(({ points }) => points > 0)
    .sort(
      (a, b) =>
        b.points - a.points || (a.since < b.since ? -1 : a.since > b.since ? 1 : a.username < b.username ? -1 : 1),
    )
    .map(({ username, points }) => `${username} ${points}`);
}
