import * as z from 'zod/mini';
import { hourOf, startOfHour } from '../shared/utc.ts';

const isOfCalendar = (hour: string): boolean => {
  const start = Date.parse(startOfHour(hour));
  return !Number.isNaN(start) && hourOf(start) === hour;
};

/** An hour of UTC, `2026-08-21T13`. */
const Hour = z
  .string()
  .check(
    z.regex(/^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3])$/u, 'expected an hour such as 2026-08-21T13'),
    z.refine(isOfCalendar, 'expected an hour of the calendar'),
  );

/** The announcement that facts of an hour changed: "roll this up again". Safe to deliver again at any time. */
export const RollUpRequested = z.object({
  hour: Hour,
  /**
   * Every change that this announces was committed before, ISO 8601. A run that began later has seen them all, so the
   * message is then done. Without it, the hour is rolled up in any case.
   */
  changedBefore: z.optional(z.iso.datetime()),
});
export type RollUpRequested = z.infer<typeof RollUpRequested>;
