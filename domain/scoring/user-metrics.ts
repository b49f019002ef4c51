import { LONGEST_WINDOW_DATES } from '../rules/community.ts';
import type { RegistryCounts } from '../registry/user-registry.port.ts';
import {
  additionsOf,
  atEndOf,
  byDate,
  datesFrom,
  from,
  nothingByDate,
  totalOf,
  type ByDate,
} from '../shared/by-date.ts';
import type { Sha256 } from '../shared/environment.ts';
import { addDays, type UtcDate } from '../shared/utc.ts';
import { isTrustedDevice } from '../telemetry/device-id.ts';
import type { ReportedFacts } from '../telemetry/user-telemetry.port.ts';
import type { DeviceLink } from '../telemetry/user-telemetry.port.ts';
import { activityPointsOn, contributionKeysOf, namedCommandsOf, type Counts } from './contributions.ts';
import {
  emptyFold,
  bySender,
  keptNamesOf,
  mergeFolds,
  MAX_NAMES,
  reservedEvents,
  telemetryByDate,
  type Fold,
  type NamedCommands,
} from './fold.ts';
import { countedEventsOf } from '../rules/reported-kinds.ts';
import { startOfPeriod } from '../shared/periods.ts';
import { rulebook, type Rulebook } from '../rules/current-rules.ts';
import type { ScoringRules } from '../rules/scoring-rules.ts';

/** Events are accepted up to 35 days old, so a day of this age changes no more and is sealed. */
export const SEALED_AT_AGE = 36;

/**
 * The earliest date whose score is computed: the one before that on which the longest window looks back, by which is
 * known whether that one's score was another. Counts by date are kept from here on.
 */
export const firstDateKnown = (date: UtcDate): UtcDate => addDays(date, -LONGEST_WINDOW_DATES - 1);

/**
 * Raise it whenever the same facts are to make other metrics, or other points by date: what was folded before is then
 * folded from nothing by the next refresh, whichever release wrote it. A test with stored folds fails where it was
 * forgotten.
 */
export const FOLD = 3;

/** The month or week that a kind's cap is counted in, as its key does not tell it. */
const periodsOf = (rules: ScoringRules): readonly string[] =>
  countedEventsOf(rules).flatMap(({ key, capPer = 'all' }) => (capPer === 'all' ? [] : [`${key} per ${capPer}`]));

/** Events that count as one command, with any content. */
const fixedCommandsOf = ({ activity }: ScoringRules): readonly string[] =>
  activity.events.flatMap(({ event, command }) => ('is' in command ? [`${event} is ${command.is}`] : []));

/** Names the way in which these rules fold: the number, the counted names, and the periods. */
export const foldedByOf = (rules: ScoringRules, sha256: Sha256): string => {
  const named = namedCommandsOf(rules);
  const names = [
    [...reservedEvents(named), ...fixedCommandsOf(rules)].sort(),
    [...contributionKeysOf(rules), ...periodsOf(rules)],
    [...named.commands].sort(),
    MAX_NAMES,
    SEALED_AT_AGE,
  ];
  return `${FOLD}.${sha256(JSON.stringify(names)).slice(0, 8)}`;
};

/** The rules and fold of this release: a score of others must be computed again. */
export const computedByNow = (
  sha256: Sha256,
  { inForce } = rulebook,
): { readonly rulesVersion: string; readonly foldedBy: string } => ({
  rulesVersion: inForce.version,
  foldedBy: foldedByOf(inForce, sha256),
});

/** The fold of a user's facts, stored as `METRICS`. Days on which nothing counts leave no trace in it. */
export type UserMetrics = {
  /** The fold (`foldedByOf`). Metrics that another release folded differently are not carried on. */
  readonly foldedBy: string;
  /** A hash of its inputs, the user's devices (`foldInputsOf`). */
  readonly inputsHash: string;
  /** The devices themselves, unless they are many or of several accounts: a refresh of named days need not read them. */
  readonly links?: readonly DeviceLink[];
  /** The last date that is part of the sealed sum. */
  readonly sealedThrough: UtcDate;
  readonly sealed: Fold;
  readonly open: ReadonlyMap<UtcDate, Fold>;
  /** The points of the activity on sealed dates, from `firstDateKnown` on: their days cannot be told apart any more. */
  readonly activity: { readonly rulesVersion: string; readonly points: ByDate };
  readonly ownedDevices: number;
  /**
   * Devices of others from which the user sent as themselves: positions among `borrowedDevices`. One set for all days,
   * because it only grows: the first sender of an event never changes.
   */
  readonly sentFrom: readonly number[];
  /** What servers reported of the user beside events. */
  readonly reports: ReportedFacts;
  /** The registry's counts of the user. */
  readonly registry: RegistryCounts;
};

