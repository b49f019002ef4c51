import type { RegistryCounts } from '../registry/user-registry.port.ts';
import { addDays, type UtcDate } from '../shared/utc.ts';
import { isTrustedDevice } from '../telemetry/device-id.ts';
import type { Reports } from '../telemetry/user-reports.port.ts';
import type { DeviceLink } from '../telemetry/user-telemetry.port.ts';
import { emptyFold, keptNamesOf, mergeFolds, MAX_NAMES, type Fold, type NamedCommands } from './fold.ts';

/** Events are accepted up to 35 days old, so a day of this age changes no more and is sealed. */
export const SEALED_AT_AGE = 36;

/** `username_metrics`: what a user's telemetry facts fold to. Days on which nothing counts leave no trace in it. */
export type UserMetrics = {
  /** What it was folded from: the user's devices and the commands that are counted exactly (`basisOf`). */
  readonly basis: string;
  /** The last date that is part of the sealed sum. */
  readonly sealedThrough: UtcDate;
  readonly sealed: Fold;
  readonly open: ReadonlyMap<UtcDate, Fold>;
  readonly ownedDevices: number;
  /**
   * Devices of others from which the user sent as themselves: positions among `borrowedDevices`. One set for all days,
   * because it only grows: the first sender of an event stands for good.
   */
  readonly sentFrom: readonly number[];
  /** What servers reported of the user beside events. */
  readonly reports: Reports;
  /** What the registry holds of the user. */
  readonly registry: RegistryCounts;
};

/** The folds of some days from their facts: of all days that there are, or of those that a plan names. */
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
 * Names what a fold depends on beside the events: metrics of another basis cannot be carried on, since a device that
 * came or went changes days long sealed. Canonical text, to be hashed.
 */
export const basisOf = (links: readonly DeviceLink[], named: NamedCommands): string =>
  JSON.stringify([
    links.map(({ deviceId, owned }) => [deviceId, owned ? 1 : 0] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
    [...named].sort(),
  ]);

export type RefreshPlan =
  | {
      readonly kind: 'from-nothing';
      readonly because: 'first' | 'sealed-too-early' | 'no-days-named' | 'devices-changed' | 'sealed-day-named';
    }
  | { readonly kind: 'days'; readonly days: readonly UtcDate[] };

/**
 * Which days to fold again from their facts: the named ones and those that are to be sealed now; everything where the
 * stored metrics cannot be carried on. `days` is null where the announcement names none.
 */
export function planRefresh(
  stored: UserMetrics | null,
  { basis, days, date }: { readonly basis: string; readonly days: readonly UtcDate[] | null; readonly date: UtcDate },
): RefreshPlan {
  const horizon = addDays(date, -SEALED_AT_AGE);
  if (stored === null) return { kind: 'from-nothing', because: 'first' };
  if (stored.sealedThrough > horizon) return { kind: 'from-nothing', because: 'sealed-too-early' }; // by a wrong clock
  if (days === null) return { kind: 'from-nothing', because: 'no-days-named' };
  if (stored.basis !== basis) return { kind: 'from-nothing', because: 'devices-changed' };
  if (days.some((day) => day <= stored.sealedThrough)) return { kind: 'from-nothing', because: 'sealed-day-named' };
  const toSeal = [...stored.open.keys()].filter((day) => day <= horizon);
  return { kind: 'days', days: [...new Set([...days, ...toSeal])].sort() };
}

type FoldContext = {
  readonly basis: string;
  readonly links: readonly DeviceLink[];
  readonly date: UtcDate;
  readonly named: NamedCommands;
  readonly reports: Reports;
  readonly registry: RegistryCounts;
};

/** Metrics from the folds of all days that there are. */
export const metricsFromNothing = (folded: FoldedDays, context: FoldContext): UserMetrics =>
  assemble({ sealed: emptyFold, open: new Map(), sentFrom: [] }, folded, context);

/**
 * Carries metrics on by the folds of the days that `planRefresh` named. Null where that cannot be done, because a name that
 * had no count of its own would need one now: then everything is folded from nothing.
 */
export function metricsCarriedOn(
  stored: UserMetrics,
  days: readonly UtcDate[],
  folded: FoldedDays,
  context: FoldContext,
): UserMetrics | null {
  const renewed = new Set(days);
  const open = new Map([...stored.open].filter(([day]) => !renewed.has(day)));
  const next = assemble({ sealed: stored.sealed, open, sentFrom: stored.sentFrom }, folded, context);
  return keepsEveryChoice(stored, next, context.named) ? next : null;
}

function assemble(
  before: Pick<UserMetrics, 'sealed' | 'open' | 'sentFrom'>,
  { folds, sentFrom }: FoldedDays,
  { basis, links, date, named, reports, registry }: FoldContext,
): UserMetrics {
  const sealedThrough = addDays(date, -SEALED_AT_AGE);
  const counted = [...folds].filter(([, fold]) => fold.lastHour !== null);
  const toSeal = counted.filter(([day]) => day <= sealedThrough).map(([, fold]) => fold);
  const sealed = mergeFolds([before.sealed, ...toSeal], named);
  const open = [...before.open, ...counted.filter(([day]) => day > sealedThrough)].sort(([a], [b]) => (a < b ? -1 : 1));
  // One choice of names for all parts: 64 of each day's own would let a hostile user grow the item with every day.
  const kept = keptNamesOf([sealed, ...open.map(([, fold]) => fold)], named);
  const sentFromNow = borrowedDevices(links).flatMap((deviceId, position) =>
    sentFrom.has(deviceId) ? [position] : [],
  );
  return {
    basis,
    sealedThrough,
    sealed: mergeFolds([sealed], named, kept),
    open: new Map(open.map(([day, fold]) => [day, mergeFolds([fold], named, kept)])),
    ownedDevices: links.filter((link) => link.owned && isPersonal(link)).length,
    sentFrom: [...new Set([...before.sentFrom, ...sentFromNow])].sort((a, b) => a - b),
    reports,
    registry,
  };
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
  const keeps = (from: ReadonlySet<string>, to: ReadonlySet<string>): boolean => {
    const [last, newLast] = [[...from].at(-1), [...to].at(-1)];
    if (from.size < MAX_NAMES || last === undefined) return true;
    return to.size === MAX_NAMES && newLast !== undefined && newLast <= last;
  };
  return keeps(before.events, after.events) && keeps(before.commands, after.commands);
}

/** The fold of all days. */
export const sumOf = (metrics: UserMetrics, named: NamedCommands): Fold =>
  mergeFolds([metrics.sealed, ...metrics.open.values()], named);

/** How many devices are the user's, or were used by them under their own name. */
export const devicesOf = ({ ownedDevices, sentFrom }: UserMetrics): number => ownedDevices + sentFrom.length;

/** A username is known once it owns a device, an event counts for it, or a server reported something of it. */
export const isKnown = ({ ownedDevices, open, sealed, reports }: UserMetrics): boolean =>
  ownedDevices > 0 || open.size > 0 || sealed.lastHour !== null || reports.issues.count + reports.signIns.count > 0;
