import type { Clock } from '../shared/environment.ts';
import { firstWholeDate } from '../telemetry/retention.ts';
import { settleAll } from '../shared/settle-all.ts';
import { addDays, dateOf, isoOf, type UtcDate, type UtcHour } from '../shared/utc.ts';
import { noFacts } from './community-hour.ts';
import { listExtensions, summarizeExtension, type SummaryDeps } from './extension-summary.ts';
import { foldCommunityHour } from './hour-fold.ts';
import type { HourFactsReader } from './hour-facts.port.ts';
import type { RollUpRequested } from '../messages/roll-up.message.ts';
import { lastSampleOf, numberOfHour, setHour, setSamples, type RolledUpDay } from './rolled-up-day.ts';
import { countWeeks, weeksWith } from './weeks.ts';
import type { ScoreTotalsReader } from './score-totals.port.ts';
import { latestCredible } from '../scoring/wrong-clock.ts';
import { asWorker, untilSaved } from '../shared/until-saved.ts';

export type RollUpDeps = SummaryDeps & {
  readonly facts: HourFactsReader;
  readonly scoreTotals: ScoreTotalsReader;
  readonly clock: Clock;
};

/** A run counts as after a change only if it began so much later: two machines' clocks differ. */
const MARGIN_MS = 5_000;
/** Events are accepted up to 35 days old and one day ahead. */
const OLDEST_DAY = 35;
const NEWEST_DAY = 1;
const DAYS_AT_A_TIME = 2;
const SUMMARIES_AT_A_TIME = 4;

/** What became of some hours. `done-since`: a run that began after all that was announced has rolled them up. */
export type RollUpOutcome = {
  readonly date: UtcDate;
  readonly rolledUp: readonly UtcHour[];
  readonly doneSince: readonly UtcHour[];
  /** Hours that only a wrong clock can have rolled up: done again. */
  readonly ahead: readonly UtcHour[];
};

/**
 * Rolls up the hours of one day that the requests ask for; all that has facts or is rolled up already where `requests`
 * is null. Guard, then facts, then save; from the start where another run saved in between. Harmless at any time, any
 * number of times.
 */
export async function rollUpDay(
  deps: RollUpDeps,
  date: UtcDate,
  requests: readonly RollUpRequested[] | null,
): Promise<RollUpOutcome> {
  const { hasExtensions, weeks, ...outcome } = await rollUpWithSummaries(deps, date, requests);
  await finish(deps, [{ hasExtensions, weeks }]);
  return outcome;
}

type Touched = { readonly hasExtensions: boolean; readonly weeks: readonly UtcDate[] };

/** What is made of several days, or of all extensions: after all of them. */
async function finish(deps: RollUpDeps, touched: readonly Touched[]): Promise<void> {
  if (touched.some(({ hasExtensions }) => hasExtensions)) await listExtensions(deps);
  await countWeeks(deps, [...new Set(touched.flatMap(({ weeks }) => weeks))]);
}

async function rollUpWithSummaries(deps: RollUpDeps, date: UtcDate, requests: readonly RollUpRequested[] | null) {
  const { day, before, ...outcome } = await rollUpOnly(deps, date, requests);
  const hours = [...outcome.rolledUp, ...outcome.doneSince];
  const extensions = new Set([...extensionsOf(before, hours), ...extensionsOf(day, hours)]);
  // Also for hours that were done already: the run that did them may have ended before it came to this.
  await settleAll([...extensions], SUMMARIES_AT_A_TIME, (name) => summarizeExtension(deps, name));
  const weeks = hours.length > 0 ? weeksWith(date, deps.clock()) : [];
  return { ...outcome, hasExtensions: extensions.size > 0, weeks };
}

type RolledUp = RollUpOutcome & { readonly before: RolledUpDay; readonly day: RolledUpDay };

