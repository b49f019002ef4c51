import { isDeepStrictEqual } from 'node:util';
import { latestCredible } from '../../domain/scoring/wrong-clock.ts';
import type { Board } from '../../domain/leaderboards/board.ts';
import type { BuildDeps } from '../../domain/leaderboards/build-boards.ts';
import type { Layout } from '../../domain/leaderboards/layout.ts';
import type {
  Retention,
  LeaderboardReader,
  LeaderboardStore,
} from '../../domain/leaderboards/leaderboard-store.port.ts';
import type { ReadBoardsDeps } from '../../domain/leaderboards/read-boards.ts';
import type {
  BlockRef,
  BoardRow,
  BucketEntry,
  KnownNames,
  Leaf,
  Snapshot,
} from '../../domain/leaderboards/snapshot.ts';
import type { NewSorter } from '../../domain/shared/sorter.port.ts';
import type { Standing } from '../../domain/leaderboards/standings.port.ts';
import { AccountId, CHANGES_TOLD, type Account, type Accounts, type Told } from '../../domain/identity/account.ts';
import { accountNames } from '../../domain/identity/account-names.ts';
import { Username } from '../../domain/identity/username.ts';
import { aUsername, sha256 } from './identity.ts';

/** Called at each await: a test lets it continue, wait, or fail. */
export type Step = (what: string) => Promise<void>;

type Bucket = readonly BucketEntry[];

/** Snapshots in memory, for tests of the rules of readers and writers. The adapter's own tests cover the real store. */
class MemoryLeaderboards implements LeaderboardStore, LeaderboardReader {
  readonly leaves = new Map<BlockRef, Leaf>();
  readonly buckets = new Map<BlockRef, Bucket>();
  readonly namesOfRows = new Map<BlockRef, KnownNames>();
  readonly lists = new Map<BlockRef, ReadonlySet<string>>();
  readonly pointers = new Map<Board, Snapshot>();
  readonly kept = new Map<string, { readonly snapshot: Snapshot; readonly retention: Retention }>();
  /** The snapshots that readers were switched to, in order. */
  readonly switches: Snapshot[] = [];
  /** The blocks that were read, in order. */
  readonly reads: BlockRef[] = [];
  step: Step;

  constructor(step: Step = async () => {}) {
    this.step = step;
  }

