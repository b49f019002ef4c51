import { WINDOW_DATES } from '../rules/windows.ts';
import { addDays, type UtcDate } from '../shared/utc.ts';

export const BOARDS = ['alltime', 'today', 'week', 'season'] as const;
export type Board = (typeof BOARDS)[number];

/** The last date before a board's window where the window ends on `date`; null for the board that has no window. */
export const lastDateBefore = (board: Board, date: UtcDate): UtcDate | null =>
  board === 'alltime' ? null : addDays(date, -WINDOW_DATES[board]);
