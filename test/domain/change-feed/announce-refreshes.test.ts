import { describe, expect, it } from 'vitest';
import { announceRefreshes } from '../../../domain/change-feed/announce-refreshes.ts';
import type { CommittedChange } from '../../../domain/change-feed/committed-change.ts';
import { aUsername } from '../../builders/identity.ts';

const [ada, bob, cy] = [aUsername('ada'), aUsername('bob'), aUsername('cy')];
const AT = '2026-08-21T12:00:00.000Z';
const EARLIER = '2026-08-21T11:00:00.000Z';
const DATED = { changedAt: AT, changedBefore: '2026-08-21T12:00:01.000Z' };

const hour = (
  change: {
    deviceId?: string;
    hour?: string;
    senders?: readonly ReturnType<typeof aUsername>[];
    isAnonymous?: boolean;
  } = {},
) => ({
  kind: 'hour-changed' as const,
  deviceId: 'd1',
  hour: '2026-08-21T11',
  senders: [],
  isAnonymous: true,
  ...change,
});
const committed = (change: CommittedChange['change'], committedAt = AT): CommittedChange => ({ change, committedAt });

/** The refreshes requested for changes, with these owners of devices. */
async function requested(
  changes: readonly CommittedChange[],
  owners: Record<string, ReturnType<typeof aUsername>> = {},
) {
  const requests: unknown[] = [];
  const reads: string[] = [];
  await announceRefreshes(
    {
      devices: {
        async find(deviceId) {
          reads.push(deviceId);
          const owner = owners[deviceId];
          return owner === undefined ? undefined : { deviceId, owner };
        },
      },
      requestRefreshes: async (some) => void requests.push(...some),
    },
    changes,
  );
  return { requests, reads };
}

describe('a change is announced', () => {
  it.each<[what: string, change: CommittedChange['change'], requests: object[]]>([
    [
      'of an hour to the owner of its device',
      hour(),
      [{ username: ada, days: ['2026-08-21'], ledger: false, ...DATED }],
    ],
    [
      'of an hour to every account in it',
      hour({ deviceId: 'd2', senders: [bob, cy] }),
      [
        { username: bob, days: ['2026-08-21'], ledger: false, ...DATED },
        { username: cy, days: ['2026-08-21'], ledger: false, ...DATED },
      ],
    ],
    [
      'of an hour to its senders alone if no event without a sender came or went',
      hour({ senders: [bob], isAnonymous: false }),
      [{ username: bob, days: ['2026-08-21'], ledger: false, ...DATED }],
    ],
    ['of an hour of a device without an owner to nobody', hour({ deviceId: 'd2' }), []],
    [
      'of an owner to both owners, for all their days',
      { kind: 'device-changed', owners: [ada, bob], hours: [] },
      [
        { username: ada, ...DATED },
        { username: bob, ...DATED },
      ],
    ],
    ['of a link for all days', { kind: 'link-changed', username: bob }, [{ username: bob, ...DATED }]],
    [
      'of a report of a server for no day of telemetry',
      { kind: 'report-changed', username: bob },
      [{ username: bob, days: [], reports: true, ledger: false, ...DATED }],
    ],
    [
      'of a grant or a balance for no day of telemetry',
      { kind: 'ledger-changed', username: cy, hours: ['2026-08-21T11'] },
      [{ username: cy, days: [], ...DATED }],
    ],
    [
      'of a publish or a pull for no day of telemetry',
      { kind: 'registry-changed', username: ada, hours: [], isRemoval: false },
      [{ username: ada, days: [], registry: true, ledger: false, ...DATED }],
    ],
    [
      'of a manual deletion in the registry for all days',
      { kind: 'registry-changed', username: ada, hours: [], isRemoval: true },
      [{ username: ada, registry: true, ...DATED }],
    ],
    ['of an extension to nobody', { kind: 'extension-changed', hours: ['2026-08-21T11'] }, []],
  ])('%s', async (_rule, change, expected) => {
    expect((await requested([committed(change)], { d1: ada })).requests).toEqual(expected);
  });

  it('once per username of a batch, with all days and the oldest and newest change', async () => {
    const changes = [
      committed(hour({ hour: '2026-08-21T00', senders: [ada] })),
      committed(hour({ hour: '2026-08-20T23' }), EARLIER),
      committed(hour({ hour: '2026-08-21T11' })),
    ];

    const { requests, reads } = await requested(changes, { d1: ada });

    expect(requests).toEqual([
      { username: ada, days: ['2026-08-20', '2026-08-21'], ledger: false, ...DATED, changedAt: EARLIER },
    ]);
    expect(reads).toEqual(['d1']);
  });

  it('without a look at the device if no event without a sender came or went', async () => {
    const { reads } = await requested([committed(hour({ senders: [bob], isAnonymous: false }))]);

    expect(reads).toEqual([]);
  });

  it.each([0, 1])('for all days if one change of a batch affects all days (%d)', async (first) => {
    const changes = [committed(hour()), committed({ kind: 'device-changed', owners: [ada], hours: [] })];
    const inOrder = first === 0 ? changes : changes.toReversed();

    expect((await requested(inOrder, { d1: ada })).requests).toEqual([{ username: ada, ...DATED }]);
  });

  it('not at all if no account is affected', async () => {
    let calls = 0;
    const requestRefreshes = async () => void (calls += 1);
    await announceRefreshes({ devices: { find: async () => undefined }, requestRefreshes }, [committed(hour())]);

    expect(calls).toBe(0);
  });

  it('or the batch fails', async () => {
    const deps = {
      devices: { find: async () => ({ deviceId: 'd1', owner: ada }) },
      requestRefreshes: () => Promise.reject(new Error('no queue')),
    };

    await expect(announceRefreshes(deps, [committed(hour())])).rejects.toThrow('no queue');
  });
});
