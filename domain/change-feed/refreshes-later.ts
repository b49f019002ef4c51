import type { ScoreRefreshRequested } from '../messages/score-refresh.message.ts';
import { partsBesideDays } from '../scoring/fold-starts.ts';
import type { Clock } from '../shared/environment.ts';
import { isoOf } from '../shared/utc.ts';

/** So much earlier than the delay ends, a waiting refresh counts no more: queues and clocks are not exact. */
const MARGIN_MS = 500;

/**
 * Makes a function that requests refreshes with a delay. It leaves out what a waiting refresh will read: a refresh reads
 * after the delay, strongly consistent, all that was committed by then. It remembers its own requests only; another
 * function's, or one that started again, make one more.
 *
 * `request` queues requests so that none is handled before `delaySeconds` are over, or throws.
 */
export function refreshesLater({
  request,
  delaySeconds,
  clock,
}: {
  readonly request: (requests: readonly ScoreRefreshRequested[]) => Promise<void>;
  readonly delaySeconds: number;
  readonly clock: Clock;
}): (requests: readonly ScoreRefreshRequested[]) => Promise<void> {
  /** By account and part of a fold: until when a refresh waits that reads it. The soonest come first. */
  const waitUntil = new Map<string, number>();
  const keyOf = (username: string, part: string) => `${username} ${part}`;

  return async (asked) => {
    const now = clock(); // before they are queued, so before the delay begins
    for (const [key, until] of waitUntil) {
      if (until > now) break;
      waitUntil.delete(key);
    }
    const requests = asked.filter((each) => !isCovered(each, (part) => waitUntil.has(keyOf(each.username, part))));
    if (requests.length === 0) return;
    const until = now + delaySeconds * 1_000 - MARGIN_MS;
    await request(requests.map((each) => ({ ...each, ...covering(each, isoOf(until)) })));
    for (const each of requests) {
      for (const part of partsOf(each)) {
        const key = keyOf(each.username, part);
        waitUntil.delete(key);
        if (until > now) waitUntil.set(key, until);
      }
    }
  };
}

/** The time up to which it covers changes: also those that are left out later. */
const covering = ({ changedBefore }: ScoreRefreshRequested, until: string) =>
  changedBefore === undefined ? {} : { changedBefore: changedBefore > until ? changedBefore : until };

const EVERY_DAY = 'every-day';

const besideDays = ({ days, reports = false, registry = false, ledger = true }: ScoreRefreshRequested) =>
  partsBesideDays({ days: days ?? null, reports, registry, ledger });

const partsOf = (asked: ScoreRefreshRequested): readonly string[] => [
  ...besideDays(asked),
  ...(asked.days ?? [EVERY_DAY]),
];

const isCovered = (asked: ScoreRefreshRequested, waits: (part: string) => boolean): boolean =>
  asked.grants !== true && besideDays(asked).every(waits) && (waits(EVERY_DAY) || asked.days?.every(waits) === true);
