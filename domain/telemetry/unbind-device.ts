import type { AccountId } from '../identity/account.ts';
import type { Clock } from '../shared/environment.ts';
import { err, ok, type Result } from '../shared/result.ts';
import { untilSaved, withoutPause } from '../shared/until-saved.ts';
import { isoOf } from '../shared/utc.ts';
import { deviceIdOf } from './device-id.ts';
import type { DeviceStore } from './device-store.port.ts';

export type UnbindDeps = { readonly devices: Pick<DeviceStore, 'find' | 'unbind'>; readonly clock: Clock };

/**
 * Takes a device from its owner: its anonymous events belong to nobody again. Events that name a sender stay the
 * sender's. `to` gives it to another account in the same write. `bar` keeps the owner, or the last one, from binding it
 * again; without either, the next authenticated event binds it again. Throws if the owner changes faster than the device
 * can be taken away.
 */
export async function unbindDevice(
  { devices, clock }: UnbindDeps,
  distinctId: string,
  { to, bar = false }: { readonly to?: AccountId | undefined; readonly bar?: boolean | undefined } = {},
): Promise<Result<'unbound', 'unknown-device' | 'too-many-devices'>> {
  const deviceId = deviceIdOf(distinctId);
  return untilSaved<Result<'unbound', 'unknown-device' | 'too-many-devices'>>(
    withoutPause('owner of a device'),
    async () => {
      const device = await devices.find(deviceId);
      if (device === undefined) return err('unknown-device');
      const { owner, lastOwner, barred = [] } = device;
      const former = owner === to ? lastOwner : (owner ?? lastOwner);
      const toBar = bar && former !== undefined && former !== to && !barred.includes(former) ? former : undefined;
      if (owner === to && toBar === undefined) return ok('unbound');
      const given = to === undefined ? undefined : { username: to, at: isoOf(clock()) };
      const outcome = await devices.unbind(deviceId, owner, { to: given, bar: toBar });
      if (outcome === 'full') return err('too-many-devices');
      return outcome === 'unbound' ? ok(outcome) : 'stale';
    },
  );
}
