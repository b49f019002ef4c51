import { settings } from '../rules/current-rules.ts';
import { addDays, addMonths, dateOf, startOfHour, type UtcDate, type UtcHour } from '../shared/utc.ts';

const { unownedMonths } = settings.retention;

/** A chunk of a device-hour, by its place. */
export type ChunkPlace = { readonly deviceId: string; readonly hour: UtcHour; readonly index: number };

/**
 * When an hour of a device that nobody owns expires, in seconds since the epoch: months after it, or after it was
 * stored.
 */
export const expiryOf = (hour: UtcHour, now: number): number =>
  Math.floor(addMonths(Math.max(Date.parse(startOfHour(hour)), now), unownedMonths) / 1_000);

/** The first date of which no fact can have expired. */
export const firstWholeDate = (now: number): UtcDate => addDays(dateOf(addMonths(now, -unownedMonths)), 1);