function rollUpOnly(deps: RollUpDeps, date: UtcDate, requests: readonly RollUpRequested[] | null): Promise<RolledUp> {
  return untilSaved(asWorker(deps, `rollup of ${date}`), async () => {
    const now = deps.clock(); // before the guard, so before any fact is read
    const startedAt = isoOf(now);
    const stored = await deps.rollups.load(date);
    const ahead = storedHours(stored.day).filter((hour) => isAhead(stored.day, hour, now));
    const due = requests === null ? null : [...new Set([...dueHours(stored.day, requests), ...ahead])].sort();
    const doneSince = requests === null || due === null ? [] : hoursOf(requests).filter((hour) => !due.includes(hour));
    const before = stored.day;
    if (due?.length === 0) return { date, rolledUp: [], doneSince, ahead, before, day: before };

    const isWhole = date >= firstWholeDate(now);
    let day = before;
    const rolledUp = new Set<UtcHour>();
    for await (const { hour, facts } of deps.facts.factsOf(date, due)) {
      day = setHour(day, hour, foldCommunityHour(facts, deps.sha256), startedAt, { isWhole });
      rolledUp.add(hour);
    }
    const nothing = foldCommunityHour(noFacts, deps.sha256);
    for (const hour of due ?? storedHours(stored.day)) {
      if (rolledUp.has(hour)) continue;
      day = setHour(day, hour, nothing, startedAt, { isWhole });
      rolledUp.add(hour);
    }
    if (rolledUp.size === 0) return { date, rolledUp: [], doneSince, ahead, before, day };
    const outcome = await stored.save(day);
    return outcome === 'stale' ? 'stale' : { date, rolledUp: [...rolledUp].sort(), doneSince, ahead, before, day };
  });
}

/** The extensions that any of a day's hours names. */
const extensionsOf = (day: RolledUpDay, hours: readonly UtcHour[]): readonly string[] =>
  [...day.series.values()].flatMap(({ series: { scope, key1 }, hours: slots }) =>
    scope === 'extension' && key1 !== undefined && hours.some((hour) => slots.has(numberOfHour(hour))) ? [key1] : [],
  );

const hoursOf = (requests: readonly RollUpRequested[]): readonly UtcHour[] =>
  [...new Set(requests.map(({ hour }) => hour))].sort();

/** The hours that no run has rolled up which began after all their announced changes. */
function dueHours(day: RolledUpDay, requests: readonly RollUpRequested[]): readonly UtcHour[] {
  return hoursOf(
    requests.filter(({ hour, changedBefore }) => {
      const startedAt = day.rolledUpAt.get(numberOfHour(hour));
      if (startedAt === undefined || changedBefore === undefined) return true;
      return Date.parse(startedAt) <= Date.parse(changedBefore) + MARGIN_MS;
    }),
  );
}

/** A start that far ahead would cover every change until then. */
const isAhead = (day: RolledUpDay, hour: UtcHour, now: number): boolean =>
  (day.rolledUpAt.get(numberOfHour(hour)) ?? '') > latestCredible(now);

const storedHours = (day: RolledUpDay): readonly UtcHour[] =>
  [...day.rolledUpAt.keys()].map((number) => `${day.date}T${String(number).padStart(2, '0')}`);

/** A sample costs reads by the number of members, so it is taken less often as they grow: at last once an hour. */
const MEMBERS_A_MINUTE = 1_000;
const MINUTE_MS = 60_000;
const LONGEST_BETWEEN_SAMPLES_MS = 60 * MINUTE_MS;

function isSampleDue(day: RolledUpDay, now: number): boolean {
  const last = lastSampleOf(day);
  if (last === null) return true;
  const between = Math.min(Math.ceil(last.members / MEMBERS_A_MINUTE) * MINUTE_MS, LONGEST_BETWEEN_SAMPLES_MS);
  return now - Date.parse(last.at) >= between;
}

/** Reads all scores for the gauges if a sample is due. `isForced` takes a new sample in any case. */
export async function sampleGauges(
  deps: RollUpDeps,
  { isForced }: { readonly isForced: boolean },
): Promise<'sampled' | 'not-due'> {
  return untilSaved(asWorker(deps, 'sample of the gauges'), async () => {
    const now = deps.clock();
    const stored = await deps.rollups.load(dateOf(now));
    if (!isForced && !isSampleDue(stored.day, now)) return 'not-due';
    const totals = await deps.scoreTotals.read();
    const outcome = await stored.save(setSamples(stored.day, totals, isoOf(now)));
    return outcome === 'stale' ? 'stale' : 'sampled';
  });
}

/** Rolls up the days from `from` to `to`, both included, whole; answers how many hours there were. */
export async function rollUpDays(deps: RollUpDeps, dates: readonly UtcDate[]): Promise<number> {
  const outcomes = await settleAll(dates, DAYS_AT_A_TIME, (date) => rollUpWithSummaries(deps, date, null));
  await finish(deps, outcomes);
  return outcomes.reduce((sum, { rolledUp }) => sum + rolledUp.length, 0);
}

/** The days that events of today may still have, newest first. */
export function openDates(now: number): readonly UtcDate[] {
  const today = dateOf(now);
  return Array.from({ length: OLDEST_DAY + NEWEST_DAY + 1 }, (_, back) => addDays(today, NEWEST_DAY - back));
}
