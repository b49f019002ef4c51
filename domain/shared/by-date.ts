import { dateOfDayNumber, dayNumberOf, type UtcDate } from './utc.ts';

/** What each UTC date adds to a whole number, in the order of dates; a date that adds nothing is left out. */
export type ByDate = ReadonlyMap<UtcDate, number>;

export const nothingByDate: ByDate = new Map();

/** Sums the amounts of the same date. */
export function byDate(additions: Iterable<readonly [date: UtcDate, amount: number]>): ByDate {
  const sums = new Map<UtcDate, number>();
  for (const [date, amount] of additions) sums.set(date, (sums.get(date) ?? 0) + amount);
  return new Map([...sums].filter(([, sum]) => sum !== 0).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The sum at the end of a date. */
export function atEndOf(date: UtcDate, additions: ByDate): number {
  let sum = 0;
  for (const [day, amount] of additions) if (day <= date) sum += amount;
  return sum;
}

export const totalOf = (additions: ByDate): number => [...additions.values()].reduce((sum, amount) => sum + amount, 0);

/** The same from `date` on. The sum before it is one number, so an old count stays small. */
export const from = (date: UtcDate, additions: ByDate): ByDate =>
  byDate([...additions].map(([day, amount]) => [day < date ? date : day, amount] as const));

/** The reverse: additions from the sums at the end of each date, in order. */
export function additionsOf(values: Iterable<readonly [date: UtcDate, value: number]>): ByDate {
  let before = 0;
  const additions: (readonly [UtcDate, number])[] = [];
  for (const [date, value] of values) {
    additions.push([date, value - before]);
    before = value;
  }
  return byDate(additions);
}

/** Every date from the first to the last, both included. */
export function* datesFrom(first: UtcDate, last: UtcDate): Generator<UtcDate, void> {
  let day = dayNumberOf(first);
  for (let date = first; date <= last; date = dateOfDayNumber(day)) {
    yield date;
    day += 1;
  }
}
