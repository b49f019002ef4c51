import { describe, expect, it } from 'vitest';
import type { AccountId } from '../../../domain/identity/account.ts';
import type { Device, Unbinding } from '../../../domain/telemetry/device-store.port.ts';
import { unbindDevice } from '../../../domain/telemetry/unbind-device.ts';
import { aUsername } from '../../builders/identity.ts';

/** A device that others bind again each time before it can be unbound. */
const aDeviceOf = (...owners: readonly AccountId[]) => {
  const left = [...owners];
  return {
    owners: left,
    find: async (deviceId: string) => ({ deviceId, ...(left[0] === undefined ? {} : { owner: left[0] }) }),
    unbind: async (_deviceId: string, owner: AccountId | undefined) => {
      const isTheirs = left.length === 1 && left[0] === owner;
      left.shift();
      return isTheirs ? ('unbound' as const) : ('not-theirs' as const);
    },
  };
};

it('a device that gets a new owner during an unbind is unbound from that owner as well', async () => {
  const devices = aDeviceOf(aUsername('ada'), aUsername('bob'), aUsername('cy'));

  expect(await unbindDevice({ devices, clock: () => 0 }, 'd1')).toEqual({ ok: true, value: 'unbound' });
  expect(devices.owners).toEqual([]);
});

it('a device that is bound again without end is not reported as unbound', async () => {
  const devices = aDeviceOf(...Array.from({ length: 29 }, (_, n) => aUsername(`user-${n}`)));

  await expect(unbindDevice({ devices, clock: () => 0 }, 'd1')).rejects.toThrow();
});

describe('a device that is given to another account, or whose owner is barred', () => {
  const [ada, bob] = [aUsername('ada'), aUsername('bob')];
  /** A stored device, and all changes that were requested. */
  const stored = (device: Partial<Device>) => {
    const asked: unknown[] = [];
    const find = async (deviceId: string) => ({ deviceId, ...device });
    const unbind = async (_deviceId: string, owner: AccountId | undefined, then?: Unbinding) => {
      asked.push({ owner, to: then?.to?.username, bar: then?.bar });
      return 'unbound' as const;
    };
    return { asked, deps: { devices: { find, unbind }, clock: () => 0 } };
  };

  it.each<[string, Partial<Device>, { to?: AccountId; bar?: boolean }, unknown[]]>([
    ['goes to another account', { owner: ada }, { to: bob }, [{ owner: ada, to: bob }]],
    ['goes to an account if it had no owner', {}, { to: bob }, [{ to: bob }]],
    ['stays with its current owner', { owner: bob }, { to: bob }, []],
    ['bars its owner', { owner: ada }, { bar: true }, [{ owner: ada, bar: ada }]],
    ['bars its last owner', { lastOwner: ada }, { bar: true }, [{ bar: ada }]],
    ['bars nobody twice', { lastOwner: ada, barred: [ada] }, { bar: true }, []],
    [
      'bars the old owner when another account gets it',
      { owner: ada },
      { to: bob, bar: true },
      [{ owner: ada, to: bob, bar: ada }],
    ],
    ['bars nobody if it had no owner', {}, { bar: true }, []],
  ])('%s', async (_rule, device, choice, expected) => {
    const { asked, deps } = stored(device);
    await unbindDevice(deps, 'd1', choice);

    expect(asked).toEqual(expected);
  });
});

it('a device is not given to an account that has too many', async () => {
  const devices = { ...aDeviceOf(aUsername('ada')), unbind: async () => 'full' as const };

  expect(await unbindDevice({ devices, clock: () => 0 }, 'd1', { to: aUsername('bob') })).toEqual({
    ok: false,
    error: 'too-many-devices',
  });
});
