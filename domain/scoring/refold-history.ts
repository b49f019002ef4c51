import { readGranted } from '../grants/granted.ts';
import { readGrantedTogether } from '../grants/granted-together.ts';
import type { LinesDeps } from '../grants/read-lines.ts';
import type { AccountId } from '../identity/account.ts';
import { rulebook } from '../rules/current-rules.ts';
import { datesFrom } from '../shared/by-date.ts';
import { asWorker, untilSaved } from '../shared/until-saved.ts';
import { addDays, dateOf, FIRST_DATE, type UtcDate } from '../shared/utc.ts';
import { foldMetrics, linksOfAll, type RefreshDeps } from './refresh-score.ts';
import { firstFactOf, scoresOn } from './score-by-date.ts';
import type { DayScore } from './score-steps.ts';
import { monthOf, type HistoryStore, type PastMonth, type ScoreStore } from './score-store.port.ts';
import { firstDateKnown, SEALED_AT_AGE } from './user-metrics.ts';

export type RefoldHistoryDeps = Pick<RefreshDeps, 'telemetry' | 'registry' | 'rules' | 'sha256'> &
  LinesDeps & { readonly clock: RefreshDeps['clock']; readonly history: HistoryStore & Pick<ScoreStore, 'load'> };

/** Both included; null for the first date with a fact, and for the last one that a score no longer holds itself. */
export type DateRange = { readonly from: UtcDate | null; readonly to: UtcDate | null };

const earlier = (a: UtcDate, b: UtcDate): UtcDate => (a < b ? a : b);
const later = (a: UtcDate, b: UtcDate): UtcDate => (a > b ? a : b);

/**
 * Computes the scores of past dates from dated facts by the rules in force, and keeps them as refolded. The dates that
 * a score itself knows are left to its refresh. A row that was saved on its own day stays, and goes before a refolded
 * one. Guard, then facts, then save: an older run never replaces what a newer one saved.
 */
export function refoldHistory(deps: RefoldHistoryDeps, account: AccountId, range: DateRange): Promise<'saved'> {
  return untilSaved(asWorker(deps, `history of ${account}`), async () => {
    const today = dateOf(deps.clock());
    const lastPast = addDays(firstDateKnown(today), -1);
    const from = range.from ?? FIRST_DATE;
    const to = range.to === null ? lastPast : earlier(range.to, lastPast);
    if (from > to) return 'saved';
    const next = addDays(to, 1);
    const months = await deps.history.pastMonths(account, from, next);
    const own = await deps.history.ownRows(account, from, next);
    const rows = await scoresOfPast(deps, account, { from, to, today });

    const refolded = months.flatMap(({ days }) => days);
    const told = toldBy([...refolded.filter(({ date }) => !own.some((row) => row.date === date)), ...own]);
    const before = told(addDays(from, -1));
    const renewed = [...rowsThatTell(rows, new Map(own.map((row) => [row.date, row.canonicalScore])), before)];
    // The dates after the range tell what they told before.
    const after = told(next);
    const last = own.findLast(({ date }) => date <= to);
    const lastTold = [...renewed, ...(last === undefined ? [] : [last])].sort(byDay).at(-1)?.canonicalScore ?? before;
    const kept = refolded.filter(({ date }) => date < from || date > to);
    const isHeld =
      to === lastPast || after === undefined || after === lastTold || kept.some(({ date }) => date === next);
    const wanted = [...kept, ...renewed, ...(isHeld ? [] : [{ date: next, canonicalScore: after }])].sort(byDay);
    const { version: rulesVersion } = (deps.rules ?? rulebook).inForce;
    for (const month of changedMonths(months, wanted)) {
      if ((await deps.history.savePastMonth(account, month, rulesVersion)) === 'stale') return 'stale';
    }
    return 'saved';
  });
}

const byDay = (a: DayScore, b: DayScore): number => (a.date < b.date ? -1 : 1);

/** What rows tell of a date: each row of its own date and of those after it that have none. */
function toldBy(rows: readonly DayScore[]): (date: UtcDate) => number | undefined {
  const sorted = rows.toSorted(byDay);
  return (date) => sorted.findLast((row) => row.date <= date)?.canonicalScore;
}

async function scoresOfPast(
  deps: RefoldHistoryDeps,
  account: AccountId,
  { from, to, today }: { readonly from: UtcDate; readonly to: UtcDate; readonly today: UtcDate },
): Promise<readonly (readonly [UtcDate, number])[]> {
  // The facts of accounts that are merged into it are its own, as in a refresh.
  const { merged = [] } = await deps.history.load(account);
  const links = await linksOfAll(deps.telemetry, [account, ...merged]);
  const nothingStored = { metrics: null, score: null, isHidden: false, merged };
  // As on a day on which none of these dates was sealed: the days of the range are folded one by one.
  const date = addDays(from, SEALED_AT_AGE - 1);
  const { metrics } = await foldMetrics(deps, { username: account, days: null }, nothingStored, { date, links });
  const granted =
    merged.length > 0
      ? await readGrantedTogether(deps, [account, ...merged], today)
      : await readGranted(deps, account, { date: today, previous: null });
  const first = firstFactOf({ metrics, granted });
  if (first === null || first > to) return [];
  const { inForce } = deps.rules ?? rulebook;
  return [...scoresOn(datesFrom(later(from, first), to), { metrics, granted }, inForce)];
}

/** The rows that are needed to tell these scores beside the rows of their own days. */
function* rowsThatTell(
  scores: readonly (readonly [UtcDate, number])[],
  own: ReadonlyMap<UtcDate, number>,
  before: number | undefined,
): Generator<DayScore, void> {
  let told = before;
  for (const [date, canonicalScore] of scores) {
    const saved = own.get(date);
    if (saved === undefined && canonicalScore !== told) yield { date, canonicalScore };
    told = saved ?? canonicalScore;
  }
}

/** The months whose rows are others than before. */
function changedMonths(before: readonly PastMonth[], rows: readonly DayScore[]): readonly PastMonth[] {
  const byMonth = Map.groupBy(rows, ({ date }) => monthOf(date));
  const names = new Set([...before.map(({ month }) => month), ...byMonth.keys()]);
  return [...names].sort().flatMap((month): PastMonth[] => {
    const stored = before.find((each) => each.month === month);
    const days = byMonth.get(month) ?? [];
    const isSame = JSON.stringify(stored?.days ?? []) === JSON.stringify(days);
    return isSame ? [] : [{ month, days, revision: stored?.revision ?? 0 }];
  });
}
