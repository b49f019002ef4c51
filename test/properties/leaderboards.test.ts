/**
 * Leaderboards agree with the scores for any community and its changes, while builders and readers run and die. A
 * comment beside each property names guards whose removal it noticed.
 */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { BOARDS, type Board } from '../../domain/leaderboards/board.ts';
import { buildBoards } from '../../domain/leaderboards/build-boards.ts';
import type { Layout } from '../../domain/leaderboards/layout.ts';
import { pageOf, readPlace, rankOf } from '../../domain/leaderboards/read-boards.ts';
import type { BoardView, RankedRowView } from '../../domain/leaderboards/views.ts';
import { err } from '../../domain/shared/result.ts';
import { LeaderboardWorld } from '../builders/memory-leaderboards.ts';
import { bruteForce, change, changed, community, layout, NOON, standingOf, type Member } from './leaderboard-model.ts';
import type { Row } from '../../proof/model/boards.ts';
import { PATIENCE, runs } from './telemetry-world.ts';

vi.setConfig({ testTimeout: PATIENCE });

const MINUTE = 60_000;

function worldOf(members: readonly Member[], sizes: Layout): LeaderboardWorld {
  const world = new LeaderboardWorld(members.map(standingOf), sizes);
  world.now = NOON;
  return world;
}

const withoutTier = (rows: readonly RankedRowView[]): Row[] => rows.map(({ tier: _, ...row }) => row);

/** All pages of a board. */
async function pagesOf(world: LeaderboardWorld, board: Board, limit: number): Promise<BoardView[]> {
  const pages: BoardView[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await pageOf(world.read, board, { limit, cursor });
    if (!page.ok) throw new Error(page.error);
    pages.push(page.value);
    cursor = page.value.next;
    if (cursor === undefined) return pages;
  }
}

const rowsOfPages = (pages: readonly BoardView[]): Row[] => withoutTier(pages.flatMap(({ rows }) => rows));

/** The stored rows of a board that readers see. */
const seenOn = (world: LeaderboardWorld, board: Board) => {
  const snapshot = world.store.pointers.get(board)!;
  return world.store
    .rowsOf(snapshot)
    .map(({ tier: _, rulesVersion: __, ...row }, index) => ({ rank: index + 1, ...row }));
};

/** Everything that readers see, without the time. */
const everythingSeen = (world: LeaderboardWorld) =>
  BOARDS.map((board) => {
    const { asOf: _, ...snapshot } = world.store.pointers.get(board)!;
    return { ...snapshot, rows: seenOn(world, board) };
  });

const limit = fc.integer({ min: 1, max: 25 });

