import { settleAll } from '../shared/settle-all.ts';
import { asWorker, untilSaved } from '../shared/until-saved.ts';
import { addDays, dateOf, type UtcDate } from '../shared/utc.ts';
import { communityMetrics, type MetricRollupHourMetric } from './catalog.ts';
import type { RollUpDeps } from './roll-up.ts';

/**
 * How many there were in the seven days up to a date, each once. It needs the members of all seven days, so it is counted
 * when one of them changes and not when somebody asks.
 */
export type WeekCounts = ReadonlyMap<MetricRollupHourMetric, number>;

export const DAYS_OF_WEEK = 7;
const DISTINCT = communityMetrics.filter(({ kind }) => kind === 'distinct').map(({ name }) => name);

/** The weeks that are over and have a day: a week counts only when its last day has ended. */
export const weeksWith = (date: UtcDate, now: number): readonly UtcDate[] =>
  Array.from({ length: DAYS_OF_WEEK }, (_, after) => addDays(date, after)).filter((end) => end < dateOf(now));

/** The weeks that an answer compares today. */
const comparedNow = (now: number): readonly UtcDate[] =>
  [1, 1 + DAYS_OF_WEEK].map((back) => addDays(dateOf(now), -back));

/** Counts the weeks that end on these dates: guard, then members, then save. */
export async function countWeeks(deps: RollUpDeps, ends: readonly UtcDate[]): Promise<void> {
  await settleAll(ends, 1, (end) =>
    untilSaved(asWorker(deps, `week up to ${end}`), async () => {
      const stored = await deps.rollups.loadWeek(end);
      const counts = new Map<MetricRollupHourMetric, number>();
      for (const metric of DISTINCT) {
        counts.set(metric, await deps.rollups.distinctOf(metric, addDays(end, 1 - DAYS_OF_WEEK), end));
      }
      return stored.save(counts);
    }),
  );
}

/** Counts the weeks that answers compare from midnight on, once. Later changes of their days count them again. */
export async function countWeeksOf(deps: RollUpDeps, now: number): Promise<void> {
  const missing = await settleAll(comparedNow(now), 1, async (end) =>
    (await deps.rollups.loadWeek(end)).isCounted ? [] : [end],
  );
  await countWeeks(deps, missing.flat());
}
