import { addDays, type UtcDate } from '../shared/utc.ts';

export const BOARDS = ['alltime', 'today', 'week', 'season'] as const;
export type Board = (typeof BOARDS)[number];

/** UTC dates in a board's window, the one it is built on included. Source: the scoring rules, "Leaderboards". */
const WINDOW_DATES = { today: 1, week: 7, season: 90 } as const;

/** The longest window of any board. */
export const LONGEST_WINDOW_DATES = Math.max(...Object.values(WINDOW_DATES));

/** The last date before a board's window where the window ends on `date`; null for the board that has no window. */
export const lastDateBefore = (board: Board, date: UtcDate): UtcDate | null =>
  board === 'alltime' ? null : addDays(date, -WINDOW_DATES[board]);