  /** Awaits before and after the action, so that a test can stop the caller at either point. */
  async #around<Value>(what: string, act: () => Value): Promise<Value> {
    await this.step(`before ${what}`);
    const value = act();
    await this.step(`after ${what}`);
    return value;
  }

  readonly current: LeaderboardStore['current'] = (board) =>
    this.#around(`current ${board}`, () => this.pointers.get(board) ?? null);

  readonly write: LeaderboardStore['write'] = (board, retention, asOf) =>
    this.#around(`write ${board}`, () => ({
      isLeaf: (ref, rows) => isDeepStrictEqual(this.leaves.get(ref)?.rows, rows),
      rowsOf: async (ref) => this.leaves.get(ref)?.rows ?? null,
      keep: () => retention !== 'daily',
      putLeaf: async (rows, naming) => {
        const before = naming?.leafBefore === undefined ? undefined : this.leaves.get(naming.leafBefore)?.names;
        const stored = before === undefined || before === null ? null : this.namesOfRows.get(before)!;
        const known = naming === undefined ? null : await naming.nameRows(rows, stored, retention !== 'daily');
        const names = known === null ? null : await this.#put('names', this.namesOfRows, known, [...known.names]);
        return this.#put('leaf', this.leaves, { rows, names });
      },
      putHidden: (accounts) => this.#put('hidden', this.lists, new Set(accounts), accounts),
      putBucket: (entries) => this.#put('bucket', this.buckets, entries),
      commit: async (snapshot) => {
        await this.#around('snapshot', () => this.kept.set(`${board} ${asOf}`, { snapshot, retention }));
        return this.#around('pointer', () => {
          const before = this.pointers.get(board);
          const isCredible = before !== undefined && before.asOf <= latestCredible(Date.parse(asOf));
          if (isCredible && before.asOf >= asOf) return 'superseded';
          this.pointers.set(board, snapshot);
          this.switches.push(snapshot);
          return 'switched';
        });
      },
    }));

  #put<Block>(kind: string, blocks: Map<BlockRef, Block>, block: Block, content: unknown = block): Promise<BlockRef> {
    return this.#around(`put ${kind}`, () => {
      const ref = sha256(`${kind} ${JSON.stringify(content)}`).slice(0, 16);
      blocks.set(ref, block);
      return ref;
    });
  }

  readonly newest: LeaderboardReader['newest'] = (board) =>
    this.#around('newest', () => this.pointers.get(board) ?? null);

  readonly newestAt: LeaderboardReader['newestAt'] = (board, time) =>
    this.#around('newest at', () => {
      const snapshots = [...this.kept.values()].map(({ snapshot }) => snapshot);
      const before = snapshots.filter((snapshot) => snapshot.board === board && snapshot.asOf <= time);
      return before.sort((a, b) => (a.asOf < b.asOf ? -1 : 1)).at(-1) ?? null;
    });

  readonly exactly: LeaderboardReader['exactly'] = (board, asOf) =>
    this.#around('exactly', () => this.kept.get(`${board} ${asOf}`)?.snapshot ?? null);

  readonly leaf: LeaderboardReader['leaf'] = (ref) => this.#around('leaf', () => this.#read(this.leaves, ref));
  readonly bucket: LeaderboardReader['bucket'] = (ref) => this.#around('bucket', () => this.#read(this.buckets, ref));

  readonly names: LeaderboardReader['names'] = async (ref) => this.namesOfRows.get(ref) ?? null;
  readonly hidden: LeaderboardReader['hidden'] = async (ref) => this.lists.get(ref) ?? null;

  #read<Block>(blocks: ReadonlyMap<BlockRef, Block>, ref: BlockRef): Block {
    this.reads.push(ref);
    const block = blocks.get(ref);
    if (block === undefined) throw new Error(`there is no block ${ref}`);
    return block;
  }

  /** All rows of a snapshot. Throws if the number of a leaf's rows differs from its count. */
  rowsOf(snapshot: Snapshot): BoardRow[] {
    const leaves = snapshot.leaves.map(({ ref, count }) => ({ count, rows: this.leaves.get(ref)!.rows }));
    for (const { count, rows } of leaves)
      if (rows.length !== count) throw new Error('a leaf has another number of rows');
    const { gone, come } = snapshot.patch ?? { gone: [], come: [] };
    const listed = leaves.flatMap(({ rows }) => rows).filter((_, place) => !gone.includes(place));
    for (const { at, row } of come) listed.splice(at, 0, row);
    return listed;
  }
}

/** Sorts in memory the lines that would be on a disk. `open` counts sorters that are not closed. */
export class MemorySorters {
  open = 0;

  readonly newSorter: NewSorter = ({ compare, pack, unpack }) => {
    this.open += 1;
    const lines: string[] = [];
    let isOpen = true;
    const check = (): void => {
      if (!isOpen) throw new Error('the sorter is closed');
    };
    return {
      add(item) {
        check();
        const line = pack(item);
        if (line.includes('\n')) throw new Error('a line with a line break');
        lines.push(line);
      },
      sorted() {
        check();
        return lines.map(unpack).sort(compare);
      },
      close: () => {
        check();
        isOpen = false;
        this.open -= 1;
      },
    };
  };
}

const anAccount = (id: AccountId): Account => ({
  ...{ id, username: Username.parse(id) },
  ...{ formerNames: [], merged: [], revision: 1 },
});

