import type { RollUpRequested } from '../messages/roll-up.message.ts';
import { firstWholeDate } from '../telemetry/retention.ts';
import { settleAll } from '../shared/settle-all.ts';
import type { NewSorter } from '../shared/sorter.port.ts';
import { asWorker, untilSaved } from '../shared/until-saved.ts';
import { addDays, dateOf, isoOf, type UtcDate, type UtcHour } from '../shared/utc.ts';
import { noFacts } from './community-hour.ts';
import { listExtensions, summarizeExtension, type SummaryDeps } from './extension-summary.ts';
import { foldCommunityHour, hourFolder, type CommunityHourFold, type HourFolder } from './hour-fold.ts';
import type { HourFactsReader } from './hour-facts.port.ts';
import { aheadIn, dueHours, hourOfDay, hoursIn, withTimes, type Due } from './refold-times.ts';
import { lastSampleOf, numberOfHour, setHour, setSamples, type RolledUpDay } from './rolled-up-day.ts';
import { countWeeks, weeksWith } from './weeks.ts';
import type { ScoreTotalsReader } from './score-totals.port.ts';

export type RollUpDeps = SummaryDeps & {
  readonly facts: HourFactsReader;
  readonly scoreTotals: ScoreTotalsReader;
  readonly newSorter: NewSorter;
  /** Queues a request again with a delay in seconds, at most `LONGEST_DELAY_SECONDS`. */
  readonly requestLater: (delaySeconds: number, request: RollUpRequested) => Promise<void>;
};

/** Events are accepted up to 35 days old and one day ahead. */
const OLDEST_DAY = 35;
const NEWEST_DAY = 1;
const DAYS_AT_A_TIME = 2;
const SUMMARIES_AT_A_TIME = 4;
/** No queue delays a message longer. */
const LONGEST_DELAY_SECONDS = 900;
/** After this time, the other hours that were asked for are left to another run. */
const LONGEST_RUN_MS = 120_000;
/** Hours with more members together are saved before the next one is folded: sorters keep some of them in memory. */
const MEMBERS_AT_A_TIME = 100_000;

/** What became of some hours. `done-since`: a run that began after all that was announced has rolled them up. */
export type RollUpOutcome = {
  readonly date: UtcDate;
  readonly rolledUp: readonly UtcHour[];
  readonly doneSince: readonly UtcHour[];
  /** Hours whose last fold took so long that they are not due yet. They are asked for again. */
  readonly later: readonly UtcHour[];
  /** Hours that only a wrong clock can have rolled up: done again. */
  readonly ahead: readonly UtcHour[];
};

/**
 * Rolls up the hours of one day that the requests ask for, if they are due; all that has facts or is rolled up already if
 * `requests` is null. Guard, then facts, then save; from the start if another run saved in between. Harmless at any time,
 * any number of times.
 */
