import type { AccountId } from '../identity/account.ts';
import { settleAll } from '../shared/settle-all.ts';
import { deviceIdOf, furtherDevicesOf, isTrustedDevice } from './device-id.ts';
import {
  MAX_BOUND_TOGETHER,
  type DatedDevice,
  type Device,
  type DeviceStore,
  type SeenDevice,
} from './device-store.port.ts';
import type { TelemetryRecord } from './telemetry-event.ts';

const PARALLEL_SENDERS = 8;

/**
 * The events of one device and one sender in one request: the key's user, the user that a server reports for, or the one
 * that an import names.
 */
export type DeviceBatch = SeenDevice & {
  readonly sender: AccountId | null;
  readonly events: readonly TelemetryRecord[];
  /** Of anonymous events: whether they count for an owner. */
  readonly isOwned?: boolean;
};

/** Devices as they were a moment ago, by their ids; undefined for one that is not stored. */
export type DevicesSeen = ReadonlyMap<string, DatedDevice | undefined>;

type Placed = { readonly batch: DeviceBatch; readonly device: DatedDevice | undefined };

/** Reads the clients' own devices that events came from. */
export async function devicesSeen(devices: DeviceStore, events: readonly TelemetryRecord[]): Promise<DevicesSeen> {
  const own = events.filter(({ reportedFor }) => reportedFor === null);
  const ids = [...new Set(own.map(({ distinctId }) => deviceIdOf(distinctId)))];
  return new Map(await settleAll(ids, ids.length, async (id) => [id, await devices.lastSeen(id)] as const));
}

/**
 * Stores a device before its first event, and a sender's link before the first hour that names the sender: a link
 * without facts is harmless, a fact that no fold finds is not. Returns the batches with the devices to store them under.
 */
export async function placeDevices(
  devices: DeviceStore,
  batches: readonly DeviceBatch[],
  { seen, isImported }: { readonly seen: DevicesSeen; readonly isImported: boolean },
): Promise<readonly DeviceBatch[]> {
  const known = await settleAll(batches, batches.length, async (batch): Promise<Placed> => {
    const { deviceId, sender, at } = batch;
    if (sender !== null && isTrustedDevice(deviceId)) {
      if (!(await devices.isLinked(deviceId, sender))) await devices.link(deviceId, sender);
      return { batch, device: undefined };
    }
    const device = seen.get(deviceId);
    if (sender === null && device === undefined) await devices.register(deviceId, at);
    return { batch, device };
  });
  // An import may name several senders of one device: the first binds it.
  const firstOfDevice = new Set([...new Map(known.toReversed().map((each) => [each.batch.deviceId, each])).values()]);
  const places = new Map<DeviceBatch, DeviceBatch>();
  for (const isFirst of [true, false]) {
    const round = known.filter((each) => firstOfDevice.has(each) === isFirst);
    const bySender = Map.groupBy(round, ({ batch: { sender, deviceId } }) =>
      isTrustedDevice(deviceId) ? null : sender,
    );
    await settleAll([...bySender], PARALLEL_SENDERS, async ([sender, own]) => {
      const anonymous = () =>
        own.map(({ batch, device }) => ({ ...batch, isOwned: batch.sender !== null || device?.owner !== undefined }));
      const placed = sender === null ? anonymous() : await placeOwn(devices, sender, own);
      for (const [index, { batch }] of own.entries()) places.set(batch, placed[index] ?? batch);
    });
  }
  // Imports and clients come in any order: the earliest time tells when a device was new.
  const since = new Map([...firstOfDevice].map(({ batch, device }) => [batch.deviceId, device?.createdAt ?? batch.at]));
  const older = isImported ? batches.filter(({ deviceId, at }) => at < (since.get(deviceId) ?? at)) : [];
  await settleAll(older, PARALLEL_SENDERS, ({ deviceId, at }) => devices.seenBefore(deviceId, at));
  return batches.map((batch) => places.get(batch) ?? batch);
}

/** Binds the devices that a user sent from, or links those that are another's. */
async function placeOwn(
  devices: DeviceStore,
  sender: AccountId,
  known: readonly Placed[],
): Promise<readonly DeviceBatch[]> {
  const mayBind = (device: Device | undefined) =>
    device?.owner === undefined && device?.barred?.includes(sender) !== true;
  const free = known.flatMap(({ batch, device }) => (mayBind(device) ? [batch] : []));
  const bound = new Set<DeviceBatch>();
  for (let from = 0; from < free.length && free.length > 1; from += MAX_BOUND_TOGETHER) {
    const some = free.slice(from, from + MAX_BOUND_TOGETHER);
    if (await devices.bindTogether(some, sender)) for (const batch of some) bound.add(batch);
  }
  const further = furtherDevicesOf(sender);
  let isFull = false;
  // One after the other: each new device of an account moves the same count.
  return settleAll(known, 1, async ({ batch, device }) => {
    const { deviceId, at } = batch;
    if (device?.owner === sender || bound.has(batch)) return batch;
    if (isFull && !(await devices.isLinked(deviceId, sender))) return { ...batch, deviceId: further };
    const outcome = mayBind(device) ? await devices.bind(deviceId, sender, at) : 'already-owned';
    if (outcome === 'bound') return batch;
    if (outcome !== 'full' && (await devices.link(deviceId, sender)) === 'linked') return batch;
    if (!isFull) await devices.link(further, sender);
    isFull = true;
    return { ...batch, deviceId: further };
  });
}