describe('a build', () => {
  // Noticed: rows of 0 points or less; an order without `since` or the name; starts of leaves without the name; no step
  // for a change after a save of the same date without changes.
  it('gives every user the rank of a sort over all histories, in pages and among neighbours', async () => {
    await fc.assert(
      fc.asyncProperty(community(), layout, limit, async (members, sizes, pageSize) => {
        const world = worldOf(members, sizes);
        await buildBoards(world.build);

        for (const board of BOARDS) {
          const expected = bruteForce(board, members);
          expect(rowsOfPages(await pagesOf(world, board, pageSize))).toEqual(expected);
          for (const { username } of members) {
            const place = await readPlace(world.read, board, username);
            const own = expected.find((row) => row.username === username);
            if (board === 'alltime') expect((await rankOf(world.read, username))?.rank).toBe(own?.rank);
            if (own === undefined) {
              expect(place).toEqual(err('not-listed'));
              continue;
            }
            const { username: _own, ...shown } = own;
            const { rank } = own;
            if (!place.ok) throw new Error(`${username}: ${place.error}`);
            const { above, below, ...rest } = place.value;
            const asOf = new Date(NOON).toISOString();
            expect(rest).toEqual({ board, asOf, ...shown, tier: expect.any(String), total: expected.length });
            expect(withoutTier(above)).toEqual(expected.slice(Math.max(0, rank - 4), rank - 1));
            expect(withoutTier(below)).toEqual(expected.slice(rank, rank + 3));
          }
        }
      }),
      { numRuns: runs(40) },
    );
  });

  // Noticed: a last small leaf that is not joined; a large one that is not split; empty buckets that are left out.
  it('after changes has the same rows as one from nothing, in leaves with neither too few nor too many rows', async () => {
    await fc.assert(
      fc.asyncProperty(community(), layout, fc.array(change(12), { maxLength: 4 }), async (first, sizes, changes) => {
        const world = worldOf(first, sizes);
        let members = first;
        for (const each of [null, ...changes]) {
          if (each !== null) members = changed(members, each);
          world.people = members.map(standingOf);
          world.now += MINUTE;
          await buildBoards(world.build);

          for (const board of BOARDS) {
            const expected = bruteForce(board, members);
            const { leaves, buckets, total } = world.store.pointers.get(board)!;
            expect(seenOn(world, board)).toEqual(expected);
            expect(total).toBe(expected.length);
            const stored = leaves.reduce((sum, { count }) => sum + count, 0);
            expect(buckets.flatMap((ref) => world.store.buckets.get(ref)!)).toHaveLength(stored);
            for (const { count } of leaves) {
              expect(count).toBeLessThanOrEqual(sizes.leaf.most);
              expect(count).toBeGreaterThanOrEqual(leaves.length === 1 ? 1 : sizes.leaf.fewest);
            }
            for (const { username, rank } of expected) {
              expect(await readPlace(world.read, board, username)).toMatchObject({ ok: true, value: { rank } });
            }
          }
        }
      }),
      { numRuns: runs(25) },
    );
  });

  // Noticed: leaves that are cut without the cuts before.
  it('writes only changes: nothing without a change, otherwise a few blocks for each changed user', async () => {
    const fixed: Layout = { leaf: { fewest: 2, filled: 6, most: 8, average: 2 }, bucket: 4, changes: 0 };
    await fc.assert(
      fc.asyncProperty(community(150), change(3), async (members, some) => {
        const world = worldOf(members, fixed);
        const blocks = () => ({ leaves: world.store.leaves.size, buckets: world.store.buckets.size });
        await buildBoards(world.build);
        const before = blocks();
        const boardsBefore = BOARDS.map((board) => linesOf(board, members));
        const counts = BOARDS.map((board) => world.store.pointers.get(board)!.buckets.length);

        world.now += MINUTE;
        await buildBoards(world.build);
        expect(blocks()).toEqual(before);

        const after = changed(members, some);
        world.people = after.map(standingOf);
        world.now += MINUTE;
        await buildBoards(world.build);
        const moved = BOARDS.map((board, index) => {
          const [old, now] = [boardsBefore[index]!, linesOf(board, after)];
          return [...old].filter((line) => !now.has(line)).length + [...now].filter((line) => !old.has(line)).length;
        }).reduce((sum, each) => sum + each, 0);
        // A row that joins or leaves changes its leaf, which may be split or joined with the next one.
        expect(world.store.leaves.size - before.leaves).toBeLessThanOrEqual(3 * moved);
        const areBucketsKept = BOARDS.every(
          (board, index) => world.store.pointers.get(board)!.buckets.length === counts[index],
        );
        if (areBucketsKept) expect(world.store.buckets.size - before.buckets).toBeLessThanOrEqual(moved);
      }),
      { numRuns: runs(30) },
    );
  });
});

/** The lines of a board with all stored fields except the rank. */
const linesOf = (board: Board, members: readonly Member[]): Set<string> => {
  const sinceOf = new Map(members.map(({ username, since }) => [username, since]));
  const lines = bruteForce(board, members).map(({ rank: _, ...line }) => ({
    ...line,
    since: sinceOf.get(line.username),
  }));
  return new Set(lines.map((line) => JSON.stringify(line)));
};

const isListed = (board: Board, members: readonly Member[], username: string): boolean =>
  bruteForce(board, members).some((row) => row.username === username);

