import { addDays, dayNumberOf, type UtcDate } from './utc.ts';

/** The period of a cap: everything, the UTC month, or the ISO week. */
export type Period = 'all' | 'month' | 'week';

const DAYS_PER_WEEK = 7;
/** 1970-01-01 was a Thursday, the fourth day of its ISO week. */
const FIRST_WEEKDAY = 3;

/** The first date of the period that a date is in; '' of the period that has none. */
export function startOfPeriod(period: Period, date: UtcDate): UtcDate {
  switch (period) {
    case 'all':
      return '';
    case 'month':
      return `${date.slice(0, 7)}-01`;
    case 'week':
      return addDays(date, -((dayNumberOf(date) + FIRST_WEEKDAY) % DAYS_PER_WEEK));
  }
}
