import type { AccountId, Told } from '../identity/account.ts';
import type { AccountNames } from '../identity/account-names.ts';
import type { Profiles } from '../scoring/profiles.port.ts';
import type { Clock, Sha256 } from '../shared/environment.ts';
import { madeOnce } from '../shared/made-once.ts';
import { err, ok, type Result } from '../shared/result.ts';
import { settleAll } from '../shared/settle-all.ts';
import { isoOf, MILLISECONDS_PER_DAY } from '../shared/utc.ts';
import type { Board } from './board.ts';
import { bucketOf, directoryHash, fingerprintOf } from './layout.ts';
import type { LeaderboardReader } from './leaderboard-store.port.ts';
import { fromCursor, toCursor } from './page-cursor.ts';
import { contentOf, placeOf } from './patch.ts';
import { isBefore } from './row.ts';
import { changesFrom, LOOKED_UP, namedRows } from './row-names.ts';
import type { BoardRow, KnownNames, Leaf, LeafEntry, Patch, Place, Snapshot } from './snapshot.ts';
import type { BoardPlaceView, BoardView, RankedRowView } from './views.ts';

export type ReadBoardsDeps = {
  readonly leaderboards: LeaderboardReader;
  readonly profiles: Pick<Profiles, 'hiddenAmong'>;
  readonly names: Pick<AccountNames, 'namesOf' | 'changedSince'>;
  readonly clock: Clock;
  readonly sha256: Sha256;
};

/** Why there is no snapshot at a time. */
export type TimeRefusal = 'at-in-future' | 'at-before-first';
export type PageRefusal = 'unknown-cursor' | TimeRefusal;
export type PlaceRefusal = 'not-listed' | TimeRefusal;

export type PageQuery = {
  /** How many rows at most; positive. */
  readonly limit: number;
  /** The `next` of another page. It keeps that page's snapshot and ignores `at`. */
  readonly cursor?: string | undefined;
  /** The newest snapshot at or before this time, ISO 8601. */
  readonly at?: string | undefined;
  /** Says of each row how many places it gained since the newest snapshot so long before the page's. */
  readonly compare?: Comparison | undefined;
};

export const COMPARISONS = ['day', 'week', 'month'] as const;
export type Comparison = (typeof COMPARISONS)[number];
const DAYS_BEFORE = { day: 1, week: 7, month: 30 } as const satisfies Record<Comparison, number>;
/** The rows of an earlier snapshot that are read. A user below them has no change to show. */
const ROWS_COMPARED = 1_000;

const NEIGHBOURS = 3;
const LEAVES_AT_A_TIME = 4;
/** A page ends before a leaf with which its leaves would have more rows than this together. */
export const MOST_READ = 3_000;
/** How many changes a page reads if it needs only those of the last minutes. */
const FEW_TOLD = 300;
/** Hidden users that are looked up to be sure. */
const MAX_DOUBTFUL = 10;

/**
 * A page of a board, with names in place of ids. It ends before `limit` if the next row would need more look-ups of
 * names, or more leaves, than one answer may cost. Before the first build a board is empty.
 */
export async function pageOf(
  deps: ReadBoardsDeps,
  board: Board,
  { limit, cursor, at, compare }: PageQuery,
): Promise<Result<BoardView, PageRefusal>> {
  const found = cursor === undefined ? await snapshotAt(deps, board, at) : await pinned(deps, board, cursor);
  if (!found.ok) return found;
  if (found.value === null) return ok({ board, asOf: null, rows: [], total: 0 });
  const { snapshot, after } = found.value;
  const pages = keptPages(deps.leaderboards);
  const key = `${board} ${after} ${limit}`;
  const kept = compare === undefined ? pages.get(key) : undefined;
  if (kept?.snapshot === snapshot && kept.told === (await toldOf(deps, found.value, kept.known))) return ok(kept.page);
  const stored = new SnapshotRows(deps, snapshot);
  const end = stored.endOf(after, after + limit);
  const known = await stored.namesBetween(after, end);
  const told = await toldOf(deps, found.value, known);
  const hidden = await hiddenList(deps, found.value, told);
  const ranked = await stored.between(after, hidden.listed === null ? Math.min(end, after + LOOKED_UP / 2) : end);
  const shown = await shownNow(deps, hidden, ranked);
  const compared = compare === undefined ? shown : await withChanges(deps, snapshot, compare, shown);
  const { rows, left, lookedUp } = await namedRows(deps.names, known, compared);
  const last = left === undefined ? after + ranked.length : left.rank - 1;
  const next = last < snapshot.total ? { next: toCursor({ board, asOf: snapshot.asOf, after: last }) } : {};
  const { asOf, total } = snapshot;
  const page = { board, asOf, rows, total, ...versionsOf(snapshot), ...tiersOf(snapshot), ...next };
  const isUnasked = lookedUp === 0 && ranked.every(({ username }) => hidden.listed?.has(username) === false);
  if (snapshot === found.value.newest && compare === undefined && told !== null && isUnasked) {
    if (pages.size >= MAX_KEPT_PAGES) pages.clear();
    pages.set(key, { snapshot, told, known, page });
  }
  return ok(page);
}

