import type { Balance } from '../grants/balance.ts';
import { pointsOfSingle } from '../grants/granted.ts';
import type { Fold } from '../scoring/fold.ts';
import type { UserScore } from '../scoring/score.ts';
import { scoreAtEndOf } from '../scoring/score-steps.ts';
import { SEALED_AT_AGE, type UserMetrics } from '../scoring/user-metrics.ts';
import { atEndOf, datesFrom, totalOf } from '../shared/by-date.ts';
import { addDays, dateOfDayNumber, type UtcDate } from '../shared/utc.ts';

/**
 * A projection taken apart into named figures, so that two projections can be compared and a difference can be named.
 */
export type Figures = ReadonlyMap<string, Figure>;
type Figure = number | string | null;

export type Difference = { readonly what: string; readonly expected: Figure; readonly found: Figure };

const LONGEST_TEXT = 200;
const readable = (figure: Figure): Figure =>
  typeof figure === 'string' && figure.length > LONGEST_TEXT ? `${figure.slice(0, LONGEST_TEXT)}…` : figure;

/** Each figure that is not the same in both, the sums first. */
export function differencesOf(expected: Figures, found: Figures): readonly Difference[] {
  return [...new Set([...expected.keys(), ...found.keys()])].flatMap((what) => {
    const [should, is] = [expected.get(what) ?? null, found.get(what) ?? null];
    return should === is ? [] : [{ what, expected: readable(should), found: readable(is) }];
  });
}

const sumOf = (numbers: Iterable<number>): number => [...numbers].reduce((sum, each) => sum + each, 0);

export const eventsIn = ({ sealed, open }: Pick<UserMetrics, 'sealed' | 'open'>): number =>
  sumOf([sealed, ...open.values()].flatMap(({ events }) => [...events.values()]));

function* figuresOfFold(part: string, { events, commands, activeDays, lastHour }: Fold): Generator<[string, Figure]> {
  if (lastHour !== null) yield [`last hour of ${part}`, lastHour];
  for (const [name, count] of events) yield [`events of ${part}, ${name}`, count];
  for (const [name, { total, successes }] of commands) {
    yield [`command ${name} of ${part}`, total];
    yield [`successes of command ${name} of ${part}`, successes];
  }
  if (activeDays.length > 0) yield [`active dates of ${part}`, activeDays.map(dateOfDayNumber).join(' ')];
}

export function figuresOfMetrics(metrics: UserMetrics): Figures {
  const { sealedThrough, sealed, open, ownedDevices, sentFrom, reports, registry, links = [] } = metrics;
  return new Map([
    ['events', eventsIn(metrics)],
    ['owned devices', ownedDevices],
    ['borrowed devices', sentFrom.join(' ')],
    ...links.map(({ deviceId, owned }) => [`device ${deviceId}`, owned ? 'owned' : 'borrowed'] as const),
    ...[...reports].flatMap(([event, { byDate, lastHour }]) => [
      [`reported ${event}`, totalOf(byDate)] as const,
      [`last ${event}`, lastHour] as const,
    ]),
    ['publishes', totalOf(registry.publishes)],
    ['pulls', totalOf(registry.pulls)],
    ...figuresOfFold(`the days through ${sealedThrough}`, sealed),
    ...[...open].flatMap(([date, fold]) => [...figuresOfFold(date, fold)]),
  ]);
}

const openDatesBefore = (date: UtcDate): readonly UtcDate[] => [
  ...datesFrom(addDays(date, 1 - SEALED_AT_AGE), addDays(date, -1)),
];

/**
 * What of a score follows from facts, ledger, rules and its date: not when it was saved, nor the tiers reached before.
 */
export function figuresOfScore({ contributions, granted, ...score }: UserScore): Figures {
  const { balance, listed, older, byDate } = granted;
  return new Map<string, Figure>([
    ['canonicalScore', score.canonicalScore],
    ['activityScore', score.activityScore],
    ['tier', score.tier],
    ['nextChangeOn', score.nextChangeOn],
    // A sealed date keeps the number that was right when it was sealed.
    ...openDatesBefore(score.date).map((date) => [`score on ${date}`, scoreAtEndOf(date, score)] as const),
    ...contributions.map(({ key, points }) => [`points of ${key}`, points] as const),
    ...contributions.flatMap(({ key, inputs }) =>
      [...inputs].map(([name, count]) => [`${name} of ${key}`, count] as const),
    ),
    ['lines that the score counts', balance.seq],
    ['points that the score counts', balance.totalScore],
    ...totals('points that the score counts', balance),
    ...listed.map((single) => [`points of ${single.key}`, pointsOfSingle(single)] as const),
    ['grants that are not listed', older.count],
    ...[...byDate].flatMap(([line, additions]) =>
      [...additions].map(([date, points]) => [`points of lines ${line} of ${date}`, points] as const),
    ),
    ...[...(score.parts ?? [])].flatMap(([part, additions]) =>
      openDatesBefore(score.date).map((date) => [`points of ${part} on ${date}`, atEndOf(date, additions)] as const),
    ),
    ...[...older.points].map(([source, points]) => [`points that are not listed, source ${source}`, points] as const),
  ]);
}

export const figuresOfBalance = (balance: Balance): Figures =>
  new Map<string, Figure>([
    ['balance', balance.totalScore],
    ['lines of the balance', balance.seq],
    ...totals('balance', balance),
    ['chain head of the balance', balance.head],
    ['contributions of the balance', balance.contributions],
    ['publish points of the balance', balance.publishPoints],
  ]);

function totals(
  what: string,
  { categoryTotals, sourceTotals }: Pick<Balance, 'categoryTotals' | 'sourceTotals'>,
): readonly (readonly [string, number])[] {
  return [
    ...[...categoryTotals].map(([name, points]) => [`${what}, category ${name}`, points] as const),
    ...[...sourceTotals].map(([name, points]) => [`${what}, source ${name}`, points] as const),
  ];
}