describe('a reader during a switch', () => {
  // Noticed: cursors that do not keep their snapshot.
  it('sees one complete snapshot, whatever happens between its reads', async () => {
    await fc.assert(
      fc.asyncProperty(
        community(30),
        change(12),
        layout,
        limit,
        fc.scheduler(),
        async (first, some, sizes, size, s) => {
          const second = changed(first, some);
          const world = worldOf(first, sizes);
          await buildBoards(world.build);
          world.people = second.map(standingOf);
          world.now += MINUTE;
          world.store.step = (what) => s.schedule(Promise.resolve(), what);
          const truthAt = (board: Board, asOf: string | null) =>
            bruteForce(board, asOf === new Date(NOON).toISOString() ? first : second);

          const readAll = async (board: Board): Promise<void> => {
            const pages = await pagesOf(world, board, size);
            expect(new Set(pages.map(({ asOf, total }) => `${asOf} ${total}`)).size).toBe(1);
            expect(rowsOfPages(pages)).toEqual(truthAt(board, pages[0]!.asOf));
          };
          const readPlaces = async (board: Board): Promise<void> => {
            for (const { username } of first.slice(0, 4)) {
              const place = await readPlace(world.read, board, username);
              if (!place.ok) {
                expect([first, second].every((members) => isListed(board, members, username))).toBe(false);
                continue;
              }
              const { rank, above, below, asOf } = place.value;
              const truth = truthAt(board, asOf);
              expect(truth[rank - 1]?.username).toBe(username);
              expect(withoutTier(above)).toEqual(truth.slice(Math.max(0, rank - 4), rank - 1));
              expect(withoutTier(below)).toEqual(truth.slice(rank, rank + 3));
            }
          };
          await s.waitFor(
            Promise.all([buildBoards(world.build), readAll('alltime'), readAll('week'), readPlaces('alltime')]),
          );

          expect(world.store.switches).toHaveLength(2 * BOARDS.length);
        },
      ),
      { numRuns: runs(15) },
    );
  });
});

class Killed extends Error {
  override readonly name = 'Killed';
}

describe('a builder', () => {
  // Noticed: sorters left open after an error.
  it('that is killed at any await and runs again ends as one that was not; readers see complete boards meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(community(14), change(8), layout, async (first, some, sizes) => {
        const second = changed(first, some);
        const begin = async () => {
          // A board with too many small leaves is divided again by the second build, whichever that is.
          const world = worldOf(first, { ...sizes, leaf: { ...sizes.leaf, average: 1 } });
          await buildBoards(world.build);
          world.people = second.map(standingOf);
          world.now += MINUTE;
          return world;
        };
        const through = await begin();
        let awaits = 0;
        through.store.step = async () => void (awaits += 1);
        await buildBoards(through.build);

        for (let end = 1; end <= awaits; end += 1) {
          const world = await begin();
          let left = end;
          world.store.step = async () => {
            if ((left -= 1) <= 0) throw new Killed();
          };
          await expect(buildBoards(world.build)).rejects.toThrow(Killed);
          world.store.step = async () => {};
          expect(world.sorters.open).toBe(0);
          for (const board of BOARDS) {
            const isOld = world.store.pointers.get(board)!.asOf === new Date(NOON).toISOString();
            expect(seenOn(world, board)).toEqual(bruteForce(board, isOld ? first : second));
            const { buckets } = world.store.pointers.get(board)!;
            expect(buckets.every((ref) => world.store.buckets.has(ref))).toBe(true);
          }

          world.now += MINUTE;
          await buildBoards(world.build);
          expect(everythingSeen(world)).toEqual(everythingSeen(through));
        }
      }),
      { numRuns: runs(4) },
    );
  });

  // Noticed: a pointer that moves without its condition.
  it("beside another one leaves the later one's result, and readers never go back", async () => {
    await fc.assert(
      fc.asyncProperty(
        community(20),
        community(20),
        layout,
        fc.integer({ min: 0, max: 2 }),
        fc.scheduler(),
        async (first, second, sizes, apart, s) => {
          const world = worldOf(apart === 0 ? second : first, sizes);
          const later = worldOf(second, sizes);
          for (const { store } of [world, later]) store.step = (what) => s.schedule(Promise.resolve(), what);
          const { standings } = later.build;
          const early = buildBoards(world.build, NOON);
          const late = buildBoards({ ...world.build, standings }, NOON + apart);
          const outcomes = await s.waitFor(Promise.all([early, late]));

          for (const [index, board] of BOARDS.entries()) {
            const times = world.store.switches.filter((each) => each.board === board).map(({ asOf }) => asOf);
            expect(times).toEqual([...new Set(times)].sort());
            const switched = outcomes.filter((built) => built[index]?.outcome === 'switched');
            expect(times).toHaveLength(switched.length);
            expect(seenOn(world, board)).toEqual(bruteForce(board, second));
          }
          expect(world.sorters.open).toBe(0);
        },
      ),
      { numRuns: runs(15) },
    );
  });
});