/** A page without look-ups stays right while its snapshot is the newest, and the changes since then are the same. */
type KeptPage = {
  readonly snapshot: Snapshot;
  readonly told: Changes;
  readonly known: readonly KnownNames[];
  readonly page: BoardView;
};
type Changes = ReadonlyMap<AccountId, Told>;
/** A page of 1,000 rows takes 0.3 MB. */
const MAX_KEPT_PAGES = 50;
const keptPages = madeOnce((_reader: LeaderboardReader) => new Map<string, KeptPage>());

/**
 * The rows with the places that each gained since an earlier snapshot; null if none is kept, or if the user has no
 * place there.
 */
async function withChanges(
  deps: ReadBoardsDeps,
  { board, asOf }: Snapshot,
  compare: Comparison,
  rows: readonly RankedRowView[],
): Promise<RankedRowView[]> {
  const time = isoOf(Date.parse(asOf) - DAYS_BEFORE[compare] * MILLISECONDS_PER_DAY);
  const earlier = await deps.leaderboards.newestAt(board, time);
  const before = earlier === null ? [] : await new SnapshotRows(deps, earlier).between(0, ROWS_COMPARED);
  const rankBefore = new Map(before.map(({ username, rank }) => [username, rank]));
  return rows.map((row) => {
    const rank = rankBefore.get(row.username);
    return { ...row, change: rank === undefined ? null : rank - row.rank };
  });
}

/** A user's exact place on a board, with up to three rows above and below. */
export async function readPlace(
  deps: ReadBoardsDeps,
  board: Board,
  username: string,
  { at }: Pick<PageQuery, 'at'> = {},
): Promise<Result<BoardPlaceView, PlaceRefusal>> {
  const found = await snapshotAt(deps, board, at);
  if (!found.ok) return found;
  if (found.value === null) return err('not-listed');
  const { snapshot } = found.value;
  const rows = new SnapshotRows(deps, snapshot);
  const own = await rows.of(username);
  if (own === null) return err('not-listed');
  const { rank, points, canonicalScore, tier } = own;
  const ranked = await rows.between(Math.max(0, rank - 1 - NEIGHBOURS), rank + NEIGHBOURS);
  const told = await toldOf(deps, found.value);
  const around = await shownNow(deps, await hiddenList(deps, found.value, told), ranked);
  if (!around.some((row) => row.rank === rank)) return err('not-listed');
  return ok({
    board,
    asOf: snapshot.asOf,
    rank,
    points,
    canonicalScore,
    tier,
    total: snapshot.total,
    ...versionsOf(snapshot),
    above: around.filter((row) => row.rank < rank),
    below: around.filter((row) => row.rank > rank),
  });
}

/** A user's exact rank by canonicalScore; null for one who is not listed. */
export async function rankOf(
  deps: ReadBoardsDeps,
  username: string,
): Promise<{ readonly rank: number; readonly asOf: string } | null> {
  const snapshot = await deps.leaderboards.newest('alltime');
  if (snapshot === null) return null;
  const own = await new SnapshotRows(deps, snapshot).of(username);
  return own === null ? null : { rank: own.rank, asOf: snapshot.asOf };
}

/** A snapshot, and after how many of its rows to begin. */
type Start = { readonly snapshot: Snapshot; readonly after: number; readonly newest: Snapshot | null };

/** The changes of accounts since the newest snapshot and since the names were stored; null if there are too many. */
async function toldOf(
  { names }: ReadBoardsDeps,
  { newest }: Start,
  known: readonly KnownNames[] = [],
): Promise<Changes | null> {
  if (newest === null) return null;
  const from = changesFrom(Date.parse(newest.asOf));
  const [oldest = from] = [from, ...known.map(({ at }) => at)].sort();
  return names.changedSince(oldest);
}

/**
 * Who has hidden themselves since. Snapshots never change, so the newest one lists who was hidden, and readers are told who
 * has chosen since. Null without a list, or if too many have changed: then each is looked up.
 */
