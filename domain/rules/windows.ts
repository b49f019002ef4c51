/** UTC dates in the window of a board, today included. Source: the scoring rules, "Leaderboards". */
export const WINDOW_DATES = { today: 1, week: 7, season: 90 } as const;

/** The longest window of any board. */
export const LONGEST_WINDOW_DATES = Math.max(...Object.values(WINDOW_DATES));
