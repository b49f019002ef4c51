import { Cron } from 'croner';
import { UnsupportedTemplateError } from '../template/unsupported.ts';

/** Returns the next time after a given time, both in milliseconds since the epoch, or null if there is none. */
export type Schedule = (after: number) => number | null;

const UNIT_MS = new Map([
  ['minute', 60_000],
  ['hour', 3_600_000],
  ['day', 86_400_000],
]);

/**
 * Parses an EventBridge Scheduler expression, in UTC: `cron(minute hour day month weekday year)` or `rate(number
 * unit)`. The first run of a rate is one interval after `startedAt`. Throws `UnsupportedTemplateError` for any other
 * expression.
 */
export function readSchedule(expression: string, startedAt: number): Schedule {
  const { kind, inner = '' } = /^(?<kind>cron|rate)\((?<inner>[^()]+)\)$/u.exec(expression)?.groups ?? {};
  if (kind === 'cron') return cronSchedule(expression, inner);
  const { number, unit } = /^(?<number>[1-9]\d*) (?<unit>minute|hour|day)s?$/u.exec(inner)?.groups ?? {};
  const unitMs = UNIT_MS.get(unit ?? '');
  if (kind === undefined || unitMs === undefined) throw unsupported(expression);
  const interval = Number(number) * unitMs;
  return (after) => startedAt + (Math.floor(Math.max(0, after - startedAt) / interval) + 1) * interval;
}

function cronSchedule(expression: string, fields: string): Schedule {
  if (fields.trim().split(/\s+/u).length !== 6) throw unsupported(expression);
  try {
    // EventBridge counts weekdays from SUN = 1, and `0/5` means "every 5, starting at 0".
    const cron = new Cron(`0 ${fields}`, {
      timezone: 'UTC',
      alternativeWeekdays: true,
      sloppyRanges: true,
      paused: true,
    });
    return (after) => cron.nextRun(new Date(after))?.getTime() ?? null;
  } catch (error) {
    throw unsupported(expression, error);
  }
}

const unsupported = (expression: string, cause?: unknown) =>
  new UnsupportedTemplateError(`Unsupported schedule expression ${expression}`, { cause });