async function hiddenList(
  { leaderboards, names }: ReadBoardsDeps,
  { snapshot, newest }: Start,
  toldSinceNames: Changes | null,
): Promise<{ readonly listed: ReadonlySet<string> | null; readonly isNewest: boolean }> {
  if (newest === null) return { listed: null, isNewest: false };
  const isNewest = newest.asOf === snapshot.asOf; // it has no rows of who is listed
  const listed = isNewest || newest.hidden === null ? new Set<string>() : newest.hidden;
  const before = typeof listed === 'string' ? await leaderboards.hidden(listed) : listed;
  const from = changesFrom(Date.parse(newest.asOf));
  // The changes that names need include these.
  const told = toldSinceNames ?? (await names.changedSince(from, FEW_TOLD));
  if (before === undefined || before === null || told === null) return { listed: null, isNewest };
  const hidden = new Set(before);
  for (const [account, { isHidden }] of told) {
    if (isHidden === true) hidden.add(account);
    else if (isHidden === false) hidden.delete(account);
  }
  return { listed: hidden, isNewest };
}

/** The rows without hidden users. The others keep their ranks. */
async function shownNow(
  { profiles }: ReadBoardsDeps,
  { listed, isNewest }: { readonly listed: ReadonlySet<string> | null; readonly isNewest: boolean },
  rows: readonly RankedRowView[],
): Promise<RankedRowView[]> {
  const usernames = rows.map(({ username }) => username);
  if (listed === null) {
    const hidden = await profiles.hiddenAmong(usernames);
    return rows.filter(({ username }) => !hidden.has(username));
  }
  // The newest snapshot has rows of who showed themselves again, perhaps later than the news that are remembered here.
  const doubtful = isNewest ? usernames.filter((username) => listed.has(username)).slice(0, MAX_DOUBTFUL) : [];
  const hidden = doubtful.length === 0 ? new Set<string>() : await profiles.hiddenAmong(doubtful);
  const isShown = (username: string) => !listed.has(username) || (doubtful.includes(username) && !hidden.has(username));
  return rows.filter(({ username }) => isShown(username));
}

const isOfOneVersion = ({ rulesVersions }: Snapshot): boolean => rulesVersions.size < 2;

const versionsOf = (snapshot: Snapshot): Pick<BoardView, 'rulesVersions'> =>
  isOfOneVersion(snapshot) ? {} : { rulesVersions: Object.fromEntries(snapshot.rulesVersions) };

const tiersOf = ({ tiers }: Snapshot): Pick<BoardView, 'tiers'> =>
  tiers.size === 0 ? {} : { tiers: Object.fromEntries(tiers) };

async function snapshotAt(
  { leaderboards, clock }: ReadBoardsDeps,
  board: Board,
  at: string | undefined,
): Promise<Result<Start | null, TimeRefusal>> {
  const newest = await leaderboards.newest(board);
  if (at === undefined) return ok(newest === null ? null : { snapshot: newest, after: 0, newest });
  const time = Date.parse(at);
  if (time > clock()) return err('at-in-future');
  // The newest is looked at first: nobody may have had reason to build another for longer than it is kept by its time.
  const isNewest = newest !== null && Date.parse(newest.asOf) <= time;
  const snapshot = isNewest ? newest : await leaderboards.newestAt(board, isoOf(time));
  return snapshot === null ? err('at-before-first') : ok({ snapshot, after: 0, newest });
}

/** Where a cursor's page begins, in the very snapshot of the page before. */
async function pinned(
  { leaderboards }: ReadBoardsDeps,
  board: Board,
  cursor: string,
): Promise<Result<Start, 'unknown-cursor'>> {
  const [ownBoard, asOf, after] = fromCursor(cursor) ?? [];
  if (asOf === undefined || after === undefined || ownBoard !== board) return err('unknown-cursor');
  const newest = await leaderboards.newest(board);
  const snapshot = newest?.asOf === asOf ? newest : await leaderboards.exactly(board, asOf);
  return snapshot === null || after >= snapshot.total ? err('unknown-cursor') : ok({ snapshot, after, newest });
}

/** Reads of one snapshot for one answer: each leaf once. */
class SnapshotRows {
  readonly #reader: LeaderboardReader;
  readonly #sha256: Sha256;
  readonly #snapshot: Snapshot;
  readonly #patch: Patch;
  /** Leaves with the number of stored rows before each. */
  readonly #leaves: readonly (LeafEntry & { readonly before: number })[];
  readonly #read = new Map<string, Promise<Leaf>>();

