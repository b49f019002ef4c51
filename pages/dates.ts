/** Days in UTC, as numbers and as `2026-08-21`: small enough for a browser, and the same on the server. */

export const DAY_MS = 86_400_000;

export const dateOf = (epochMs: number): string => new Date(epochMs).toISOString().slice(0, 10);
export const timeOf = (date: string): number => Date.parse(`${date}T00:00:00.000Z`);
export const addDays = (date: string, days: number): string => dateOf(timeOf(date) + days * DAY_MS);
export const daysBetween = (from: string, to: string): number => Math.round((timeOf(to) - timeOf(from)) / DAY_MS);
/** 0 is Monday. */
export const weekdayOf = (date: string): number => (new Date(timeOf(date)).getUTCDay() + 6) % 7;

const DATE = /^\d{4}-\d{2}-\d{2}$/u;
export const isDate = (text: string): boolean => DATE.test(text) && !Number.isNaN(timeOf(text));
