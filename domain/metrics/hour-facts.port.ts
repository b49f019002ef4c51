import type { UtcDate, UtcHour } from '../shared/utc.ts';
import type { HourFacts } from './community-hour.ts';

/** The facts of the whole community, by the hour in which they happened. */
export type HourFactsReader = {
  /**
   * The facts of some hours of one day, hour by hour in their order. An hour comes in any number of pieces, each of which
   * memory holds; an hour without facts does not come.
   *
   * The tables' indexes list the facts, and may lag behind them; each fact is then read strongly consistent.
   */
  factsOf(
    date: UtcDate,
    hours: readonly UtcHour[],
  ): AsyncIterable<{ readonly hour: UtcHour; readonly facts: HourFacts }>;
};
