import { err, ok, type Result } from '../shared/result.ts';
import { deviceIdOf } from './device-id.ts';
import type { DeviceStore } from './device-store.port.ts';

const MAX_ATTEMPTS = 5;

/**
 * Takes a device's ownership away: the exact inverse of its bind. Its anonymous events are nobody's again, those that name
 * a sender stay the sender's, and the next authenticated event binds it anew. A device without an owner stays as it is.
 */
export async function unbindDevice(
  { devices }: { readonly devices: Pick<DeviceStore, 'find' | 'unbind'> },
  distinctId: string,
): Promise<Result<'unbound', 'unknown-device'>> {
  const deviceId = deviceIdOf(distinctId);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const device = await devices.find(deviceId);
    if (device === undefined) return err('unknown-device');
    if (device.owner === undefined) return ok('unbound');
    if ((await devices.unbind(deviceId, device.owner)) === 'unbound') return ok('unbound');
  }
  throw new Error(`a device was bound again ${MAX_ATTEMPTS} times while it was unbound`);
}
