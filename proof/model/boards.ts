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
    const isPossible = own.some(
      (one) => one.isHidden === isHidden && !own.some((next) => next.isHidden !== isHidden && one.ended < next.began),
    );
    return isPossible || (!isHidden && !own.some((one) => one.isHidden));
  }
}

/** A user with the score of every date. The score of today stays unchanged since `since`. */
export type Member = {
  readonly username: string;
  readonly since: string | number;
  readonly canonicalScore: number;
  readonly scoreOn: (date: string) => number;
};
export type Row = {
  readonly rank: number;
  readonly username: string;
  readonly points: number;
  readonly canonicalScore: number;
};

/** A board whose window ends on `date`: one sort over all users. */
export function ranked(board: BoardName, date: string, members: readonly Member[]): readonly Row[] {
  return members
    .map(({ scoreOn: scoreOf, ...member }) => {
      const before = WINDOWS[board] === Infinity ? 0 : scoreOf(dateBefore(date, WINDOWS[board]));
      return { ...member, points: member.canonicalScore - before };
    })
    .filter(({ points }) => points > 0)
    .sort((a, b) => b.points - a.points || compare(a.since, b.since) || compare(a.username, b.username))
    .map(({ since: _, ...row }, index) => ({ rank: index + 1, ...row }));
}

const compare = (a: string | number, b: string | number): number => (a < b ? -1 : a > b ? 1 : 0);

/** A user from the saves of a score, oldest first, and the facts behind it. Undefined without a save. */
export function memberOf(username: string, saves: readonly SavedScore[], facts: DatedFacts): Member | undefined {
  const last = saves.at(-1);
  if (last === undefined) return undefined;
  const { canonicalScore } = last;
  const first = saves.findLastIndex((saved) => saved.canonicalScore !== canonicalScore) + 1;
  return {
    username,
    since: saves[first]?.refreshedAt ?? '',
    canonicalScore,
    scoreOn: (date) => (date < last.date ? scoreOn(date, facts) : canonicalScore), // it is valid until the next refresh
  };
}
