/** Calendar arithmetic in UTC, free of clocks: every function takes its time as an argument. */

/** `2026-08-21`; dates in this form sort as text. */
export type UtcDate = string;

/** `2026-08-21T13`; hours in this form sort as text. */
export type UtcHour = string;

export const MILLISECONDS_PER_HOUR = 3_600_000;
export const MILLISECONDS_PER_DAY = 86_400_000;

/** `2026-08-21T13:04:05.678Z` */
export const isoOf = (epochMs: number): string => new Date(epochMs).toISOString();

export const dateOf = (epochMs: number): UtcDate => isoOf(epochMs).slice(0, 10);

export const hourOf = (epochMs: number): UtcHour => isoOf(epochMs).slice(0, 13);

export const dateOfHour = (hour: UtcHour): UtcDate => hour.slice(0, 10);

/** The start of an hour as a full ISO time. */
export const startOfHour = (hour: UtcHour): string => `${hour}:00:00.000Z`;

/** Whole days since 1970-01-01. */
export const dayNumberOf = (date: UtcDate): number => Date.parse(`${date}T00:00:00.000Z`) / MILLISECONDS_PER_DAY;

export const dateOfDayNumber = (dayNumber: number): UtcDate => dateOf(dayNumber * MILLISECONDS_PER_DAY);

export const addDays = (date: UtcDate, days: number): UtcDate => dateOfDayNumber(dayNumberOf(date) + days);
