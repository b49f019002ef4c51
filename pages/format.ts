/** Numbers and dates as people read them, in the language of the pages. */

const LANGUAGE = 'en';
const numbers = new Intl.NumberFormat(LANGUAGE);
const shortNumbers = new Intl.NumberFormat(LANGUAGE, { notation: 'compact', maximumFractionDigits: 1 });
const signed = new Intl.NumberFormat(LANGUAGE, { signDisplay: 'exceptZero' });
const percents = new Intl.NumberFormat(LANGUAGE, {
  style: 'percent',
  maximumFractionDigits: 1,
  signDisplay: 'exceptZero',
});
const UTC = { timeZone: 'UTC' } as const;
const dates = new Intl.DateTimeFormat(LANGUAGE, { ...UTC, day: 'numeric', month: 'short', year: 'numeric' });
const days = new Intl.DateTimeFormat(LANGUAGE, { ...UTC, day: 'numeric', month: 'short' });
const months = new Intl.DateTimeFormat(LANGUAGE, { ...UTC, month: 'short' });

export const number = (value: number): string => numbers.format(value);
export const compact = (value: number): string => shortNumbers.format(value);
export const withSign = (value: number): string => signed.format(value);
/** 0.25 as `+25%`. */
export const percent = (ratio: number): string => percents.format(ratio);
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${number(value)} ${value === 1 ? one : many}`;

const asTime = (date: string): number => Date.parse(date.length === 10 ? `${date}T00:00:00.000Z` : date);
export const longDate = (date: string): string => dates.format(asTime(date));
export const shortDate = (date: string): string => days.format(asTime(date));
export const monthName = (date: string): string => months.format(asTime(date));
/** `21 Aug 2026, 13:04 UTC` */
export const utcTime = (iso: string): string => `${longDate(iso)}, ${utcClock(iso)}`;
const utcClock = (iso: string): string => `${iso.slice(11, 16)} UTC`;

const localTimes = (): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat(LANGUAGE, { dateStyle: 'medium', timeStyle: 'short' });
/** In the reader's own time zone: only a browser knows it. */
export const localTime = (iso: string): string => localTimes().format(Date.parse(iso));

/** The same in UTC, to go beside it: its date only where that differs. */
export const besideLocal = (iso: string): string =>
  localTime(iso).startsWith(longDate(iso)) ? utcClock(iso) : utcTime(iso);

/** What a reader would not see, or would see out of its place, is written as `\u202e`. */
export const UNSEEN = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/gu;
/** Longer texts are cut for the page: it is read by people. */
const MAX_CHARACTERS = 600;

/** A stranger's text as it may be shown: nothing unseen in it, and not too long. */
export function visible(text: string): string {
  const shown = text.replaceAll(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return shown.length > MAX_CHARACTERS ? `${shown.slice(0, MAX_CHARACTERS)}…` : shown;
}
