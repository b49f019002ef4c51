import { Cron } from 'croner';
import { UnsupportedTemplateError } from '../template/unsupported.ts';

/** When something is due next, after a time; both in milliseconds since the epoch. Null where it never is again. */
export type Schedule = (after: number) => number | null;

const UNIT_MS = new Map([
  ['minute', 60_000],
  ['hour', 3_600_000],
  ['day', 86_400_000],
]);

/**
 * Reads a schedule expression of EventBridge Scheduler, in UTC: `cron(minute hour day month weekday year)` or
 * `rate(number unit)`, whose first run is one interval after `startedAt`. Throws `UnsupportedTemplateError` on another.
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
    // Weekdays count from SUN = 1 there, and `0/5` stands for "from 0 on, every 5".
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
