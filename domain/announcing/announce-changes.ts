import type { Username } from '../identity/username.ts';
import type { ScoreRefreshRequested } from '../scoring/score-refresh.message.ts';
import { settleAll } from '../shared/settle-all.ts';
import { dateOfHour, type UtcDate } from '../shared/utc.ts';
import type { DeviceStore } from '../telemetry/device-store.port.ts';
import type { CommittedChange } from './telemetry-change.ts';

export type AnnounceDeps = {
  readonly devices: Pick<DeviceStore, 'find'>;
  /** Queues every request, or throws. */
  readonly requestRefreshes: (requests: readonly ScoreRefreshRequested[]) => Promise<void>;
};

const PARALLEL_READS = 8;

/** Which days of a user; null where the change concerns more than known days. */
type Touched = { readonly days: ReadonlySet<UtcDate> | null; readonly changedAt: string };

/**
 * Queues a refresh for everyone whose score the changes touch, once each.
 *
 * An hour's owner is read now, strongly consistent and after the change: a bind that came between is thereby covered,
 * and a later one has its own record.
 */
export async function announceChanges(deps: AnnounceDeps, changes: readonly CommittedChange[]): Promise<void> {
  const deviceIds = [
    ...new Set(changes.flatMap(({ change }) => (change.kind === 'hour-changed' ? [change.deviceId] : []))),
  ];
  const found = await settleAll(deviceIds, PARALLEL_READS, (deviceId) => deps.devices.find(deviceId));
  const ownerOf = new Map(
    found.flatMap((device) => (device?.owner === undefined ? [] : [[device.deviceId, device.owner]])),
  );

  const touched = new Map<Username, Touched>();
  for (const { change, committedAt } of changes) {
    for (const username of usernamesOf(change, ownerOf)) {
      const day = change.kind === 'hour-changed' ? dateOfHour(change.hour) : null;
      touched.set(username, add(touched.get(username), day, committedAt));
    }
  }
  const requests = [...touched].map(([username, { days, changedAt }]) =>
    days === null ? { username, changedAt } : { username, days: [...days].sort(), changedAt },
  );
  if (requests.length > 0) await deps.requestRefreshes(requests);
}

function usernamesOf(change: CommittedChange['change'], ownerOf: ReadonlyMap<string, Username>): readonly Username[] {
  switch (change.kind) {
    case 'hour-changed': {
      const owner = ownerOf.get(change.deviceId);
      return owner === undefined ? change.senders : [...change.senders, owner];
    }
    case 'owner-changed':
      return change.owners;
    case 'link-changed':
      return [change.username];
  }
}

/** The refresh lag is measured from the oldest change that a refresh covers. */
function add(before: Touched | undefined, day: UtcDate | null, committedAt: string): Touched {
  const changedAt = before !== undefined && before.changedAt < committedAt ? before.changedAt : committedAt;
  if (day === null || before?.days === null) return { days: null, changedAt };
  return { days: new Set([...(before?.days ?? []), day]), changedAt };
}
