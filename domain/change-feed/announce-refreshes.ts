import type { AccountId } from '../identity/account.ts';
import type { ScoreRefreshRequested } from '../messages/score-refresh.message.ts';
import { settleAll } from '../shared/settle-all.ts';
import { dateOfHour, isoOf, type UtcDate } from '../shared/utc.ts';
import type { DeviceStore } from '../telemetry/device-store.port.ts';
import type { CommittedChange } from './committed-change.ts';
import type { TelemetryChange } from './telemetry-change.ts';

export type AnnounceRefreshesDeps = {
  readonly devices: Pick<DeviceStore, 'find'>;
  /** Queues every request, or throws. */
  readonly requestRefreshes: (requests: readonly ScoreRefreshRequested[]) => Promise<void>;
};

type HourChange = Extract<TelemetryChange, { readonly kind: 'hour-changed' }>;

const PARALLEL_READS = 8;
/** The stream's times are rounded to the second. */
const ROUNDED_MS = 1_000;

/** What changed for a user. `days` is null if the changed days are not known. */
type Touched = {
  readonly days: ReadonlySet<UtcDate> | null;
  readonly reports: boolean;
  readonly registry: boolean;
  readonly ledger: boolean;
  /** The oldest and the newest of the changes. */
  readonly changedAt: string;
  readonly changedLast: string;
};

/**
 * Queues a refresh for everyone whose score the changes touch, once each.
 *
 * An hour's owner is read now, strongly consistent and after the change: so a bind that came between is covered,
 * and a later one has its own record.
 */
export async function announceRefreshes(
  deps: AnnounceRefreshesDeps,
  changes: readonly CommittedChange[],
): Promise<void> {
  const deviceIds = [...new Set(changes.flatMap(({ change }) => (isOfItsOwner(change) ? [change.deviceId] : [])))];
  const found = await settleAll(deviceIds, PARALLEL_READS, (deviceId) => deps.devices.find(deviceId));
  const ownerOf = new Map(
    found.flatMap((device) => (device?.owner === undefined ? [] : [[device.deviceId, device.owner]])),
  );

  const touched = new Map<AccountId, Touched>();
  for (const { change, committedAt } of changes) {
    for (const account of usernamesOf(change, ownerOf)) {
      const now = {
        days: daysOf(change),
        reports: change.kind === 'report-changed',
        registry: change.kind === 'registry-changed',
        ledger: change.kind === 'ledger-changed',
        changedAt: committedAt,
        changedLast: committedAt,
      };
      const before = touched.get(account);
      touched.set(account, before === undefined ? now : both(before, now));
    }
  }
  const requests = [...touched].map(([username, { days, reports, registry, ledger, changedAt, changedLast }]) => ({
    username,
    changedAt,
    changedBefore: isoOf(Date.parse(changedLast) + ROUNDED_MS),
    ...(days === null ? {} : { days: [...days].sort() }),
    ...(reports ? { reports } : {}),
    ...(registry ? { registry } : {}),
    ...(ledger || days === null ? {} : { ledger }),
  }));
  if (requests.length > 0) await deps.requestRefreshes(requests);
}

/** Only anonymous events count for the device's owner. The others need no read of the device. */
const isOfItsOwner = (change: CommittedChange['change']): change is HourChange =>
  change.kind === 'hour-changed' && change.isAnonymous;

function usernamesOf(change: CommittedChange['change'], ownerOf: ReadonlyMap<string, AccountId>): readonly AccountId[] {
  switch (change.kind) {
    case 'hour-changed': {
      const owner = isOfItsOwner(change) ? ownerOf.get(change.deviceId) : undefined;
      return owner === undefined ? change.senders : [...change.senders, owner];
    }
    case 'device-changed':
      return change.owners;
    case 'link-changed':
    case 'report-changed':
    case 'ledger-changed':
    case 'registry-changed':
    case 'profile-changed':
      return [change.username];
    case 'extension-changed': // the users it counts for have rows of their own
    case 'standing-changed': // by a refresh, which must not ask for another
    case 'account-erased': // nothing is computed for it any more
      return [];
  }
}

function daysOf(change: CommittedChange['change']): ReadonlySet<UtcDate> | null {
  switch (change.kind) {
    case 'hour-changed':
      return new Set([dateOfHour(change.hour)]);
    case 'device-changed':
    case 'link-changed':
      return null;
    case 'report-changed':
    case 'ledger-changed':
    case 'extension-changed':
    case 'standing-changed':
    case 'account-erased':
      return new Set();
    case 'profile-changed':
      return change.isMerge === true ? null : new Set(); // the profile is read by every refresh
    case 'registry-changed':
      return change.isRemoval ? null : new Set();
  }
}

/**
 * The refresh lag counts from the oldest change that a refresh covers. A refresh that has seen the newest has seen all.
 */
const both = (a: Touched, b: Touched): Touched => ({
  days: a.days === null || b.days === null ? null : a.days.union(b.days),
  reports: a.reports || b.reports,
  registry: a.registry || b.registry,
  ledger: a.ledger || b.ledger,
  changedAt: a.changedAt < b.changedAt ? a.changedAt : b.changedAt,
  changedLast: a.changedLast > b.changedLast ? a.changedLast : b.changedLast,
});
