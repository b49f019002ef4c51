import { beforeEach, describe, expect, it } from 'vitest';
import { AccountId } from '../../../domain/identity/account.ts';
import { BOARDS } from '../../../domain/leaderboards/board.ts';
import { buildBoards } from '../../../domain/leaderboards/build-boards.ts';
import type { Layout } from '../../../domain/leaderboards/layout.ts';
import { pageOf, readPlace, rankOf } from '../../../domain/leaderboards/read-boards.ts';
import { BoardPlaceView, BoardView } from '../../../domain/leaderboards/views.ts';
import { err, ok } from '../../../domain/shared/result.ts';
import { isoOf } from '../../../domain/shared/utc.ts';
import { aStanding, LeaderboardWorld } from '../../builders/memory-leaderboards.ts';

const small: Layout = { leaf: { most: 8, filled: 6, fewest: 2, average: 2 }, bucket: 4, changes: 0 };
const MINUTE = 60_000;

/** `u1` has the most points of twenty and rank 1. */
const people = (points = 100) => Array.from({ length: 20 }, (_, index) => aStanding(`u${index + 1}`, points - index));
const names = (rows: readonly { readonly username: string }[]): string[] => rows.map(({ username }) => username);

let world: LeaderboardWorld;
beforeEach(() => {
  world = new LeaderboardWorld(people(), small);
});

const page = async (query: Partial<Parameters<typeof pageOf>[2]>, board = BOARDS[0]!) => {
  const result = await pageOf(world.read, board, { limit: 5, ...query });
  if (!result.ok) throw new Error(result.error);
  return BoardView.parse(result.value);
};
const place = async (username: string, at?: string) => {
  const result = await readPlace(world.read, 'alltime', username, { at });
  if (!result.ok) throw new Error(result.error);
  return BoardPlaceView.parse(result.value);
};

describe('before the first build', () => {
  it.each(BOARDS)('%s is empty', async (board) => {
    expect(await page({}, board)).toEqual({ board, asOf: null, rows: [], total: 0 });
    expect(await readPlace(world.read, board, 'u1')).toEqual(err('not-listed'));
  });

  it('nobody has a rank', async () => {
    expect(await rankOf(world.read, 'u1')).toBeNull();
  });
});

