import * as z from 'zod/mini';

/**
 * Calendar arithmetic in UTC, free of clocks: every function takes its time as an argument. It throws outside the years
 * 0 to 9999: there dates have another form, which sorts wrongly.
 */

/** `2026-08-21`; dates in this form sort as text. */
export type UtcDate = string;

/** `2026-08-21T13`; hours in this form sort as text. */
export type UtcHour = string;

export const MILLISECONDS_PER_HOUR = 3_600_000;
export const MILLISECONDS_PER_DAY = 86_400_000;

const FIRST_MS = Date.parse('0000-01-01T00:00:00.000Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');

function withinCalendar(epochMs: number): number {
  if (epochMs >= FIRST_MS && epochMs <= LAST_MS) return epochMs;
  throw new RangeError(`${epochMs} ms is no time of the years 0 to 9999`);
}

/** `2026-08-21T13:04:05.678Z` */
export const isoOf = (epochMs: number): string => new Date(withinCalendar(epochMs)).toISOString();

export const dateOf = (epochMs: number): UtcDate => isoOf(epochMs).slice(0, 10);

export const hourOf = (epochMs: number): UtcHour => isoOf(epochMs).slice(0, 13);

export const dateOfHour = (hour: UtcHour): UtcDate => hour.slice(0, 10);

/** The start of an hour as a full ISO time. */
export const startOfHour = (hour: UtcHour): string => `${hour}:00:00.000Z`;

/** Whole days since 1970-01-01. */
export const dayNumberOf = (date: UtcDate): number =>
  withinCalendar(Date.parse(`${date}T00:00:00.000Z`)) / MILLISECONDS_PER_DAY;

/** Dates are written once: every score goes through the same weeks. */
const written = new Map<number, UtcDate>();
const MAX_WRITTEN = 5_000;

export function dateOfDayNumber(dayNumber: number): UtcDate {
  const before = written.get(dayNumber);
  if (before !== undefined) return before;
  const date = dateOf(dayNumber * MILLISECONDS_PER_DAY);
  if (written.size < MAX_WRITTEN) written.set(dayNumber, date);
  return date;
}

export const addDays = (date: UtcDate, days: number): UtcDate => dateOfDayNumber(dayNumberOf(date) + days);

/** The same day and time in another month; where that month is too short, as many days into the next one. */
export function addMonths(epochMs: number, months: number): number {
  const date = new Date(withinCalendar(epochMs));
  return withinCalendar(date.setUTCMonth(date.getUTCMonth() + months));
}

export const FIRST_DATE = '2000-01-01';
const LAST_DATE = '2100-12-31';
const EXPECTED_DATE = `expected a date from ${FIRST_DATE} to ${LAST_DATE}, such as 2026-08-21`;
const EXPECTED_TIME = 'expected an ISO 8601 time with Z or an offset, such as 2026-08-21T13:04:05Z';

/** A date in any request: it exists in the calendar and is far from the limits of the arithmetic. */
export const RequestDate = z.iso
  .date({ error: EXPECTED_DATE, abort: true })
  .check(z.refine((date) => date >= FIRST_DATE && date <= LAST_DATE, EXPECTED_DATE));

/** A time as clients write it. It may have any year: its reader sets the bounds. */
export const IsoTime = z.iso.datetime({ offset: true, error: EXPECTED_TIME, abort: true });

/** A time in a query, within the dates that a request may name. */
export const RequestTime = IsoTime.check(
  z.refine(
    (time) =>
      Date.parse(time) >= Date.parse(FIRST_DATE) && Date.parse(time) < Date.parse(LAST_DATE) + MILLISECONDS_PER_DAY,
    `expected a time from ${FIRST_DATE} to ${LAST_DATE}`,
  ),
);
