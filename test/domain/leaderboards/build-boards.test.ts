import { describe, expect, it, vi } from 'vitest';
import { BOARDS, ranksAllBut } from '../../../domain/leaderboards/board.ts';
import { LAYOUT } from '../../../domain/leaderboards/layout.ts';
import { buildBoards, retentionOf } from '../../../domain/leaderboards/build-boards.ts';
import { rankOnRequest } from '../../../domain/leaderboards/rank-on-request.ts';
import type { RankRequested } from '../../../domain/messages/rank.message.ts';
import { isoOf } from '../../../domain/shared/utc.ts';
import { aStanding, LeaderboardWorld } from '../../builders/memory-leaderboards.ts';

const steps = [{ through: '2026-08-20', score: 0 }];

describe('a build', () => {
  it('reads all scores once and switches readers of every board to the result', async () => {
    const world = new LeaderboardWorld([aStanding('ada', 5, { steps }), aStanding('ben', 7), aStanding('cy', 0)]);

    const built = await buildBoards(world.build);

    const asOf = isoOf(world.now);
    expect(built).toEqual([
      { board: 'alltime', asOf, total: 2, scores: 3, outcome: 'switched' },
      { board: 'today', asOf, total: 1, scores: 3, outcome: 'switched' },
      { board: 'week', asOf, total: 1, scores: 3, outcome: 'switched' },
      { board: 'season', asOf, total: 1, scores: 3, outcome: 'switched' },
    ]);
    expect(world.scans).toBe(1);
    expect(world.store.rowsOf(world.store.pointers.get('alltime')!)).toEqual([
      { username: 'ben', points: 7, canonicalScore: 7, tier: 'Seedling', rulesVersion: '1' },
      { username: 'ada', points: 5, canonicalScore: 5, tier: 'Seedling', rulesVersion: '1' },
    ]);
    expect(world.sorters.open).toBe(0);
  });

  it('has the time before the first read', async () => {
    const world = new LeaderboardWorld([aStanding('ada', 5)]);
    const began = world.now;
    world.store.step = async () => {
      world.now += 1_000;
    };

    await buildBoards(world.build);

    expect([...world.store.pointers.values()].map(({ asOf }) => asOf)).toEqual(BOARDS.map(() => isoOf(began)));
  });

  it('of a month is the gain since its first date; its last one is kept when it has ended, and shown by its last second', async () => {
    const boards = [
      { name: 'alltime', title: 'All time', window: 'all' },
      { name: 'month', title: 'Month', window: 'month' },
    ] as const;
    const points = [10, 25, 60]; // at the end of July, at the end of August, now
    const ada = (score: number) =>
      aStanding('ada', score, {
        steps: [{ through: '2026-07-31', score: 10 }, ...(score > 25 ? [{ through: '2026-08-31', score: 25 }] : [])],
      });
    const world = new LeaderboardWorld([ada(25)]);
    await buildBoards({ ...world.build, boards }); // on 2026-08-21
    world.people = [ada(60)]; // a late event of August may be among it
    world.now = Date.parse('2026-09-02T08:00:00.000Z');
    const built = await buildBoards({ ...world.build, boards });

    expect(built.map(({ board, asOf }) => [board, asOf])).toEqual([
      ['alltime', '2026-09-02T08:00:00.000Z'],
      ['month', '2026-08-31T23:59:59.000Z'],
      ['month', '2026-09-02T08:00:00.000Z'],
    ]);
    const rowsAt = async (at: string) =>
      world.store.rowsOf((await world.store.newestAt('month', at))!).map((row) => row.points);
    expect(await rowsAt('2026-08-31T23:59:59.000Z')).toEqual([points[1]! - points[0]!]);
    expect(await rowsAt('2026-09-02T09:00:00.000Z')).toEqual([points[2]! - points[1]!]);
    expect(world.store.kept.get('month 2026-08-31T23:59:59.000Z')?.retention).toBe('daily'); // for good
    world.now += 1_000;
    expect(await buildBoards({ ...world.build, boards })).toHaveLength(2); // once
  });

  it('leaves out who is not ranked', async () => {
    const world = new LeaderboardWorld(['ada', 'build-bot', 'bot.x', 'botox'].map((name) => aStanding(name, 5)));

    await buildBoards({ ...world.build, whoIsRanked: async () => ranksAllBut(['*-bot', 'bot.x']) });

    expect(world.store.rowsOf(world.store.pointers.get('alltime')!).map(({ username }) => username)).toEqual([
      'ada',
      'botox',
    ]);
  });

  it('writes no blocks while few rows changed, and all that changed at once', async () => {
    const people = Array.from({ length: 100 }, (_, n) => aStanding(`u${n}`, 500 - n));
    const world = new LeaderboardWorld(people);
    const rise = async (count: number) => {
      world.people = people.map((each, n) => (n < count ? { ...each, canonicalScore: 700 + n } : each));
      world.now += 60_000;
      await buildBoards(world.build);
      const newest = world.store.pointers.get('alltime')!;
      expect(world.store.rowsOf(newest).map(({ points }) => points)).toEqual(
        world.people.map(({ canonicalScore }) => canonicalScore).toSorted((a, b) => b - a),
      );
      return { blocks: world.store.leaves.size + world.store.buckets.size, changes: newest.patch?.come.length };
    };

    const { blocks } = await rise(0);
    expect(await rise(LAYOUT.changes)).toEqual({ blocks, changes: LAYOUT.changes });
    expect(await rise(LAYOUT.changes + 1)).toEqual({ blocks: expect.any(Number), changes: undefined });
    expect(world.store.leaves.size + world.store.buckets.size).toBeGreaterThan(blocks);
  });

  it('follows two with the same points who change places by their age alone', async () => {
    const world = new LeaderboardWorld([aStanding('ada', 5, { since: 1 }), aStanding('bob', 5, { since: 2 })]);
    await buildBoards(world.build);
    world.people = [aStanding('ada', 5, { since: 3 }), aStanding('bob', 5, { since: 2 })];
    world.now += 60_000;
    await buildBoards(world.build);

    const rows = world.store.rowsOf(world.store.pointers.get('alltime')!);
    expect(rows.map(({ username }) => username)).toEqual(['bob', 'ada']);
  });

  it('without users is a board without rows', async () => {
    const world = new LeaderboardWorld();

    await buildBoards(world.build);

    expect(world.store.pointers.get('alltime')).toMatchObject({ total: 0, leaves: [], buckets: [] });
  });

  it.each([0, -1])('does not replace one that started at the same time or later (%d ms)', async (later) => {
    const world = new LeaderboardWorld([aStanding('ada', 5)]);
    await buildBoards(world.build);

    const write = vi.spyOn(world.store, 'write');
    world.people = [aStanding('ada', 6)];
    const built = await buildBoards(world.build, world.now + later);

    expect(built.map(({ outcome }) => outcome)).toEqual(BOARDS.map(() => 'superseded'));
    expect(world.store.switches).toHaveLength(BOARDS.length);
    expect(write).not.toHaveBeenCalled();
  });

  it.each([
    ['daily: the first', null, '2026-08-21T12:00:00.000Z', 'daily'],
    ['daily: the first of a date', '2026-08-20T23:59:59.999Z', '2026-08-21T00:00:00.000Z', 'daily'],
    ['hourly: the first of an hour', '2026-08-21T11:59:59.999Z', '2026-08-21T12:00:00.000Z', 'hourly'],
    ['recent: any other', '2026-08-21T12:00:00.000Z', '2026-08-21T12:59:59.999Z', 'recent'],
  ])('is kept as %s', (_rule, before, asOf, keep) => {
    expect(retentionOf(before === null ? null : { asOf: before }, asOf)).toBe(keep);
  });

  it('is kept by the snapshot that readers saw when it started', async () => {
    const world = new LeaderboardWorld([aStanding('ada', 5)]);
    for (const minutes of [0, 1, 60, 61, 720]) {
      world.now = Date.parse('2026-08-21T12:00:00.000Z') + minutes * 60_000;
      await buildBoards(world.build);
    }

    const kept = [...world.store.kept.values()].filter(({ snapshot }) => snapshot.board === 'week');
    expect(kept.map(({ retention }) => retention)).toEqual(['daily', 'recent', 'hourly', 'recent', 'daily']);
  });
});

