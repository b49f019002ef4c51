import type { RollUpRequested } from '../metrics/roll-up.message.ts';
import type { Clock } from '../shared/environment.ts';
import { isoOf, type UtcHour } from '../shared/utc.ts';
import type { CommittedChange } from './committed-change.ts';

export type AnnounceHoursDeps = {
  /** Queues every request so that none is handled before `ROLL_UP_DELAY_SECONDS` are over, or throws. */
  readonly requestRollUps: (requests: readonly RollUpRequested[]) => Promise<void>;
  readonly clock: Clock;
};

/** A busy hour is rolled up once a minute, not once a change. */
export const ROLL_UP_DELAY_SECONDS = 60;
/** An announcement covers changes up to so long before it is handled: the index by hour follows a moment later. */
const MARGIN_MS = 5_000;

/**
 * Makes what announces the hours that changes touch, each at most about once a minute: an announcement that still waits
 * covers whatever is committed meanwhile. It remembers its own announcements only; another function's, or one that
 * started anew, make one more.
 */
export function hourAnnouncer({ requestRollUps, clock }: AnnounceHoursDeps) {
  const coveredUntil = new Map<UtcHour, number>();

  return async (changes: readonly CommittedChange[]): Promise<void> => {
    const now = clock(); // before they are queued, so before the delay begins
    for (const [hour, until] of coveredUntil) if (until <= now) coveredUntil.delete(hour);
    const touched = new Set(changes.flatMap(({ change }) => hoursOf(change)));
    const hours = [...touched].filter((hour) => !coveredUntil.has(hour)).sort();
    if (hours.length === 0) return;
    const until = now + ROLL_UP_DELAY_SECONDS * 1_000 - MARGIN_MS;
    await requestRollUps(hours.map((hour) => ({ hour, changedBefore: isoOf(until) })));
    for (const hour of hours) coveredUntil.set(hour, until);
  };
}

function hoursOf(change: CommittedChange['change']): readonly UtcHour[] {
  switch (change.kind) {
    case 'hour-changed':
      return [change.hour];
    case 'device-changed':
    case 'ledger-changed':
    case 'registry-changed':
    case 'extension-changed':
      return change.hours;
    case 'link-changed':
    case 'report-changed':
      return []; // nothing that a metric counts
  }
}
