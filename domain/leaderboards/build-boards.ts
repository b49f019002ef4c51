import type { Accounts } from '../identity/account.ts';
import type { Clock, Sha256 } from '../shared/environment.ts';
import { settleAll } from '../shared/settle-all.ts';
import { addDays, dateOf, isoOf, type UtcDate } from '../shared/utc.ts';
import type { BoardRules } from '../rules/community.ts';
import { startOfPeriod } from '../shared/periods.ts';
import { BOARD_RULES, type Board } from './board.ts';
import {
  bucketsFor,
  compareEntries,
  cutBuckets,
  cutLeaves,
  directoryHash,
  fingerprintOf,
  LAYOUT,
  type DirectoryEntry,
  type Layout,
  type Leaf,
} from './layout.ts';
import type { Retention, LeaderboardStore, SnapshotWriter } from './leaderboard-store.port.ts';
import { packEntry, packRow, unpackEntry, unpackRow } from './packed-lines.ts';
import { patchOf } from './patch.ts';
import { comparePlaces, isBefore, rowOn, toBoardRow, type PlacedRow } from './row.ts';
import { nameRows, type NameRows } from './row-names.ts';
import type { BlockRef, LeafEntry, Snapshot } from './snapshot.ts';
import { latestCredible } from '../scoring/wrong-clock.ts';
import type { NewSorter, Sorter } from '../shared/sorter.port.ts';
import type { Standing, Standings } from './standings.port.ts';

export type BuildDeps = {
  readonly standings: Standings;
  readonly store: LeaderboardStore;
  readonly newSorter: NewSorter;
  readonly clock: Clock;
  readonly sha256: Sha256;
  /** The default is the community's. */
  readonly boards?: readonly BoardRules[];
  /** Which accounts may be on boards. The default is all. */
  readonly whoIsRanked?: () => Promise<(account: string) => boolean>;
  /** Where the names of rows come from, for pages. Without it, a page looks up each. */
  readonly accounts?: Pick<Accounts, 'withIds' | 'changedSince'>;
  /** Other sizes of blocks than usual, for communities of a test's size. */
  readonly layout?: Layout;
};

/** What became of a board. `superseded`: readers see a build that began later, or at the same time. */
export type BuiltBoard = {
  readonly board: Board;
  readonly asOf: string;
  readonly total: number;
  readonly scores: number;
  readonly outcome: 'switched' | 'superseded';
};

const SEGMENTS_AT_A_TIME = 4;
const BLOCKS_AT_A_TIME = 8;
/** A longer list would cost a page too much: the page then looks up each of its users. */
const MAX_HIDDEN = 5_000;

/**
 * Builds every board from all scores, by one read over them, and returns when readers see it. Guard, then scores, then
 * switch: a build never replaces one that began to read later. If it is killed, readers see the old board or the new
 * one, whole, for each board. It may run at any time, any number of times.
 */
export async function buildBoards(deps: BuildDeps, now = deps.clock()): Promise<readonly BuiltBoard[]> {
  const { boards = BOARD_RULES } = deps;
  const asOf = isoOf(now); // taken before anything is read: whatever was saved before is seen
  const date = dateOf(now);
  const guards = await settleAll(boards, boards.length, async (board) => {
    const current = await deps.store.current(board.name);
    const previous = current !== null && current.asOf > latestCredible(now) ? null : current; // of a wrong clock
    return [...closingOf(board, previous, date), { board, asOf, date, previous }];
  });
  const sorters: Pick<Sorter<unknown>, 'close'>[] = [];
  const newSorter: NewSorter = (how) => {
    const sorter = deps.newSorter(how);
    sorters.push(sorter);
    return sorter;
  };
  try {
    const builds = guards.flat().map((guard) => ({
      ...guard,
      rows: newSorter<PlacedRow>({ compare: comparePlaces, pack: packRow, unpack: unpackRow }),
      directory: newSorter<DirectoryEntry>({ compare: compareEntries, pack: packEntry, unpack: unpackEntry }),
      rulesVersions: new Map<string, number>(),
      tiers: new Map<string, number>(),
      total: 0,
    }));
    const hidden: string[] = [];
    const scores = await sortStandings(deps, builds, hidden);
    const named = deps.accounts && nameRows(deps.accounts, now);
    // One board after the other, because the rows that are being cut are in memory.
    return await settleAll(builds, 1, (build) => writeBoard(deps, build, { scores, hidden, named }));
  } finally {
    for (const sorter of sorters) sorter.close();
  }
}

type Guard = {
  readonly board: BoardRules;
  readonly asOf: string;
  /** The date that its window ends on. */
  readonly date: UtcDate;
  readonly previous: Snapshot | null;
};

type Build = Guard & {
  readonly rows: Sorter<PlacedRow>;
  readonly directory: Sorter<DirectoryEntry>;
  readonly rulesVersions: Map<string, number>;
  readonly tiers: Map<string, number>;
  total: number;
};

/** The time at which readers ask for the board of a finished month. */
const lastMomentOf = (date: UtcDate): string => `${date}T23:59:59.000Z`;

/**
 * The last build of a month that has ended since the previous build, as of its last moment, with everything known of it
 * by now. It is kept forever, like the first of a date.
 */
function closingOf(board: BoardRules, previous: Snapshot | null, date: UtcDate): readonly Guard[] {
  const lastOfMonth = addDays(startOfPeriod('month', date), -1);
  if (board.window !== 'month' || previous === null || previous.date > lastOfMonth) return [];
  return [{ board, asOf: lastMomentOf(lastOfMonth), date: lastOfMonth, previous }];
}