describe('a page', () => {
  beforeEach(() => buildBoards(world.build));

  it('has rows in the order of their ranks, and a cursor to the next page', async () => {
    const first = await page({ limit: 2 });
    const second = await page({ limit: 2, cursor: first.next });

    expect(first).toMatchObject({ board: 'alltime', asOf: isoOf(world.now), total: 20 });
    expect([...first.rows, ...second.rows].map(({ rank, username, points }) => [rank, username, points])).toEqual([
      [1, 'u1', 100],
      [2, 'u2', 99],
      [3, 'u3', 98],
      [4, 'u4', 97],
    ]);
  });

  it('is kept while its snapshot is the newest and no account changes, unless something was looked up for it', async () => {
    const rows = Array.from({ length: 40 }, (_, index) => aStanding(`u${index + 1}`, 100 - index)); // enough to store names
    world = new LeaderboardWorld(rows, { ...small, leaf: { most: 60, filled: 40, fewest: 10, average: 20 } });
    await buildBoards(world.build);
    const { read } = world;
    const isKept = async (query = {}) => {
      const [first, second] = [
        await pageOf(read, 'alltime', { limit: 5, ...query }),
        await pageOf(read, 'alltime', { limit: 5, ...query }),
      ];
      return first.ok && second.ok && first.value === second.value;
    };
    const change = (tell: () => void) => {
      tell();
      world.now += MINUTE;
    };
    expect(await isKept()).toBe(true);
    expect(await isKept({ compare: 'day' })).toBe(false);
    change(() => world.choices.set('u2', { at: isoOf(world.now), isHidden: true }));
    world.hidden.add('u2');
    expect(await isKept()).toBe(false); // somebody hidden is in its rows: they may show themselves again
    await buildBoards(world.build);
    expect(await isKept()).toBe(true);
    change(() => {
      world.accountsKnown.set('u3', { mergedInto: AccountId.parse('u1') });
      world.changedAt.set('u3', isoOf(world.now));
    });
    expect(await isKept()).toBe(false); // the name is another account's
  });

  it.each([20, 21, 1_000])('of %d has all twenty rows, and no next page', async (limit) => {
    const whole = await page({ limit });

    expect(whole.rows).toHaveLength(20);
    expect(whole).not.toHaveProperty('next');
  });

  it('costs one read if a leaf contains it, and never reads a leaf that it does not need', async () => {
    const first = await page({ limit: 6 });
    expect(world.store.reads).toHaveLength(1);

    await page({ limit: 7, cursor: first.next });
    expect(world.store.reads).toHaveLength(3);
  });

  it.each([
    ['that is not a cursor', 'x'],
    ['that is empty', ''],
    ['of text', Buffer.from('"a"').toString('base64url')],
    ['with other parts', Buffer.from('["alltime"]').toString('base64url')],
    ['of rank 0', cursorOf(['alltime', '2026-08-21T12:00:00.000Z', 0])],
    ['with a fractional rank', cursorOf(['alltime', '2026-08-21T12:00:00.000Z', 1.5])],
    ['after the last rank', cursorOf(['alltime', '2026-08-21T12:00:00.000Z', 20])],
    ['of another board', cursorOf(['week', '2026-08-21T12:00:00.000Z', 5])],
    ['of an unknown board', cursorOf(['ever', '2026-08-21T12:00:00.000Z', 5])],
    ['of a deleted snapshot', cursorOf(['alltime', '2026-08-21T11:00:00.000Z', 5])],
  ])('is refused for a cursor %s', async (_rule, cursor) => {
    expect(await pageOf(world.read, 'alltime', { limit: 5, cursor })).toEqual(err('unknown-cursor'));
  });

  it.each(['!', '=', '==', 'A', ' ', '\n', '.'])('is refused for a cursor followed by %j', async (more) => {
    const { next } = await page({ limit: 2 });

    for (const cursor of [next + more, more + next, next!.slice(0, 5) + more + next!.slice(5)]) {
      expect(await pageOf(world.read, 'alltime', { limit: 2, cursor })).toEqual(err('unknown-cursor'));
    }
  });

  it('follows its cursor within one snapshot, while that is kept or current', async () => {
    const first = await page({ limit: 5 });
    world.now += MINUTE;
    world.people = people(50).toReversed();
    await buildBoards(world.build);

    const second = await page({ cursor: first.next });
    expect(second).toMatchObject({ asOf: first.asOf, total: 20 });
    expect(second.rows[0]).toMatchObject({ rank: 6, username: 'u6', points: 95 });
    expect(await page({ cursor: first.next, at: isoOf(world.now) })).toEqual(second);

    world.store.kept.clear();
    expect(await pageOf(world.read, 'alltime', { limit: 5, cursor: first.next! })).toEqual(err('unknown-cursor'));
    const newest = await page({});
    expect((await page({ cursor: newest.next })).rows[0]?.rank).toBe(6);
  });
});

function cursorOf(parts: unknown): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

