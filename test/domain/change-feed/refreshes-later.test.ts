import { describe, expect, it } from 'vitest';
import { refreshesLater } from '../../../domain/change-feed/refreshes-later.ts';
import type { ScoreRefreshRequested } from '../../../domain/messages/score-refresh.message.ts';
import { aUsername } from '../../builders/identity.ts';

const [ada, bob] = [aUsername('ada'), aUsername('bob')];
const AT = Date.parse('2026-08-21T12:00:00.000Z');
const CHANGED = { changedAt: '2026-08-21T11:59:59.000Z', changedBefore: '2026-08-21T12:00:00.000Z' };
const [TODAY, YESTERDAY] = ['2026-08-21', '2026-08-20'];

type Asked = Omit<ScoreRefreshRequested, 'username'> & { readonly username?: typeof ada };

function announcer(delaySeconds = 4) {
  const world = { now: AT, fails: false };
  const requests: ScoreRefreshRequested[] = [];
  const delays: number[] = [];
  const later = refreshesLater({
    request: async (some, seconds) => {
      if (world.fails) throw new Error('no queue');
      requests.push(...some);
      delays.push(...some.map(() => seconds));
    },
    delaySeconds,
    clock: () => world.now,
  });
  const ask = (...asked: readonly Asked[]) => later(asked.map((each) => ({ username: ada, ...CHANGED, ...each })));
  return { world, requests, delays, ask };
}

describe('a refresh that waits', () => {
  it.each<[what: string, first: Asked, second: Asked]>([
    ['of the same day', { days: [TODAY] }, { days: [TODAY] }],
    ['of one of its days', { days: [TODAY, YESTERDAY] }, { days: [YESTERDAY] }],
    ['of no day', { days: [TODAY] }, { days: [] }],
    ['of any day after one of all days', {}, { days: [TODAY], reports: true, registry: true }],
    ['of all days after one of all days', {}, {}],
    ['of reports', { days: [], reports: true }, { days: [], reports: true }],
  ])('covers one %s', async (_what, first, second) => {
    const { requests, ask } = announcer();
    await ask(first);
    await ask(second);

    expect(requests).toHaveLength(1);
  });

  it.each<[what: string, first: Asked, second: Asked]>([
    ['another day', { days: [TODAY] }, { days: [TODAY, YESTERDAY] }],
    ['all days', { days: [TODAY], reports: true, registry: true }, {}],
    ['reports', { days: [TODAY] }, { days: [], reports: true }],
    ['the registry', { days: [TODAY], reports: true }, { days: [], registry: true }],
    ['the list of grants', {}, { grants: true }],
    ['another account', {}, { username: bob, days: [TODAY] }],
  ])('does not stand for one of %s', async (_what, first, second) => {
    const { requests, ask } = announcer();
    await ask(first);
    await ask(second);

    expect(requests).toHaveLength(2);
  });

  it('covers others together with further ones, each for its parts', async () => {
    const { requests, ask } = announcer();
    await ask({ days: [TODAY] });
    await ask({ days: [YESTERDAY], reports: true });
    await ask({ days: [TODAY, YESTERDAY], reports: true });

    expect(requests).toHaveLength(2);
  });

  it('covers changes up to the time that its message names, and no longer', async () => {
    const { world, requests, ask } = announcer();
    await ask({ days: [TODAY] });
    const until = Date.parse(requests[0]!.changedBefore!);
    expect(until).toBeGreaterThan(AT);
    expect(until).toBeLessThan(AT + 4_000);

    world.now = until - 1;
    await ask({ days: [TODAY] });
    expect(requests).toHaveLength(1);

    world.now = until;
    await ask({ days: [TODAY] });
    expect(requests).toHaveLength(2);
  });

  it('waits a second longer for a busy account, and covers the changes of that second', async () => {
    const { world, requests, delays, ask } = announcer();
    for (const at of [0, 5_000, 9_499, 9_500, 20_000]) {
      world.now = AT + at;
      await ask({ days: [TODAY] }, ...(at === 5_000 ? [{ username: bob, days: [TODAY] }] : []));
    }

    expect(requests.map(({ username, changedBefore }, n) => [username, delays[n], changedBefore])).toEqual([
      [ada, 4, '2026-08-21T12:00:03.500Z'],
      [ada, 5, '2026-08-21T12:00:09.500Z'],
      [bob, 4, '2026-08-21T12:00:08.500Z'],
      [ada, 5, '2026-08-21T12:00:14.000Z'],
      [ada, 4, '2026-08-21T12:00:23.500Z'],
    ]);
  });

  it('names a later change if there was one', async () => {
    const { requests, ask } = announcer();
    await ask({ changedBefore: '2026-08-21T12:00:09.000Z' });

    expect(requests).toEqual([{ username: ada, ...CHANGED, changedBefore: '2026-08-21T12:00:09.000Z' }]);
  });

  it('covers nothing if the queue refused it', async () => {
    const { world, requests, ask } = announcer();
    world.fails = true;
    await expect(ask({})).rejects.toThrow('no queue');

    world.fails = false;
    await ask({});

    expect(requests).toHaveLength(1);
  });

  it('covers nothing without a delay', async () => {
    const { requests, delays, ask } = announcer(0);
    await ask({});
    await ask({});

    expect(requests).toHaveLength(2);
    expect(delays).toEqual([0, 0]);
  });
});