/** The outcome of a request for changes of these ages, if the boards were built `builtAgo` ms ago. */
async function requested(changesAgo: readonly (number | undefined)[], { builtAgo = 60_000, scores = 1 } = {}) {
  const world = new LeaderboardWorld([aStanding('ada', 5)]);
  await buildBoards(world.build);
  for (const [board, snapshot] of world.store.pointers) world.store.pointers.set(board, { ...snapshot, scores });
  world.now += builtAgo;
  const later: (readonly [number, RankRequested])[] = [];
  const deps = {
    ...world.build,
    requestLater: async (...args: readonly [number, RankRequested]) => void later.push(args),
  };
  const requests = changesAgo.map((ago) => (ago === undefined ? {} : { changedBefore: isoOf(world.now - ago) }));
  const outcome = await rankOnRequest(deps, requests);
  return { outcome, later, world, wasRead: world.scans > 1 };
}

describe('a request', () => {
  it('is built if a change came after the last build', async () => {
    const { outcome, later, world } = await requested([80_000, 1_000]);

    expect(outcome).toMatchObject({ kind: 'built', boards: BOARDS.map((board) => ({ board, outcome: 'switched' })) });
    expect(world.store.switches).toHaveLength(2 * BOARDS.length);
    expect(later).toEqual([]);
  });

  it('is skipped if each change was made long enough before the last build', async () => {
    const { outcome, wasRead } = await requested([65_001, 80_000]);

    expect(outcome).toEqual({ kind: 'done-since' });
    expect(wasRead).toBe(false);
  });

  it('is not skipped within the margin of clock differences', async () => {
    expect((await requested([65_000])).wasRead).toBe(true);
  });

  it('is not skipped while one of the boards is older', async () => {
    const { world } = await requested([]);
    world.store.pointers.delete('season');
    const request = { changedBefore: isoOf(world.now - 3_600_000) };

    expect((await rankOnRequest({ ...world.build, requestLater: async () => {} }, [request])).kind).toBe('built');
  });

  it('is built for where the boards are dated so far ahead that only a wrong clock can have built them', async () => {
    const { world } = await requested([]);
    const aheadBy = (days: number) => buildBoards(world.build, world.now + days * 86_400_000);
    const ask = () =>
      rankOnRequest({ ...world.build, requestLater: async () => {} }, [{ changedBefore: isoOf(world.now) }]);
    await aheadBy(2);
    expect((await ask()).kind).toBe('done-since');

    await aheadBy(400);
    const ahead = BOARDS.map((board) => ({ board, asOf: isoOf(world.now + 400 * 86_400_000) }));
    expect(await ask()).toMatchObject({ kind: 'built', ahead, boards: BOARDS.map(() => ({ outcome: 'switched' })) });
    expect(world.store.pointers.get('alltime')?.asOf).toBe(isoOf(world.now));
  });

  it('is always built for a request without a time', async () => {
    expect((await requested([undefined], { scores: 100_001 })).outcome.kind).toBe('built');
  });

  it('waits above 100,000 scores until 15 minutes after the last build', async () => {
    const { outcome, later, world, wasRead } = await requested([2_000, 1_000, 3_000], { scores: 100_001 });

    expect(outcome).toEqual({ kind: 'later', delaySeconds: 840 });
    expect(later).toEqual([[840, { changedBefore: isoOf(world.now - 1_000) }]]);
    expect(wasRead).toBe(false);
  });

  it.each([
    [24_999, 0],
    [49_999, 60],
    [50_000, 120],
    [100_000, 240],
  ])('with %i scores waits for %i seconds after the last build', async (scores, seconds) => {
    if (seconds > 0) {
      const early = await requested([1_000], { scores, builtAgo: 1_000 * (seconds - 1) });
      expect([early.outcome, early.wasRead]).toEqual([{ kind: 'later', delaySeconds: 1 }, false]);
    }
    const { outcome } = await requested([-1_000], { scores, builtAgo: 1_000 * seconds });
    expect(outcome.kind).toBe('built');
  });

  it.each([['once they have passed', { scores: 100_001, builtAgo: 900_000 }]])(
    'does not wait %s',
    async (_rule, given) => {
      expect((await requested([1_000], given)).outcome.kind).toBe('built');
    },
  );

  it('never waits longer than a queue can delay a message', async () => {
    expect((await requested([-60_000], { scores: 100_001, builtAgo: -60_000 })).outcome).toEqual({
      kind: 'later',
      delaySeconds: 900,
    });
  });
});
