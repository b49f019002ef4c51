import type { RollUpRequested } from '../messages/roll-up.message.ts';
import { latestCredible } from '../scoring/wrong-clock.ts';
import { MILLISECONDS_PER_HOUR, startOfHour, type UtcDate, type UtcHour } from '../shared/utc.ts';
import { numberOfHour, type RolledUpDay } from './rolled-up-day.ts';

/** A run counts as after a change only if it began so much later: two machines' clocks differ. */
const MARGIN_MS = 5_000;
/** An hour that changes all the time is folded for at most one tenth of the time. */
const PARTS_OF_THE_TIME = 10;
/** When an hour is over, its last changes are announced so much later at most. */
const ANNOUNCED_AFTER_MS = 60_000;

/** A request that is asked for again, when its hour may be folded again. */
export type LaterRequest = { readonly dueAt: number; readonly request: RollUpRequested };

/** What becomes of the hours that some requests ask for. */
export type Due = {
  readonly due: readonly UtcHour[];
  /** A run that began after all their announced changes has rolled them up. */
  readonly doneSince: readonly UtcHour[];
  readonly later: readonly LaterRequest[];
  /** Hours that only a wrong clock can have rolled up: they are due. */
  readonly ahead: readonly UtcHour[];
};

/** Decides which hours are folded now. A request that names no time is not put off. */
export function dueHours(day: RolledUpDay, requests: readonly RollUpRequested[], now: number): Due {
  const ahead = aheadIn(day, now);
  const due = new Set(ahead);
  const doneSince: UtcHour[] = [];
  const later: LaterRequest[] = [];
  for (const [hour, ofHour] of Map.groupBy(requests, (request) => request.hour)) {
    const missing = ofHour.filter((request) => !isDone(day, request));
    const changes = missing.flatMap(({ changedBefore }) => changedBefore ?? []).sort();
    const changedBefore = changes.at(-1);
    const isForced = changes.length < missing.length || ahead.includes(hour);
    const dueAt = isForced ? now : nextFoldOf(day, hour, now);
    if (!isForced && changedBefore === undefined) doneSince.push(hour);
    else if (dueAt <= now) due.add(hour);
    // One fold for all: a run that has seen the last change has seen the others.
    else later.push({ dueAt, request: { hour, changedBefore } });
  }
  return { due: [...due].sort(), doneSince: doneSince.sort(), later, ahead };
}

/**
 * When an hour that has changed may be folded again: at once if the last run took little, and otherwise after ten times
 * what it took. An hour that ended since then is folded once more, so that a day is right soon after its end; a long fold
 * whose pause would reach beyond that is left out.
 */
export function nextFoldOf(day: RolledUpDay, hour: UtcHour, now: number): number {
  const startedAt = day.rolledUpAt.get(numberOfHour(hour));
  if (startedAt === undefined) return -Infinity;
  const started = Date.parse(startedAt);
  const pause = PARTS_OF_THE_TIME * (day.tookMs?.get(numberOfHour(hour)) ?? 0);
  const begin = Date.parse(startOfHour(hour));
  const end = begin + MILLISECONDS_PER_HOUR;
  if (started >= end) return started + pause;
  const last = end + ANNOUNCED_AFTER_MS;
  if (pause <= ANNOUNCED_AFTER_MS) return Math.min(started + pause, last);
  const next = Math.max(now, started + pause);
  const growth = started > begin ? (next - begin) / (started - begin) : 1; // as many events a second as until then
  return next + pause * growth <= last ? started + pause : last;
}

/** A start that far ahead would cover every change until then. */
export const aheadIn = (day: RolledUpDay, now: number): readonly UtcHour[] =>
  hoursIn(day).filter((hour) => (day.rolledUpAt.get(numberOfHour(hour)) ?? '') > latestCredible(now));

export const hourOfDay = (date: UtcDate, number: number): UtcHour => `${date}T${String(number).padStart(2, '0')}`;

/** The hours that were rolled up, in order. */
export const hoursIn = ({ date, rolledUpAt }: RolledUpDay): readonly UtcHour[] =>
  [...rolledUpAt.keys()].sort((a, b) => a - b).map((number) => hourOfDay(date, number));

/** Whether a run has rolled up the hour that began after all changes that the request announces. */
function isDone(day: RolledUpDay, { hour, changedBefore }: RollUpRequested): boolean {
  const startedAt = day.rolledUpAt.get(numberOfHour(hour));
  if (startedAt === undefined || changedBefore === undefined) return false;
  return Date.parse(startedAt) > Date.parse(changedBefore) + MARGIN_MS;
}

/** The hour's times in the day after a run: how long it took, and the other hours' as they were. */
export const withTimes = (day: RolledUpDay, tookMs: ReadonlyMap<number, number>): RolledUpDay =>
  tookMs.size === 0 ? day : { ...day, tookMs: new Map([...(day.tookMs ?? []), ...tookMs]) };