export const aStanding = (
  name: string,
  canonicalScore: number,
  { since = 0, ...rest }: Partial<Omit<Standing, 'username' | 'canonicalScore'>> = {},
): Standing => ({
  username: aUsername(name),
  canonicalScore,
  tier: 'Seedling',
  rulesVersion: '1',
  since,
  steps: [],
  ...rest,
});

/** Some people to rank, and everything that ranks them. Tests may change `people` and `now` at any time. */
export class LeaderboardWorld {
  readonly store: MemoryLeaderboards;
  readonly sorters = new MemorySorters();
  people: readonly Standing[];
  /** The accounts that are hidden now. */
  readonly hidden = new Set<string>();
  now = Date.parse('2026-08-21T12:00:00.000Z');
  /** What is known of accounts whose names are not their ids. */
  readonly accountsKnown = new Map<string, Partial<Account>>();
  /** When accounts were renamed, merged or erased. */
  readonly changedAt = new Map<string, string>();
  /** False for changes as an older release stored them: without the names. */
  tellsNames = true;
  /** How many changes readers get at most, if that is fewer than they ask for. */
  mostTold = CHANGES_TOLD;
  /** When accounts last hid themselves, or showed themselves again. */
  readonly choices = new Map<string, { readonly at: string; readonly isHidden: boolean }>();
  /** How many accounts were looked up. */
  lookUps = 0;
  /** How often all scores were read. */
  scans = 0;
  readonly #layout: Layout | undefined;

  constructor(people: readonly Standing[] = [], layout?: Layout, step?: Step) {
    this.people = people;
    this.#layout = layout;
    this.store = new MemoryLeaderboards(step);
  }

  get build(): BuildDeps {
    const segments = 3;
    const pageSize = 4;
    const pagesOf = this.#pagesOf.bind(this);
    return {
      standings: { segments, read: (segment) => pagesOf(segment, segments, pageSize) },
      store: this.store,
      accounts: this.accounts,
      newSorter: this.sorters.newSorter,
      clock: () => this.now,
      sha256,
      ...(this.#layout === undefined ? {} : { layout: this.#layout }),
    };
  }

  get read(): ReadBoardsDeps {
    const hiddenAmong = async (usernames: readonly string[]) =>
      new Set(usernames.filter((name) => this.hidden.has(name)));
    const names = accountNames({ accounts: this.accounts as Accounts, clock: () => this.now, randomToken: () => '' });
    return { leaderboards: this.store, profiles: { hiddenAmong }, names, clock: () => this.now, sha256 };
  }

  /** Everybody has an account. */
  get accounts(): Pick<Accounts, 'withIds' | 'changedSince'> {
    return {
      withIds: async (ids) => {
        this.lookUps += ids.length;
        return new Map(ids.map((id) => [id, { ...anAccount(id), ...this.accountsKnown.get(id) }]));
      },
      changedSince: async (time, most = CHANGES_TOLD) => {
        const told = new Map<AccountId, Told>();
        for (const [id, at] of this.changedAt) {
          if (at <= time) continue;
          const { username = Username.parse(id), mergedInto } = this.accountsKnown.get(id) ?? {};
          told.set(AccountId.parse(id), { name: mergedInto === undefined && this.tellsNames ? username : null });
        }
        for (const [id, { at, isHidden }] of this.choices) {
          if (at > time) told.set(AccountId.parse(id), { ...told.get(AccountId.parse(id)), isHidden });
        }
        return told.size > Math.min(most, this.mostTold) ? null : told;
      },
    };
  }

  async *#pagesOf(segment: number, segments: number, pageSize: number): AsyncGenerator<readonly Standing[]> {
    if (segment === 0) this.scans += 1;
    const own = this.people.filter((_, index) => index % segments === segment);
    for (let from = 0; from < own.length; from += pageSize) {
      await this.store.step('before a page of scores');
      yield own
        .slice(from, from + pageSize)
        .map((standing) => (this.hidden.has(standing.username) ? { ...standing, isHidden: true } : standing));
    }
    await this.store.step('after the last page of scores');
  }
}