  constructor({ leaderboards, sha256 }: ReadBoardsDeps, snapshot: Snapshot) {
    this.#reader = leaderboards;
    this.#sha256 = sha256;
    this.#snapshot = snapshot;
    this.#patch = snapshot.patch ?? { gone: [], come: [] };
    let before = 0;
    this.#leaves = snapshot.leaves.map((leaf) => {
      const own = { ...leaf, before };
      before += leaf.count;
      return own;
    });
  }

  /** The leaves of some stored rows, in the order of the board. */
  #touched(content: readonly (BoardRow | number)[]) {
    const stored = content.filter((each) => typeof each === 'number');
    const [first, last] = [stored[0], stored.at(-1)];
    if (first === undefined || last === undefined) return [];
    return this.#leaves.filter(({ before, count }) => before <= last && before + count > first);
  }

  readonly #content = (from: number, to: number) => contentOf(this.#patch, from, Math.min(to, this.#snapshot.total));

  /**
   * The end of a page after the first `from` rows: `to`, or the last row before the leaf that would be too much to
   * read.
   */
  endOf(from: number, to: number): number {
    const content = this.#content(from, to);
    let read = 0;
    const beyond = this.#touched(content).find(({ count }, index) => (read += count) > MOST_READ && index > 0);
    if (beyond === undefined) return to;
    return from + content.findIndex((each) => typeof each === 'number' && each >= beyond.before);
  }

  /** The rows after the first `from` of the board, up to the `to`-th. */
  async between(from: number, to: number): Promise<RankedRowView[]> {
    const content = this.#content(from, to);
    const leaves = await settleAll(this.#touched(content), LEAVES_AT_A_TIME, async ({ ref, before, count }) => {
      const { rows } = await this.#leafOf({ ref });
      return { rows, before, end: before + count };
    });
    const rowAt = (place: number): BoardRow | undefined => {
      const leaf = leaves.find(({ before, end }) => place >= before && place < end);
      return leaf?.rows[place - leaf.before];
    };
    return content.map((each, index) => {
      const row = typeof each === 'number' ? rowAt(each) : each;
      if (row === undefined) throw new Error(`${this.#snapshot.board}: no leaf has the row ${from + index}`);
      return this.#ranked(from + index + 1, row);
    });
  }

  /** The stored names of the rows after the first `from`, up to the `to`-th. */
  async namesBetween(from: number, to: number): Promise<KnownNames[]> {
    const touched = this.#touched(this.#content(from, to));
    const leaves = await settleAll(touched, LEAVES_AT_A_TIME, (leaf) => this.#leafOf(leaf));
    const refs = [...new Set(leaves.flatMap(({ names }) => names ?? []))];
    return (await settleAll(refs, LEAVES_AT_A_TIME, (ref) => this.#reader.names(ref))).filter(
      (names) => names !== null,
    );
  }

  /** A user's row; null if the board does not list them. Two reads, or more for users whose hashes agree. */
  async of(username: string): Promise<RankedRowView | null> {
    const { buckets } = this.#snapshot;
    const came = this.#patch.come.find(({ row }) => row.username === username);
    if (came !== undefined) return this.#ranked(came.at + 1, came.row);
    const hash = directoryHash(this.#sha256(username));
    const ref = buckets[bucketOf(hash, buckets.length)];
    if (ref === undefined) return null;
    const candidates = (await this.#reader.bucket(ref)).filter(
      ({ fingerprint }) => fingerprint === fingerprintOf(hash),
    );
    for (const { points, since } of candidates) {
      const leaf = this.#leafAt({ points, since, username });
      if (leaf === undefined) continue;
      const { rows } = await this.#leafOf(leaf);
      const index = rows.findIndex((row) => row.username === username);
      const row = rows[index];
      if (row === undefined) continue;
      const place = placeOf(this.#patch, leaf.before + index);
      return place === null ? null : this.#ranked(place + 1, row);
    }
    return null;
  }

  /** A row's rules matter only next to rows that follow other rules. */
  #ranked(rank: number, { rulesVersion, ...row }: BoardRow): RankedRowView {
    return { rank, ...row, ...(isOfOneVersion(this.#snapshot) ? {} : { rulesVersion }) };
  }

  #leafAt(place: Place) {
    return this.#leaves.findLast(({ start }) => start === null || !isBefore(place, start));
  }

  #leafOf({ ref }: Pick<LeafEntry, 'ref'>): Promise<Leaf> {
    const reading = this.#read.get(ref) ?? this.#reader.leaf(ref);
    this.#read.set(ref, reading);
    return reading;
  }
}
