import type { Clock } from '../shared/environment.ts';
import { isoOf } from '../shared/utc.ts';

/** An announcement does not cover the last changes before it is handled: indexes follow their tables a moment later. */
const MARGIN_MS = 5_000;

/**
 * Makes a function that announces things with a delay, each at most about once in that time: a waiting announcement
 * covers whatever is committed meanwhile. It remembers its own announcements only; another function's, or one that
 * started again, make one more.
 *
 * `request` queues an announcement of each thing so that none is handled before `delaySeconds` are over, or throws;
 * `changedBefore` is the time (ISO 8601) up to which they cover changes.
 */
export function delayedAnnouncer<Thing>({
  request,
  delaySeconds,
  clock,
}: {
  readonly request: (things: readonly Thing[], changedBefore: string) => Promise<void>;
  readonly delaySeconds: number;
  readonly clock: Clock;
}): (things: readonly Thing[]) => Promise<void> {
  const coveredUntil = new Map<Thing, number>();

  return async (touched) => {
    const now = clock(); // before they are queued, so before the delay begins
    for (const [thing, until] of coveredUntil) if (until <= now) coveredUntil.delete(thing);
    const things = [...new Set(touched)].filter((thing) => !coveredUntil.has(thing)).sort();
    if (things.length === 0) return;
    const until = now + delaySeconds * 1_000 - MARGIN_MS;
    await request(things, isoOf(until));
    for (const thing of things) coveredUntil.set(thing, until);
  };
}
