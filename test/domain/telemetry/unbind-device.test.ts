import { expect, it } from 'vitest';
import type { Username } from '../../../domain/identity/username.ts';
import { unbindDevice } from '../../../domain/telemetry/unbind-device.ts';
import { aUsername } from '../../builders/identity.ts';

/** One device, which others bind again each time before it can be taken away. */
const aDeviceOf = (...owners: readonly Username[]) => {
  const left = [...owners];
  return {
    owners: left,
    find: async (deviceId: string) => ({ deviceId, ...(left[0] === undefined ? {} : { owner: left[0] }) }),
    unbind: async (_deviceId: string, owner: Username) => {
      const isTheirs = left.length === 1 && left[0] === owner;
      left.shift();
      return isTheirs ? ('unbound' as const) : ('not-theirs' as const);
    },
  };
};

it('a device that got another owner while it was unbound is taken from that one as well', async () => {
  const devices = aDeviceOf(aUsername('ada'), aUsername('bob'), aUsername('cy'));

  expect(await unbindDevice({ devices }, 'd1')).toEqual({ ok: true, value: 'unbound' });
  expect(devices.owners).toEqual([]);
});

it('a device that is bound again without end is not said to be unbound', async () => {
  const devices = aDeviceOf(...Array.from({ length: 9 }, (_, n) => aUsername(`user-${n}`)));

  await expect(unbindDevice({ devices }, 'd1')).rejects.toThrow();
});