export async function rollUpDay(
  deps: RollUpDeps,
  date: UtcDate,
  requests: readonly RollUpRequested[] | null,
): Promise<RollUpOutcome> {
  const { hasExtensions, weeks, later, ...outcome } = await rollUpWithSummaries(deps, date, requests);
  await finish(deps, [{ hasExtensions, weeks }]);
  for (const { dueAt, request } of later) {
    const seconds = Math.ceil((dueAt - deps.clock()) / 1_000);
    await deps.requestLater(Math.min(LONGEST_DELAY_SECONDS, Math.max(1, seconds)), request);
  }
  return { ...outcome, later: later.map(({ request }) => request.hour) };
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

type RolledUp = Omit<Due, 'due'> & {
  readonly date: UtcDate;
  readonly rolledUp: readonly UtcHour[];
  readonly before: RolledUpDay;
  readonly day: RolledUpDay;
};

async function rollUpOnly(
  deps: RollUpDeps,
  date: UtcDate,
  requests: readonly RollUpRequested[] | null,
): Promise<RolledUp> {
  const ends = requests === null ? Infinity : deps.clock() + LONGEST_RUN_MS;
  const isEnough = (members: number) => members > MEMBERS_AT_A_TIME || deps.clock() > ends;
  const isAll = requests === null;
  const first = await onePass(deps, date, {
    ...{ isAll, isEnough },
    choose: (day, now) => (isAll ? everyHour(day, now) : dueHours(day, requests, now)),
  });
  let pass = first;
  const rolledUp = [...first.rolledUp];
  while (pass.rest.length > 0 && deps.clock() <= ends) {
    const due = pass.rest;
    pass = await onePass(deps, date, { isAll, isEnough, choose: () => ({ ...NONE, due }) });
    rolledUp.push(...pass.rolledUp);
  }
  const late = pass.rest.map((hour) => ({ dueAt: 0, request: newestOf(requests ?? [], hour) }));
  const { doneSince, ahead, before } = first;
  return { date, rolledUp, doneSince, ahead, before, day: pass.day, later: [...first.later, ...late] };
}

const NONE: Due = { due: [], doneSince: [], later: [], ahead: [] };

const everyHour = (day: RolledUpDay, now: number): Due => {
  const due = Array.from({ length: 24 }, (_, number) => hourOfDay(day.date, number));
  return { ...NONE, due, ahead: aheadIn(day, now) };
};

type Pass = RolledUp & {
  /** The hours that are left: enough was folded. */
  readonly rest: readonly UtcHour[];
};
type Order = {
  readonly choose: (day: RolledUpDay, now: number) => Due;
  /** Of the due hours only those that have facts or are rolled up already. */
  readonly isAll: boolean;
  readonly isEnough: (members: number) => boolean;
};

/** Folds the due hours until it is enough. Guard, then facts, then save; from the start if another run saved in between. */
function onePass(deps: RollUpDeps, date: UtcDate, { choose, isAll, isEnough }: Order): Promise<Pass> {
  return untilSaved(asWorker(deps, `rollup of ${date}`), async (): Promise<Pass | 'stale'> => {
    const now = deps.clock(); // before the guard, so before any fact is read
    const startedAt = isoOf(now);
    const stored = await deps.rollups.load(date);
    const folders: HourFolder[] = [];
    try {
      const { due, ...others } = choose(stored.day, now);
      const outcome = { ...others, date, before: stored.day };
      if (due.length === 0) return { ...outcome, rolledUp: [], day: stored.day, rest: [] };

      const isWhole = date >= firstWholeDate(now);
      let day = await stored.withSets();
      const tookMs = new Map<UtcHour, number>();
      let began = deps.clock();
      let members = 0;
      let rest: readonly UtcHour[] = [];
      for await (const { hour, fold } of foldsOf(deps, date, due, folders)) {
        day = setHour(day, hour, fold, startedAt, { isWhole });
        tookMs.set(hour, deps.clock() - began);
        began = deps.clock();
        members += membersIn(fold);
        rest = isEnough(members) ? due.filter((other) => other > hour) : [];
        if (rest.length > 0) break;
      }
      const nothing = foldCommunityHour(noFacts, deps.sha256);
      for (const hour of isAll ? hoursIn(stored.day) : due) {
        if (tookMs.has(hour) || rest.includes(hour) || !due.includes(hour)) continue;
        day = setHour(day, hour, nothing, startedAt, { isWhole });
        tookMs.set(hour, 0);
      }
      const rolledUp = [...tookMs.keys()].sort();
      if (rolledUp.length === 0) return { ...outcome, rolledUp, day, rest };
      const saved = await stored.save(day, () => withTimes(day, timesOf(tookMs, deps.clock() - now)));
      return saved === 'stale' ? 'stale' : { ...outcome, rolledUp, day, rest };
    } finally {
      for (const folder of folders) folder.close();
      stored.close();
    }
  });
}

/** What each hour took: its own fold, and all that was done for all of them together. */
function timesOf(tookMs: ReadonlyMap<UtcHour, number>, inAll: number): ReadonlyMap<number, number> {
  const shared = [...tookMs.values()].reduce((left, took) => left - took, inAll);
  return new Map([...tookMs].map(([hour, took]) => [numberOfHour(hour), Math.max(0, took + shared)]));
}

/** Folds the hours of a day, one after the other. The folders are open as long as the folds are read. */
async function* foldsOf(
  { facts, ...deps }: Pick<RollUpDeps, 'facts' | 'sha256' | 'newSorter'>,
  date: UtcDate,
  hours: readonly UtcHour[],
  folders: HourFolder[],
): AsyncGenerator<{ readonly hour: UtcHour; readonly fold: CommunityHourFold }> {
  let open: { readonly hour: UtcHour; readonly folder: HourFolder } | undefined;
  for await (const { hour, facts: piece } of facts.factsOf(date, hours)) {
    if (open !== undefined && open.hour !== hour) {
      yield { hour: open.hour, fold: open.folder.fold() };
      open = undefined;
    }
    open ??= { hour, folder: hourFolder(deps) };
    if (!folders.includes(open.folder)) folders.push(open.folder);
    open.folder.add(piece);
  }
  if (open !== undefined) yield { hour: open.hour, fold: open.folder.fold() };
}

const membersIn = ({ tallies, members }: CommunityHourFold): number =>
  tallies.reduce((sum, { series, tally }) => (members.has(series.metric) ? sum + Number(tally.eventCount) : sum), 0);

/** One request for an hour, in place of all that ask for it. */
function newestOf(requests: readonly RollUpRequested[], hour: UtcHour): RollUpRequested {
  const ofHour = requests.filter((request) => request.hour === hour);
  const changes = ofHour.flatMap(({ changedBefore }) => changedBefore ?? []).sort();
  return changes.length < ofHour.length ? { hour } : { hour, changedBefore: changes.at(-1) };
}

/** The extensions that any of a day's hours names. */
const extensionsOf = (day: RolledUpDay, hours: readonly UtcHour[]): readonly string[] =>
  [...day.series.values()].flatMap(({ series: { scope, key1 }, hours: slots }) =>
    scope === 'extension' && key1 !== undefined && hours.some((hour) => slots.has(numberOfHour(hour))) ? [key1] : [],
  );

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
    const stored = await deps.rollups.load(dateOf(now)); // without its sets: nothing to close
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
