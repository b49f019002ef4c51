import { describe, expect, it } from 'vitest';
import { hourAnnouncer, ROLL_UP_DELAY_SECONDS } from '../../../domain/change-feed/announce-hours.ts';
import type { CommittedChange } from '../../../domain/change-feed/committed-change.ts';
import { RollUpRequested } from '../../../domain/messages/roll-up.message.ts';
import { aUsername } from '../../builders/identity.ts';
import { anAnnouncer, AT } from './an-announcer.ts';

const [ada, hour, other] = [aUsername('ada'), '2026-08-21T11', '2026-08-20T23'];
const events = (of = hour): CommittedChange['change'] => ({
  kind: 'hour-changed',
  deviceId: 'd1',
  hour: of,
  senders: [],
  isAnonymous: true,
});

const announcer = () =>
  anAnnouncer<RollUpRequested>(({ request, clock }) => hourAnnouncer({ requestRollUps: request, clock }));

describe('the hours of changes are announced', () => {
  it.each<[what: string, change: CommittedChange['change'], hours: string[]]>([
    ['of events', events(), [hour]],
    ['of a new device', { kind: 'device-changed', owners: [], hours: [hour] }, [hour]],
    ['of a grant', { kind: 'ledger-changed', username: ada, hours: [hour] }, [hour]],
    ['of a pull', { kind: 'registry-changed', username: ada, isRemoval: false, hours: [hour] }, [hour]],
    ['of a version', { kind: 'extension-changed', hours: [hour] }, [hour]],
    ['not of a link', { kind: 'link-changed', username: ada }, []],
    ['not of a report', { kind: 'report-changed', username: ada }, []],
  ])('%s', async (_what, change, hours) => {
    const { requests, changed } = announcer();
    await changed(change);

    expect(requests.map((request) => request.hour)).toEqual(hours);
  });

  it('once per batch, in messages with the time up to which they cover changes', async () => {
    const { requests, changed } = announcer();
    await changed(events(), events(other), events());

    expect(requests.map((request) => request.hour)).toEqual([other, hour]);
    for (const request of requests) {
      expect(RollUpRequested.parse(request)).toEqual(request);
      const covered = Date.parse(request.changedBefore!) - AT;
      expect(covered).toBeGreaterThan(0);
      expect(covered).toBeLessThan(ROLL_UP_DELAY_SECONDS * 1_000);
    }
  });

  it('again only when the announcement no longer covers new changes', async () => {
    const { world, requests, changed } = announcer();
    await changed(events());
    const until = Date.parse(requests[0]!.changedBefore!);

    world.now = until - 1;
    await changed(events());
    expect(requests).toHaveLength(1);

    world.now = until;
    await changed(events());
    expect(requests).toHaveLength(2);
  });

  it('again if the queue refused them', async () => {
    const { world, requests, changed } = announcer();
    world.fails = true;
    await expect(changed(events())).rejects.toThrow();

    world.fails = false;
    await changed(events());

    expect(requests).toHaveLength(1);
  });
});

describe('a message about an hour', () => {
  it.each([['2026-08-21T13'], ['2024-02-29T00']])('names one of the calendar, as %s', (of) => {
    expect(RollUpRequested.safeParse({ hour: of }).success).toBe(true);
  });

  it.each([['2026-08-21T24'], ['2026-02-30T00'], ['2026-08-21'], ['2026-08-21T13:00'], [13]])(
    'is refused with %j',
    (of) => {
      expect(RollUpRequested.safeParse({ hour: of }).success).toBe(false);
    },
  );
});
