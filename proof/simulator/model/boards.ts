import { scoreOn, type DatedFacts } from './scoring.ts';
import type { Span } from './telemetry.ts';

/** The leaderboards once more: one sort over every score there ever was. */

const DAY = 86_400_000;
const dateBefore = (date: string, days: number): string =>
  new Date(Date.parse(date) - days * DAY).toISOString().slice(0, 10);

/** UTC dates in a window, the last one included. */
export const WINDOWS = { alltime: Infinity, today: 1, week: 7, season: 90 } as const;
export type BoardName = keyof typeof WINDOWS;

/** A score as it was saved, each save in turn. */
export type SavedScore = { readonly date: string; readonly canonicalScore: number; readonly refreshedAt: string };

type Chosen = Span & { readonly username: string; readonly isHidden: boolean };

export class BoardsModel {
  readonly #chosen: Chosen[] = [];

  chosen(one: Chosen): void {
    this.#chosen.push(one);
  }

  /** What a user may be by now: both, where the last two choices were made at the same time. */
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
    const earlier = before < last.date ? scoreOn(before, facts) : last.canonicalScore; // it stands until it is refreshed
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
