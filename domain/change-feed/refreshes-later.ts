import type { ScoreRefreshRequested } from '../messages/score-refresh.message.ts';
import { partsBesideDays } from '../scoring/fold-starts.ts';
import type { Clock } from '../shared/environment.ts';
import { isoOf } from '../shared/utc.ts';

/** A waiting refresh covers no changes in the last moment of its delay: queues and clocks are not exact. */
const MARGIN_MS = 500;
/**
 * An account is busy this long after a request of its refresh. Its next refresh waits longer, to cover more changes.
 */
const BUSY_MS = 10_000;
const LONGER_SECONDS = 1;

/**
 * Makes a function that requests refreshes with a delay. It leaves out what a waiting refresh will read: a refresh reads
 * after the delay, strongly consistent, all that was committed by then. It remembers its own requests only; another
 * function's, or one that started again, make one more.
 *
 * `request` queues requests so that none is handled before that many seconds are over, or throws.
 */
export function refreshesLater({
  request,
  delaySeconds,
  clock,
}: {
  readonly request: (requests: readonly ScoreRefreshRequested[], delaySeconds: number) => Promise<void>;
  readonly delaySeconds: number; // for an account that is not busy
  readonly clock: Clock;
}): (requests: readonly ScoreRefreshRequested[]) => Promise<void> {
  /** Until when a refresh waits that reads a part of a fold, by account and part. The oldest come first. */
  const waitUntil = new Map<string, number>();
  /** Until when an account is busy. The oldest come first. */
  const busyUntil = new Map<string, number>();
  const secondsOf = ({ username }: ScoreRefreshRequested) =>
    delaySeconds > 0 && busyUntil.has(username) ? delaySeconds + LONGER_SECONDS : delaySeconds;
  const keyOf = (username: string, part: string) => `${username} ${part}`;

  return async (asked) => {
    const now = clock(); // before they are queued, so before the delay begins
    forget(waitUntil, now);
    forget(busyUntil, now);
    const waits = (key: string) => (waitUntil.get(key) ?? 0) > now;
    const requests = asked.filter((each) => !isCovered(each, (part) => waits(keyOf(each.username, part))));
    for (const [seconds, some] of Map.groupBy(requests, secondsOf)) {
      const until = now + seconds * 1_000 - MARGIN_MS;
      const messages = some.map((each) => ({ ...each, ...covering(each, isoOf(until)) }));
      await request(messages, seconds);
      for (const each of some) {
        for (const part of partsOf(each)) remember(waitUntil, keyOf(each.username, part), until);
        remember(busyUntil, each.username, now + BUSY_MS);
      }
    }
  };
}

/** Stops at the first time that has not passed. Later ones may have passed, because waits differ by a second. */
function forget(times: Map<string, number>, now: number): void {
  for (const [key, until] of times) {
    if (until > now) break;
    times.delete(key);
  }
}

function remember(times: Map<string, number>, key: string, until: number): void {
  times.delete(key); // to the end
  times.set(key, until);
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