/** The folds of some days from their facts: of all days, or of the days that a plan names. */
export type FoldedDays = {
  readonly folds: ReadonlyMap<UtcDate, Fold>;
  readonly sentFrom: ReadonlySet<string>;
};

const isPersonal = ({ deviceId }: DeviceLink): boolean => !isTrustedDevice(deviceId);

const borrowedDevices = (links: readonly DeviceLink[]): readonly string[] =>
  links
    .filter((link) => isPersonal(link) && !link.owned)
    .map(({ deviceId }) => deviceId)
    .sort();

/**
 * Names what a fold depends on beside the events: metrics of other inputs cannot be carried on, since a device that
 * came or went changes days long sealed. `foldedBy` is in it for an older release: that knows nothing of it, and folds
 * from nothing, too, what this one has written. Canonical text, to be hashed.
 */
export const foldInputsOf = (links: readonly DeviceLink[], foldedBy: string, merged: readonly string[] = []): string =>
  JSON.stringify([
    links.map(({ deviceId, owned }) => [deviceId, owned ? 1 : 0] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
    foldedBy,
    ...merged,
  ]);

export type RefreshPlan =
  | {
      readonly kind: 'from-nothing';
      readonly because:
        'first' | 'sealed-too-early' | 'no-days-named' | 'folded-otherwise' | 'devices-changed' | 'sealed-day-named';
    }
  | { readonly kind: 'days'; readonly days: readonly UtcDate[] };

/**
 * Which days to fold again from their facts: the named ones and those that are to be sealed now; everything where the
 * stored metrics cannot be carried on. `days` is null where the announcement names none.
 */
export function planRefresh(
  stored: UserMetrics | null,
  {
    inputsHash,
    foldedBy,
    days,
    date,
  }: {
    readonly inputsHash: string;
    readonly foldedBy: string;
    readonly days: readonly UtcDate[] | null;
    readonly date: UtcDate;
  },
): RefreshPlan {
  const horizon = addDays(date, -SEALED_AT_AGE);
  if (stored === null) return { kind: 'from-nothing', because: 'first' };
  if (stored.sealedThrough > horizon) return { kind: 'from-nothing', because: 'sealed-too-early' }; // by a wrong clock
  if (days === null) return { kind: 'from-nothing', because: 'no-days-named' };
  if (stored.foldedBy !== foldedBy) return { kind: 'from-nothing', because: 'folded-otherwise' };
  if (stored.inputsHash !== inputsHash) return { kind: 'from-nothing', because: 'devices-changed' };
  if (days.some((day) => day <= stored.sealedThrough)) return { kind: 'from-nothing', because: 'sealed-day-named' };
  const toSeal = [...stored.open.keys()].filter((day) => day <= horizon);
  return { kind: 'days', days: [...new Set([...days, ...toSeal])].sort() };
}

/** To store more of them would cost more with every refresh than to read them. */
const MAX_KEPT_BYTES = 128;
const areFew = (links: readonly DeviceLink[]): boolean =>
  links.reduce((bytes, { deviceId }) => bytes + deviceId.length, 0) <= MAX_KEPT_BYTES;

/**
 * The devices that are stored with metrics, if these can be carried on by the days of a message. Whatever changes an
 * account's devices is announced without days, so that they are read. Undefined if they are to be read now.
 */
export function linksCarriedOn(
  stored: UserMetrics | null,
  given: { readonly foldedBy: string; readonly days: readonly UtcDate[] | null; readonly date: UtcDate },
): readonly DeviceLink[] | undefined {
  if (stored?.links === undefined) return undefined;
  const plan = planRefresh(stored, { ...given, inputsHash: stored.inputsHash });
  return plan.kind === 'days' ? stored.links : undefined;
}

type FoldContext = {
  readonly inputsHash: string;
  readonly foldedBy: string;
  readonly links: readonly DeviceLink[];
  /** Whether all of them are the account's own. */
  readonly isAlone: boolean;
  readonly date: UtcDate;
  readonly rules: Rulebook;
  readonly reports: ReportedFacts;
  readonly registry: RegistryCounts;
};

/** Metrics from the folds of all days that there are. */
export const metricsFromNothing = (folded: FoldedDays, context: FoldContext): UserMetrics =>
  assemble({ sealedThrough: null, sealed: emptyFold, open: new Map(), sentFrom: [], points: nothingByDate }, folded, {
    ...context,
    rulesBefore: context.rules.inForce,
  });

/**
 * Carries metrics on by the folds of the days that `planRefresh` named. Null where that cannot be done, because a name
 * that had no count of its own would need one now, or nobody knows the rules of the points: then everything is folded
 * from nothing.
 */
export function metricsCarriedOn(
  stored: UserMetrics,
  days: readonly UtcDate[],
  folded: FoldedDays,
  context: FoldContext,
): UserMetrics | null {
  const renewed = new Set(days);
  const open = new Map([...stored.open].filter(([day]) => !renewed.has(day)));
  const rulesBefore = context.rules.of(stored.activity.rulesVersion);
  if (rulesBefore === undefined) return null;
  const before = { ...stored, open, points: stored.activity.points };
  const next = assemble(before, folded, { ...context, rulesBefore });
  return keepsEveryChoice(stored, next, namedCommandsOf(context.rules.inForce)) ? next : null;
}

type Before = Pick<UserMetrics, 'sealed' | 'open' | 'sentFrom'> & {
  /** Null if nothing is sealed: every day has its fold. */
  readonly sealedThrough: UtcDate | null;
  readonly points: ByDate;
};

function assemble(
  before: Before,
  { folds, sentFrom }: FoldedDays,
  context: FoldContext & { readonly rulesBefore: ScoringRules },
): UserMetrics {
  const { inputsHash, foldedBy, links, isAlone, date, rules, reports, registry } = context;
  const named = namedCommandsOf(rules.inForce);
  const sealedThrough = addDays(date, -SEALED_AT_AGE);
  const counted = [...folds].filter(([, fold]) => fold.lastHour !== null);
  const unsealed = [...before.open, ...counted].sort(([a], [b]) => (a < b ? -1 : 1));
  const toSeal = unsealed.filter(([day]) => day <= sealedThrough).map(([, fold]) => fold);
  const sealed = mergeFolds([before.sealed, ...toSeal], named);
  const open = unsealed.filter(([day]) => day > sealedThrough);
  // One choice of names for all parts: 64 of each day's own would let a hostile user grow the item with every day.
  const kept = keptNamesOf([sealed, ...open.map(([, fold]) => fold)], named);
  const sentFromNow = borrowedDevices(links).flatMap((deviceId, position) =>
    sentFrom.has(deviceId) ? [position] : [],
  );
  const first = firstDateKnown(date);
  return {
    foldedBy,
    inputsHash,
    ...(isAlone && areFew(links) ? { links } : {}),
    sealedThrough,
    sealed: mergeFolds([sealed], named, kept),
    open: new Map(open.map(([day, fold]) => [day, mergeFolds([fold], named, kept)])),
    activity: {
      rulesVersion: rules.inForce.version,
      points: sealedPoints({ ...before, open: new Map(unsealed) }, { ...context, first, sealedThrough }),
    },
    ownedDevices: links.filter((link) => link.owned && isPersonal(link)).length,
    sentFrom: [...new Set([...before.sentFrom, ...sentFromNow])].sort((a, b) => a - b),
    reports: new Map(
      [...reports].map(([event, count]) => [
        event,
        { ...count, byDate: keptByDate(event, count.byDate, first, rules.inForce) },
      ]),
    ),
    registry: { publishes: from(first, registry.publishes), pulls: from(first, registry.pulls) },
  };
}

/** Counts of dates before the first known: one number, or one of each period that a cap is counted in. */
function keptByDate(event: string, additions: ByDate, first: UtcDate, rules: ScoringRules): ByDate {
  const { capPer = 'all' } = rules.events.find((entry) => entry.event === event) ?? {};
  if (capPer === 'all') return from(first, additions);
  return byDate(
    [...additions].map(([date, count]) => [date < first ? startOfPeriod(capPer, date) : date, count] as const),
  );
}

/**
 * The points of the activity on the sealed dates: those of dates that are sealed now from the folds of their days; of
 * dates sealed before, the stored numbers, moved by what a change of the rules changed on the oldest date that can
 * be computed.
 */
function sealedPoints(
  before: Before,
  {
    first,
    sealedThrough,
    rules: { inForce },
    rulesBefore,
  }: FoldContext & { readonly first: UtcDate; readonly sealedThrough: UtcDate; readonly rulesBefore: ScoringRules },
): ByDate {
  const { sealedThrough: sealedBefore } = before;
  const oldestOpen = sealedBefore === null ? first : addDays(sealedBefore, 1);
  const pointsOn = (rules: ScoringRules, dates: Iterable<UtcDate>) => activityByDate(before, dates, rules);
  const ofOldest = (rules: ScoringRules): number => [...pointsOn(rules, [oldestOpen])][0]?.[1] ?? 0;
  const change = rulesBefore.version === inForce.version ? 0 : ofOldest(inForce) - ofOldest(rulesBefore);
  const moved = (points: number): number => (points === 0 ? 0 : Math.max(0, points + change)); // 0: nothing was done by then
  const standing = sealedBefore === null ? [] : [...datesFrom(first, sealedBefore)];
  return additionsOf([
    ...standing.map((date) => [date, moved(atEndOf(date, before.points))] as const),
    ...pointsOn(inForce, datesFrom(oldestOpen < first ? first : oldestOpen, sealedThrough)),
  ]);
}

/** The points of the activity on each of these dates, none of which is sealed. */
export function* activityByDate(
  metrics: Pick<UserMetrics, 'sealed' | 'open'>,
  dates: Iterable<UtcDate>,
  rules: ScoringRules,
): Generator<readonly [UtcDate, number], void> {
  for (const telemetry of telemetryByDate(metrics, dates)) {
    yield [telemetry.date, activityPointsOn(telemetry.date, telemetry, rules)];
  }
}

/**
 * Names dropped from a full table sort after every name in it. They stay dropped for good unless a name in the table
 * goes: an anonymous event may turn out to be another user's.
 */
function keepsEveryChoice(stored: UserMetrics, next: UserMetrics, named: NamedCommands): boolean {
  const [before, after] = [stored, next].map((metrics) =>
    keptNamesOf([metrics.sealed, ...metrics.open.values()], named),
  );
  if (before === undefined || after === undefined) return false;
  const keepsAll = (from: readonly string[], to: readonly string[]): boolean => {
    const [last, newLast] = [from.at(-1), to.at(-1)];
    if (from.length < MAX_NAMES || last === undefined) return true;
    return to.length === MAX_NAMES && newLast !== undefined && newLast <= last;
  };
  const keeps = (from: ReadonlySet<string>, to: ReadonlySet<string>): boolean => {
    const [was, is] = [bySender(from), bySender(to)];
    return keepsAll(was.keyed, is.keyed) && keepsAll(was.anonymous, is.anonymous);
  };
  return keeps(before.events, after.events) && keeps(before.commands, after.commands);
}

/** The fold of all days. */
export const sumOf = (metrics: UserMetrics, named: NamedCommands): Fold =>
  mergeFolds([metrics.sealed, ...metrics.open.values()], named);

/** The counts of a date's score in addition to telemetry. */
export const countsOn = (date: UtcDate, { reports, registry }: Pick<UserMetrics, 'reports' | 'registry'>): Counts => ({
  reported: new Map([...reports].map(([event, count]) => [event, count.byDate])),
  publishes: atEndOf(date, registry.publishes),
  pulls: atEndOf(date, registry.pulls),
});

/** How many devices are the user's, or were used by them under their own name. */
export const devicesOf = ({ ownedDevices, sentFrom }: UserMetrics): number => ownedDevices + sentFrom.length;

/** An account is known once it owns a device, an event counts for it, or a server reported something of it. */
export const isKnown = ({ ownedDevices, open, sealed, reports }: UserMetrics): boolean =>
  ownedDevices > 0 ||
  open.size > 0 ||
  sealed.lastHour !== null ||
  [...reports.values()].some((count) => totalOf(count.byDate) > 0);