/** Reads all scores and gives each board its rows; answers how many there were. */
async function sortStandings(
  { standings, sha256, whoIsRanked = async () => () => true }: BuildDeps,
  builds: readonly Build[],
  hidden: string[],
): Promise<number> {
  const isRanked = await whoIsRanked();
  let scores = 0;
  const add = (standing: Standing): void => {
    if (standing.isHidden === true) {
      hidden.push(standing.username);
      return;
    }
    scores += 1;
    const hash = directoryHash(sha256(standing.username));
    for (const build of builds) {
      const row = isRanked(standing.username) ? rowOn(build.board, build.date, standing) : null;
      if (row === null) continue;
      build.rows.add(row);
      build.directory.add({ hash, points: row.points, since: row.since });
      countOne(build.rulesVersions, row.rulesVersion);
      countOne(build.tiers, row.tier);
      build.total += 1;
    }
  };
  const segments = Array.from({ length: standings.segments }, (_, segment) => segment);
  await settleAll(segments, SEGMENTS_AT_A_TIME, async (segment) => {
    for await (const page of standings.read(segment)) page.forEach(add);
  });
  return scores;
}

const countOne = (counts: Map<string, number>, name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);

/** How long a snapshot is kept: the first of a UTC date forever, the first of an hour for long. */
export function retentionOf(previous: Pick<Snapshot, 'asOf'> | null, asOf: string): Retention {
  const isFirstOf = (unit: 'date' | 'hour'): boolean => {
    const digits = unit === 'date' ? '2026-08-21'.length : '2026-08-21T13'.length;
    return previous === null || previous.asOf.slice(0, digits) < asOf.slice(0, digits);
  };
  if (isFirstOf('date')) return 'daily';
  return isFirstOf('hour') ? 'hourly' : 'recent';
}

async function writeBoard(
  { store, layout = LAYOUT }: BuildDeps,
  { board: { name: board, window }, asOf, previous, date, rows, directory, rulesVersions, tiers, total }: Build,
  { scores, hidden, named }: { scores: number; hidden: readonly string[]; named: NameRows | undefined },
): Promise<BuiltBoard> {
  if (previous !== null && previous.asOf >= asOf) return { board, asOf, total, scores, outcome: 'superseded' };
  const isClosing = window === 'month' && asOf === lastMomentOf(date);
  const writer = await store.write(board, isClosing ? 'daily' : retentionOf(previous, asOf), asOf);
  const writeLeaf = async (leaf: Leaf): Promise<LeafEntry> => {
    const naming = named && { leafBefore: leafBefore(previous, leaf.rows), nameRows: named };
    const ref = await writer.putLeaf(leaf.rows.map(toBoardRow), naming);
    return { start: leaf.start, count: leaf.rows.length, ref };
  };
  const blocks = (await keptBlocks(writer, rows, previous, layout)) ?? {
    leaves: await writeAll(cutLeaves(rows.sorted(), previous, layout), writeLeaf),
    buckets: await writeBuckets(writer, directory, bucketsFor(total, previous?.buckets.length ?? 0, layout)),
  };
  const list = await writeHidden(writer, hidden);
  const counts = { total, rulesVersions, tiers, scores };
  const outcome = await writer.commit({ board, asOf, date, ...counts, ...blocks, ...list });
  return { board, asOf, total, scores, outcome };
}

/** The blocks of the snapshot before, and a patch of what changed since they were written; null if that is too much. */
async function keptBlocks(
  writer: SnapshotWriter,
  rows: Sorter<PlacedRow>,
  previous: Snapshot | null,
  { changes }: Layout,
): Promise<Pick<Snapshot, 'leaves' | 'buckets' | 'patch'> | null> {
  if (previous === null || previous.leaves.length === 0) return null;
  const { leaves, buckets } = previous;
  const patch = await patchOf(rows.sorted(), leaves, writer, changes);
  if (patch === null || !writer.keep(previous)) return null;
  return { leaves, buckets, ...(patch.gone.length + patch.come.length > 0 && { patch }) };
}

async function writeHidden(writer: SnapshotWriter, hidden: readonly string[]): Promise<Pick<Snapshot, 'hidden'>> {
  if (hidden.length > MAX_HIDDEN) return {};
  return { hidden: hidden.length === 0 ? null : await writer.putHidden(hidden.toSorted()) };
}

/** The leaf of the snapshot before in which the first row has its place. */
const leafBefore = (previous: Snapshot | null, [first]: readonly PlacedRow[]): BlockRef | undefined =>
  previous?.leaves.findLast(({ start }) => start === null || first === undefined || !isBefore(first, start))?.ref;

const writeBuckets = (
  writer: SnapshotWriter,
  directory: Sorter<DirectoryEntry>,
  buckets: number,
): Promise<readonly BlockRef[]> =>
  writeAll(cutBuckets(directory.sorted(), buckets), (entries) =>
    writer.putBucket(entries.map(({ hash, points, since }) => ({ fingerprint: fingerprintOf(hash), points, since }))),
  );

/** Writes blocks as they come, some at a time, so that no more than those are in memory. */
async function writeAll<Block, Written>(
  blocks: Iterable<Block>,
  write: (block: Block) => Promise<Written>,
): Promise<readonly Written[]> {
  const written: Written[] = [];
  let waiting: Block[] = [];
  const flush = async (): Promise<void> => {
    const batch = waiting;
    waiting = [];
    for (const each of await settleAll(batch, BLOCKS_AT_A_TIME, write)) written.push(each);
  };
  for (const block of blocks) {
    waiting.push(block);
    if (waiting.length === BLOCKS_AT_A_TIME) await flush();
  }
  await flush();
  return written;
}