describe('a time', () => {
  const times: string[] = [];
  beforeEach(async () => {
    times.length = 0;
    for (const points of [100, 200, 300]) {
      world.people = people(points);
      await buildBoards(world.build);
      times.push(isoOf(world.now));
      world.now += MINUTE;
    }
  });

  it('is answered by the newest snapshot at or before it', async () => {
    const pointsAt = async (at: string) => (await page({ at })).rows[0]?.points;

    expect(await Promise.all(times.map(pointsAt))).toEqual([100, 200, 300]);
    expect(await pointsAt(isoOf(Date.parse(times[1]!) - 1))).toBe(100);
    expect(await pointsAt(isoOf(world.now))).toBe(300);
    expect((await place('u2', times[1])).points).toBe(199);
  });

  it('with or without fractions of a second is the same time', async () => {
    expect((await page({ at: times[1]!.replace('.000Z', 'Z') })).asOf).toBe(times[1]);
    expect((await page({ at: times[1]!.replace('Z', '999Z') })).asOf).toBe(times[1]);
  });

  it('is answered by the current snapshot even if that is older than its retention', async () => {
    world.store.kept.clear();

    expect((await page({ at: isoOf(world.now) })).asOf).toBe(times[2]);
  });

  it.each([
    ['in the future', 1, 'at-in-future'],
    ['before the first', -4 * MINUTE, 'at-before-first'],
  ] as const)('%s is refused', async (_rule, milliseconds, error) => {
    const at = isoOf(world.now + milliseconds);

    expect(await pageOf(world.read, 'alltime', { limit: 5, at })).toEqual(err(error));
    expect(await readPlace(world.read, 'alltime', 'u1', { at })).toEqual(err(error));
  });

  it('is refused before the first build of all boards', async () => {
    const empty = new LeaderboardWorld();

    expect(await pageOf(empty.read, 'alltime', { limit: 5, at: times[0]! })).toEqual(err('at-before-first'));
  });
});

describe('a comparison', () => {
  const DAY = 86_400_000;
  const changes = async (query: Parameters<typeof page>[0]) =>
    (await page(query)).rows.map(({ username, change }) => [username, change]);

  it.each([
    ['day', 1],
    ['week', 7],
    ['month', 30],
  ] as const)('with the board a %s before tells how many places each row gained', async (compare, days) => {
    world.people = ['a', 'b', 'c'].map((name, index) => aStanding(name, 30 - index));
    await buildBoards(world.build);
    world.now += days * DAY - 1;
    world.people = [
      ...world.people.toReversed().map(({ username }, index) => aStanding(username, 90 - index)),
      aStanding('d', 1),
    ];
    await buildBoards(world.build);
    expect(await changes({ compare })).toEqual(['c', 'b', 'a', 'd'].map((name) => [name, null])); // not so long before
    world.now += 1;
    await buildBoards(world.build);

    expect(await changes({ compare })).toEqual([
      ['c', 2],
      ['b', 0],
      ['a', -2],
      ['d', null],
    ]);
    expect((await page({})).rows[0]).not.toHaveProperty('change');
  });

  it('looks at the first 1,000 rows of then', async () => {
    world = new LeaderboardWorld(
      Array.from({ length: 1_001 }, (_, index) => aStanding(`n${index + 1}`, 2_000 - index)),
    );
    await buildBoards(world.build);
    world.now += DAY;
    await buildBoards(world.build);

    const last = (await page({ limit: 1_001, compare: 'day' })).rows.slice(-2);
    expect(last.map(({ rank, change }) => [rank, change])).toEqual([
      [1_000, 0],
      [1_001, null],
    ]);
  });
});

describe('a place', () => {
  beforeEach(() => buildBoards(world.build));

  it.each([
    ['at the top', 'u1', 1, [], ['u2', 'u3', 'u4']],
    ['near the top', 'u3', 3, ['u1', 'u2'], ['u4', 'u5', 'u6']],
    ['in a leaf', 'u10', 10, ['u7', 'u8', 'u9'], ['u11', 'u12', 'u13']],
    ['at the end of a leaf', 'u6', 6, ['u3', 'u4', 'u5'], ['u7', 'u8', 'u9']],
    ['at the start of a leaf', 'u7', 7, ['u4', 'u5', 'u6'], ['u8', 'u9', 'u10']],
    ['at the end', 'u20', 20, ['u17', 'u18', 'u19'], []],
  ])('has up to three rows above and below: %s', async (_rule, username, rank, above, below) => {
    const own = await place(username);

    expect(own).toMatchObject({ board: 'alltime', asOf: isoOf(world.now), rank, points: 101 - rank, total: 20 });
    expect([names(own.above), names(own.below)]).toEqual([above, below]);
    expect([...own.above, ...own.below].every((row) => row.username === `u${row.rank}`)).toBe(true);
  });

  it('costs two reads, and one more if neighbours are in another leaf', async () => {
    await place('u4');
    expect(world.store.reads).toHaveLength(3);
    expect(new Set(world.store.reads).size).toBe(3);
    world.store.reads.length = 0;

    await rankOf(world.read, 'u4');
    expect(world.store.reads).toHaveLength(2);
  });

  it('does not exist for unlisted users', async () => {
    expect(await readPlace(world.read, 'alltime', 'nobody')).toEqual(err('not-listed'));
    expect(await readPlace(world.read, 'today', 'u1')).toEqual(err('not-listed'));
    expect(await rankOf(world.read, 'nobody')).toBeNull();
  });

  it('has the rank and the score', async () => {
    expect(await rankOf(world.read, 'u7')).toEqual({ rank: 7, asOf: isoOf(world.now) });
  });
});

