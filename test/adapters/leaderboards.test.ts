import { DeleteItemCommand, GetItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import type { Board } from '../../domain/leaderboards/board.ts';
import type { LeaderboardStore, Retention } from '../../domain/leaderboards/leaderboard-store.port.ts';
import type { NameRows } from '../../domain/leaderboards/row-names.ts';
import type { BoardRow, BucketEntry, KnownNames, Snapshot } from '../../domain/leaderboards/snapshot.ts';
import { dynamoLeaderboardReader } from '../../functions/adapters/dynamodb/leaderboards/leaderboard-reader.ts';
import { dynamoLeaderboardStore } from '../../functions/adapters/dynamodb/leaderboards/leaderboard-store.ts';
import { sha256 } from '../builders/identity.ts';
import { RETRY_AT_ONCE } from '../../proof/faults.ts';
import { Wire } from '../../proof/wire.ts';
import { onBothEngines } from '../support/on-both-engines.ts';

/** Far in the future, because DynamoDB Local soon deletes items that are expired by the machine's clock. */
const NOON = '2126-08-21T12:00:00.000Z';
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const after = (milliseconds: number): string => new Date(Date.parse(NOON) + milliseconds).toISOString();

const row = (username: string, points: number, rest: Partial<BoardRow> = {}): BoardRow => ({
  username,
  points,
  canonicalScore: points,
  tier: 'Sprout',
  rulesVersion: '1',
  ...rest,
});
const ROWS = [
  row('ada', 90),
  row('bob', 80, { canonicalScore: 20, tier: 'Seedling', rulesVersion: '2' }),
  row('c-_.9', 80),
];
const ENTRIES: readonly BucketEntry[] = [
  { fingerprint: 7, points: 80, since: 5 },
  { fingerprint: 4_294_967_295, points: 90, since: Date.parse(NOON) },
];
const emptyAt = (asOf: string, board: Board = 'alltime'): Snapshot => ({
  board,
  asOf,
  date: asOf.slice(0, 10),
  total: 0,
  rulesVersions: new Map(),
  tiers: new Map([['Sprout', 2]]),
  scores: 0,
  leaves: [],
  buckets: [],
});

type Commit = {
  readonly retention: Retention;
  readonly rows: readonly BoardRow[];
  readonly by: LeaderboardStore;
  readonly board: Board;
};

onBothEngines('leaderboards', (engine) => {
  let client: DynamoDBClient;
  let table: string;
  let store: LeaderboardStore;
  let now: string;
  let reader: ReturnType<typeof readerOf>;
  const storeOf = (own: DynamoDBClient) => dynamoLeaderboardStore(own, table, sha256);
  const readerOf = (own: DynamoDBClient) => dynamoLeaderboardReader(own, table, { clock: () => Date.parse(now) });
  beforeAll(() => {
    client = engine().client();
  });
  beforeEach(async () => {
    table = (await engine().createTables(['leaderboards'])).leaderboards;
    now = NOON;
    store = storeOf(client);
    reader = readerOf(client);
  });

  /** Commits a snapshot of one leaf and one bucket. */
  async function commit(
    asOf: string,
    { retention = 'recent', rows = ROWS, by = store, board = 'alltime' }: Partial<Commit> = {},
  ) {
    const writer = await by.write(board, retention, asOf);
    const leaf = { start: null, count: rows.length, ref: await writer.putLeaf(rows) };
    const buckets = [await writer.putBucket(ENTRIES)];
    const snapshot = { ...emptyAt(asOf, board), total: rows.length, scores: 9, leaves: [leaf], buckets };
    return { snapshot, leaf, outcome: await writer.commit(snapshot) };
  }

  /** A client that shows each of its requests, or answers it itself. */
  function watched(see: (command: string, input: any) => unknown): DynamoDBClient {
    const own = engine().client();
    own.middlewareStack.add(
      (next, context) => async (args) => {
        const output = see(context.commandName ?? '', args.input);
        return output === undefined ? next(args) : { output: output as never, response: {} };
      },
      { step: 'initialize' },
    );
    return own;
  }

  /** A store, and how many blocks it puts. */
  function counting() {
    let blocks = 0;
    const own = watched((command, { Item }) => {
      if (command === 'PutItemCommand' && Item.pk.S.startsWith('BLOCK#')) blocks += 1;
    });
    const blocksIn = async (work: () => Promise<unknown>): Promise<number> => {
      const before = blocks;
      await work();
      return blocks - before;
    };
    return { by: storeOf(own), blocksIn };
  }

  const itemAt = async (pk: string, sk: string) => {
    const Key = { pk: { S: pk }, sk: { S: sk } };
    return (await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }))).Item;
  };
  const blockItem = (ref: string) => itemAt(`BLOCK#${ref}`, 'BLOCK');
  /** A store that gives all blocks one address; their further addresses start with a number, and differ. */
  const collidingStore = (collides = (text: string) => !/^\d/u.test(text)) =>
    dynamoLeaderboardStore(client, table, (text) =>
      collides(text) ? 'c'.repeat(12) + sha256(text).slice(12) : sha256(text),
    );
  const at = async (time: string) => (await reader.newestAt('alltime', time))?.asOf;
  const LEASES = { pk: { S: 'BOARD#alltime' }, sk: { S: 'LEASES' } };
  const dropLeases = () => client.send(new DeleteItemCommand({ TableName: table, Key: LEASES }));

  it('have no snapshot before the commit of the first one', async () => {
    await (await store.write('alltime', 'recent', NOON)).putLeaf(ROWS);

    expect(await store.current('alltime')).toBeNull();
    expect(await reader.newest('alltime')).toBeNull();
    expect(await reader.newestAt('alltime', NOON)).toBeNull();
    expect(await reader.exactly('alltime', NOON)).toBeNull();
  });

  it('return a snapshot with all its rows, entries and kinds of starts, and one without rows', async () => {
    const writer = await store.write('season', 'recent', NOON);
    const rows = [...ROWS, row('d', -3, { canonicalScore: 2 ** 52 }), row('e', -3)];
    const [one, other] = [await writer.putLeaf(rows), await writer.putLeaf(ROWS.slice(0, 1))];
    const [bucket, empty] = [await writer.putBucket(ENTRIES), await writer.putBucket([])];
    const snapshot: Snapshot = {
      ...emptyAt(NOON, 'season'),
      ...{ total: 8, scores: 12 },
      leaves: [
        { start: null, count: 5, ref: one },
        { start: { points: 100 }, count: 1, ref: other },
        { start: { points: 90, since: 1_750_000_000_123 }, count: 1, ref: other },
        { start: { points: 90, since: 1_750_000_000_123, username: 'ada' }, count: 1, ref: other },
        { start: { points: 7, since: 0, username: 'zoe-._9' }, count: 1, ref: other },
      ],
      buckets: [bucket, empty],
      patch: { gone: [0, 7], come: [{ at: 3, row: row('new', -3, { canonicalScore: 2 ** 52, tier: 'Oak' }) }] },
    };
    expect(await writer.commit(snapshot)).toBe('switched');

    expect(await reader.newest('season')).toEqual(snapshot);
    expect(await reader.exactly('season', NOON)).toEqual(snapshot);
    expect(await store.current('season')).toEqual(snapshot);
    expect(await reader.newest('alltime')).toBeNull();
    expect((await reader.leaf(one)).rows).toEqual(rows);
    expect((await reader.leaf(other)).rows).toEqual(ROWS.slice(0, 1));
    expect(await reader.bucket(bucket)).toEqual(ENTRIES);
    expect(await reader.bucket(empty)).toEqual([]);

    await (await store.write('today', 'daily', NOON)).commit(emptyAt(NOON, 'today'));
    expect(await reader.newest('today')).toEqual(emptyAt(NOON, 'today'));
  });

  it('switch only forwards: a build that began earlier does not replace a later one', async () => {
    const later = await commit(after(1));
    const earlier = await commit(NOON, { rows: ROWS.slice(1) });

    expect([later.outcome, earlier.outcome]).toEqual(['switched', 'superseded']);
    expect(await reader.newest('alltime')).toEqual(later.snapshot);
    expect(await reader.exactly('alltime', NOON)).toEqual(earlier.snapshot);
  });

  it.each([
    [2, 'superseded'],
    [400, 'switched'],
  ])('are switched away from a build %i days ahead: %s', async (days, outcome) => {
    await commit(after(days * DAY));

    expect((await commit(after(1))).outcome).toBe(outcome);
  });

  it('end with the latest of many concurrent writers', async () => {
    const times = [3, 9, 1, 7, 5, 8, 2].map(after);
    const written = await Promise.all(times.map((asOf) => commit(asOf)));

    expect((await reader.newest('alltime'))?.asOf).toBe(after(9));
    expect(written[1]!.outcome).toBe('switched');
  });

  it('show one snapshot for a time, even if two builds made one', async () => {
    const first = await commit(NOON);
    await commit(NOON, { rows: ROWS.slice(1) });

    expect(await reader.newest('alltime')).toEqual(first.snapshot);
    expect(await reader.exactly('alltime', NOON)).toEqual(first.snapshot);
  });

  it('complete a snapshot that a builder left before the switch', async () => {
    const own = new Wire(({ command, number }) =>
      command === 'PutItemCommand' && number > 5 ? 'throw before' : undefined,
    );
    const dying = own.attach(engine().client());
    await expect(commit(NOON, { by: storeOf(dying) })).rejects.toMatchObject({ name: 'FunctionEnded' });
    expect(await reader.newest('alltime')).toBeNull();
    const left = await reader.exactly('alltime', NOON);

    const again = await commit(NOON, { rows: ROWS.slice(1) });

    expect(left).not.toBeNull();
    expect(again.outcome).toBe('switched');
    expect(await reader.newest('alltime')).toEqual(left);
  });

  it('switch even if the first answer to each request was lost', async () => {
    const retrying = engine().client({ retryStrategy: RETRY_AT_ONCE });
    const wire = new Wire(({ number }) => (number % 2 === 1 ? 'lost after' : undefined));
    const { snapshot, outcome } = await commit(NOON, { by: storeOf(wire.attach(retrying)) });

    expect(outcome).toBe('switched');
    expect(await reader.newest('alltime')).toEqual(snapshot);
  });

  it('write only the blocks that are new', async () => {
    const { by, blocksIn } = counting();

    expect(await blocksIn(() => commit(NOON, { by }))).toBe(2);
    expect(await blocksIn(() => commit(after(1_000), { by }))).toBe(0);
    expect(await blocksIn(() => commit(after(2_000), { by, rows: ROWS.slice(1) }))).toBe(1);
  });

  it('keep a block as long as the last snapshot that uses it', async () => {
    const { by, blocksIn } = counting();
    const { leaf } = await commit(NOON, { by });
    const keptSeconds = async () => Number((await blockItem(leaf.ref))?.expiresAt?.N) - Date.parse(NOON) / 1_000;
    const recent = await keptSeconds();
    expect(recent).toBeGreaterThan(26 * 3_600);

    expect(await blocksIn(() => commit(after(HOUR), { by, retention: 'hourly' }))).toBe(2);
    expect(await keptSeconds()).toBeGreaterThan(79 * 86_400);
    for (const days of [1, 20, 37]) {
      expect(await blocksIn(() => commit(after(days * DAY), { by, retention: 'hourly' }))).toBe(0);
    }
    expect(await blocksIn(() => commit(after(38 * DAY), { by }))).toBe(0);
    expect(await blocksIn(() => commit(after(41 * DAY), { by, retention: 'hourly' }))).toBe(2);
    expect(await keptSeconds()).toBeGreaterThan((41 + 79) * 86_400);

    expect(await blocksIn(() => commit(after(42 * DAY), { by, retention: 'daily' }))).toBe(2);
    expect(await blockItem(leaf.ref)).not.toHaveProperty('expiresAt');
    expect(await blocksIn(() => commit(after(400 * DAY), { by, retention: 'daily' }))).toBe(0);
  });

  it('never shorten the life of a block, whatever a builder knows about it', async () => {
    const { leaf } = await commit(NOON, { retention: 'daily' });
    await dropLeases();
    await commit(after(1_000), { retention: 'recent' });

    expect(await blockItem(leaf.ref)).not.toHaveProperty('expiresAt');
  });

  it('forget leases of blocks that the newest snapshot does not use', async () => {
    await commit(NOON);
    await commit(after(1_000), { rows: ROWS.slice(1) });
    const { by, blocksIn } = counting();

    // it asks the store for the leases
    expect(await blocksIn(() => commit(after(2_000), { by }))).toBe(1);
  });

  it('give a block another address if its own is taken, and then keep that address', async () => {
    const by = collidingStore();
    const first = await commit(NOON, { by });
    const both = [first.snapshot.leaves[0]!.ref, first.snapshot.buckets[0]!];

    expect((await reader.leaf(both[0]!)).rows).toEqual(ROWS);
    expect(await reader.bucket(both[1]!)).toEqual(ENTRIES);
    for (const seconds of [1, 2]) {
      const { snapshot } = await commit(after(seconds * 1_000), { by });
      expect([snapshot.leaves[0]!.ref, snapshot.buckets[0]!]).toEqual(both);
      await dropLeases(); // the second time, the builder does not remember the address
    }
    // The builder of another board does not know these blocks, and finds them under its own addresses.
    const other = await commit(after(3_000), { by, board: 'today', rows: ROWS.slice(1) });
    expect((await reader.leaf(other.leaf.ref)).rows).toEqual(ROWS.slice(1));
    expect((await reader.leaf(both[0]!)).rows).toEqual(ROWS);
  });

  it('never overwrite or reuse a different block, even if the builder does not know it or all addresses are taken', async () => {
    const by = collidingStore();
    const others = ROWS.slice(1);
    const one = await commit(NOON, { by });
    await dropLeases();
    const soon = await commit(after(1_000), { by, rows: others });
    await dropLeases();
    const forGood = await commit(after(2_000), { by, rows: others, retention: 'daily' });

    expect((await reader.leaf(one.leaf.ref)).rows).toEqual(ROWS);
    expect((await reader.leaf(soon.leaf.ref)).rows).toEqual(others);
    expect((await reader.leaf(forGood.leaf.ref)).rows).toEqual(others);

    const allTaken = commit(after(3_000), { by: collidingStore(() => true), board: 'today' });
    await expect(allTaken).rejects.toThrow('no address of its own');
  });

  it('return the newest snapshot at or before a time', async () => {
    for (const minutes of [0, 1, 2]) await commit(after(minutes * 60_000));

    expect(await at(after(-1))).toBeUndefined();
    expect(await at(NOON)).toBe(NOON);
    expect(await at('2126-08-21T12:00:59Z')).toBe(NOON);
    expect(await at(after(60_000))).toBe(after(60_000));
    expect(await at(after(DAY / 2))).toBe(after(120_000));
    expect(await reader.newestAt('week', after(DAY))).toBeNull();
  });

  it('treat an expired snapshot as deleted, even if its item still exists', async () => {
    await commit(NOON, { retention: 'daily' });
    await commit(after(1), { retention: 'hourly' });
    for (let asOf = 60_000; asOf <= 40 * 60_000; asOf += 60_000) {
      await (await store.write('alltime', 'recent', after(asOf))).commit(emptyAt(after(asOf)));
    }
    const lastOne = after(40 * 60_000);
    expect(await at(after(HOUR))).toBe(lastOne);

    now = after(27 * HOUR);
    expect(await at(after(HOUR))).toBe(after(1));
    expect(await reader.exactly('alltime', lastOne)).toBeNull();
    expect((await reader.exactly('alltime', after(1)))?.asOf).toBe(after(1));
    now = after(41 * DAY);
    expect(await at(after(HOUR))).toBe(NOON);
    expect(await reader.exactly('alltime', after(1))).toBeNull();
    expect((await reader.newest('alltime'))?.asOf).toBe(lastOne); // returned until the next one
  });

  it('retry a block that is not visible yet, and report a missing one', async () => {
    const { snapshot, leaf } = await commit(NOON);
    const lagging = watched((_, { ConsistentRead }) => (ConsistentRead === true ? undefined : { $metadata: {} }));
    const late = readerOf(lagging);

    expect(await late.newest('alltime')).toEqual(snapshot);
    expect(await late.exactly('alltime', NOON)).toEqual(snapshot);
    expect((await late.leaf(leaf.ref)).rows).toEqual(ROWS);
    await expect(late.bucket('0123456789ab')).rejects.toThrow('0123456789ab is missing');
  });

  it('read at half the price, and a block once', async () => {
    await commit(NOON);
    const reads: unknown[] = [];
    const warm = readerOf(watched((_, { ConsistentRead = false }) => void reads.push(ConsistentRead)));
    const { leaves, buckets } = (await warm.newest('alltime'))!;
    const both = async () => [await warm.leaf(leaves[0]!.ref), await warm.bucket(buckets[0]!)];
    expect(await both()).toEqual(await both()); // a block never changes, so it is read once
    expect(reads).toEqual([false, false, false]);
  });

  it('store names with rows, use them again, and keep them no longer than the first snapshot that has them', async () => {
    const names = new Map(ROWS.map(({ username }) => [username, `name of ${username}`]));
    const known: KnownNames = { at: NOON, names };
    const asked: { stored: KnownNames | null; isKept: boolean }[] = [];
    const build = async (asOf: string, retention: Retention, rows: readonly BoardRow[], leafBefore?: string) => {
      const writer = await store.write('alltime', retention, asOf);
      const nameRows: NameRows = async (_rows, stored, isKept) => {
        asked.push({ stored, isKept });
        return stored ?? known;
      };
      const leaf = { start: null, count: rows.length, ref: await writer.putLeaf(rows, { leafBefore, nameRows }) };
      await writer.commit({ ...emptyAt(asOf), total: rows.length, leaves: [leaf] });
      return leaf.ref;
    };
    const namesOf = async (leaf: string) => (await reader.leaf(leaf)).names!;

    const first = await build(NOON, 'recent', ROWS);
    expect(await reader.names(await namesOf(first))).toEqual(known);
    const snapshot = await itemAt('BOARD#alltime', `SNAPSHOT#${NOON}`);
    const ends = Number((await blockItem(await namesOf(first)))!.expiresAt!.N);
    expect(ends).toBeLessThanOrEqual(Number(snapshot!.expiresAt!.N));
    expect(ends).toBeGreaterThan(Date.parse(NOON) / 1_000);

    const later = (minutes: number) => after(minutes * 60_000);
    expect(await build(later(1), 'recent', ROWS, first)).toBe(first); // nobody is asked for names of unchanged rows
    const second = await build(later(2), 'recent', ROWS.slice(1), first);
    expect(await namesOf(second)).toBe(await namesOf(first));
    await build(later(3), 'hourly', ROWS, second);
    expect(asked).toEqual([
      { stored: null, isKept: false },
      { stored: known, isKept: true },
      { stored: known, isKept: false }, // the names would end long before this snapshot
    ]);
  });
});