describe('an older snapshot', () => {
  it('leaves out users who have hidden themselves since, and the others keep their ranks', async () => {
    await buildBoards(world.build);
    const at = isoOf(world.now);
    const { next } = await page({ limit: 1 });
    world.hidden.add('u2');
    world.now += MINUTE;
    await buildBoards(world.build);

    expect((await page({ limit: 3, at })).rows.map(({ rank, username }) => [rank, username])).toEqual([
      [1, 'u1'],
      [3, 'u3'],
    ]);
    const second = await page({ limit: 2, cursor: next });
    expect(names(second.rows)).toEqual(['u3']);
    expect(names((await page({ limit: 2, cursor: second.next })).rows)).toEqual(['u4', 'u5']);
    expect(await readPlace(world.read, 'alltime', 'u2', { at })).toEqual(err('not-listed'));
    expect(names((await place('u3', at)).above)).toEqual(['u1']);
  });
});

describe('hashes that agree', () => {
  it('neither hide a user nor show another one', async () => {
    const sha256 = (text: string) => (text < 'u15' ? 'a' : 'b').repeat(64);
    await buildBoards({ ...world.build, sha256 });

    for (const { username } of world.people)
      expect(await rankOf({ ...world.read, sha256 }, username)).toMatchObject({ rank: Number(username.slice(1)) });
    expect(await readPlace({ ...world.read, sha256 }, 'alltime', 'nobody')).toEqual(err('not-listed'));
  });
});

it('an answer has the form of the contract', async () => {
  await buildBoards(world.build);

  expect(await pageOf(world.read, 'alltime', { limit: 3 })).toEqual(ok(await page({ limit: 3 })));
});

it('a page counts the tiers of the whole board, and a place has its own', async () => {
  world = new LeaderboardWorld(
    people().map((person, index) => ({ ...person, tier: index < 3 ? 'Laurel' : 'Sprout' })),
    small,
  );
  await buildBoards(world.build);

  expect((await page({ limit: 1 })).tiers).toEqual({ Laurel: 3, Sprout: 17 });
  expect(await place('u3')).toMatchObject({ tier: 'Laurel', canonicalScore: 98 });
});

describe('while a change of the rules has not reached all scores', () => {
  const mixed = () => people().map((person, index) => (index === 1 ? { ...person, rulesVersion: '2' } : person));

  it('a board counts the rows per version, and each row names its version', async () => {
    world = new LeaderboardWorld(mixed(), small);
    await buildBoards(world.build);

    const { rows, rulesVersions } = await page({ limit: 3 });
    expect(rulesVersions).toEqual({ 1: 19, 2: 1 });
    expect(rows.map(({ rulesVersion }) => rulesVersion)).toEqual(['1', '2', '1']);
    const own = await place('u2');
    expect(own.rulesVersions).toEqual({ 1: 19, 2: 1 });
    expect([...own.above, ...own.below].map(({ rulesVersion }) => rulesVersion)).toEqual(['1', '1', '1', '1']);
  });

  it('and neither before or after that', async () => {
    await buildBoards(world.build);

    expect(await page({})).not.toHaveProperty('rulesVersions');
    for (const row of (await page({})).rows) expect(row).not.toHaveProperty('rulesVersion');
  });
});
