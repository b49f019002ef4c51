import { DeleteItemCommand, DynamoDBClient, GetItemCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Board } from '../../domain/leaderboards/board.ts';
import type {
  Retention,
  LeaderboardReader,
  LeaderboardStore,
} from '../../domain/leaderboards/leaderboard-store.port.ts';
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
  let reader: LeaderboardReader;
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
  afterAll(() => client.destroy());

  /** Commits a snapshot of one leaf and one bucket. */
  async function commit(asOf: string, options: Partial<Commit> = {}) {
    const given: Commit = { retention: 'recent', rows: ROWS, by: store, board: 'alltime', ...options };
    const { retention, rows, by, board } = given;
    const writer = await by.write(board, retention, asOf);
    const leaf = { start: null, count: rows.length, ref: await writer.putLeaf(rows) };
    const buckets = [await writer.putBucket(ENTRIES)];
    const snapshot = { ...emptyAt(asOf, board), total: rows.length, scores: 9, leaves: [leaf], buckets };
    return { snapshot, leaf, outcome: await writer.commit(snapshot) };
  }

  /** A client that records the keys of its puts. */
  function noting() {
    const puts: string[] = [];
    const own = engine().client();
    own.middlewareStack.add(
      (next, context) => (args) => {
        const { Item } = args.input as { Item?: Record<string, AttributeValue> };
        if (context.commandName === 'PutItemCommand') puts.push(`${Item!.pk!.S} ${Item!.sk!.S}`);
        return next(args);
      },
      { step: 'initialize' },
    );
    const blocksIn = async (work: () => Promise<unknown>): Promise<number> => {
      const before = puts.length;
      await work();
      return puts.slice(before).filter((key) => key.startsWith('BLOCK#')).length;
    };
    return { own, puts, blocksIn };
  }

  const blockItem = async (ref: string) => {
    const Key = { pk: { S: `BLOCK#${ref}` }, sk: { S: 'BLOCK' } };
    return (await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }))).Item;
  };
  const dropLeases = () => {
    const Key = { pk: { S: 'BOARD#alltime' }, sk: { S: 'LEASES' } };
    return client.send(new DeleteItemCommand({ TableName: table, Key }));
  };

  it('have no snapshot before the first one', async () => {
    expect(await store.current('alltime')).toBeNull();
    expect(await reader.newest('alltime')).toBeNull();
    expect(await reader.newestAt('alltime', NOON)).toBeNull();
    expect(await reader.exactly('alltime', NOON)).toBeNull();
  });

  it('show nothing of a snapshot before its commit', async () => {
    const writer = await store.write('alltime', 'recent', NOON);
    await writer.putLeaf(ROWS);

    expect(await reader.newest('alltime')).toBeNull();
    expect(await reader.exactly('alltime', NOON)).toBeNull();
  });

  it('return a snapshot with all its rows, entries and kinds of starts', async () => {
    const writer = await store.write('season', 'recent', NOON);
    const rows = [...ROWS, row('d', -3, { canonicalScore: 2 ** 52 }), row('e', -3)];
    const [one, other] = [await writer.putLeaf(rows), await writer.putLeaf(ROWS.slice(0, 1))];
    const [bucket, empty] = [await writer.putBucket(ENTRIES), await writer.putBucket([])];
    const snapshot: Snapshot = {
      ...emptyAt(NOON, 'season'),
      total: 9,
      scores: 12,
      leaves: [
        { start: null, count: 5, ref: one },
        { start: { points: 100 }, count: 1, ref: other },
        { start: { points: 90, since: 1_750_000_000_123 }, count: 1, ref: other },
        { start: { points: 90, since: 1_750_000_000_123, username: 'ada' }, count: 1, ref: other },
        { start: { points: 7, since: 0, username: 'zoe-._9' }, count: 1, ref: other },
      ],
      buckets: [bucket, empty],
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
  });

  it('return a snapshot without rows', async () => {
    const writer = await store.write('today', 'daily', NOON);
    await writer.commit(emptyAt(NOON, 'today'));

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
    dying.destroy();
  });

  it('switch even if the first answer to each request was lost', async () => {
    const { endpoint, region, credentials } = engine();
    const retrying = new DynamoDBClient({ endpoint, region, credentials, retryStrategy: RETRY_AT_ONCE });
    const wire = new Wire(({ number }) => (number % 2 === 1 ? 'lost after' : undefined));
    const { snapshot, outcome } = await commit(NOON, { by: storeOf(wire.attach(retrying)) });

    expect(outcome).toBe('switched');
    expect(await reader.newest('alltime')).toEqual(snapshot);
    retrying.destroy();
  });

  it('write only the blocks that are new', async () => {
    const { own, blocksIn } = noting();
    const by = storeOf(own);

    expect(await blocksIn(() => commit(NOON, { by }))).toBe(2);
    expect(await blocksIn(() => commit(after(1_000), { by }))).toBe(0);
    expect(await blocksIn(() => commit(after(2_000), { by, rows: ROWS.slice(1) }))).toBe(1);
    own.destroy();
  });

  it('keep a block as long as the last snapshot that uses it', async () => {
    const { own, blocksIn } = noting();
    const by = storeOf(own);
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
    own.destroy();
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
    const { own, blocksIn } = noting();

    // it asks the store for the leases
    expect(await blocksIn(() => commit(after(2_000), { by: storeOf(own) }))).toBe(1);
    own.destroy();
  });

  it('give a block another address if its own is taken, and then keep that address', async () => {
    const colliding = (text: string) =>
      /^\d/u.test(text) ? sha256(text) : `${'c'.repeat(12)}${sha256(text).slice(12)}`;
    const by = dynamoLeaderboardStore(client, table, colliding);
    const first = await commit(NOON, { by });
    const both = [first.snapshot.leaves[0]!.ref, first.snapshot.buckets[0]!];

    expect((await reader.leaf(both[0]!)).rows).toEqual(ROWS);
    expect(await reader.bucket(both[1]!)).toEqual(ENTRIES);
    const again = await commit(after(1_000), { by });
    await dropLeases();
    const unremembered = await commit(after(2_000), { by });

    for (const { snapshot } of [again, unremembered]) {
      expect([snapshot.leaves[0]!.ref, snapshot.buckets[0]!]).toEqual(both);
    }
    // The builder of another board does not know these blocks, and finds them under its own addresses.
    const other = await commit(after(3_000), { by, board: 'today', rows: ROWS.slice(1) });
    expect((await reader.leaf(other.leaf.ref)).rows).toEqual(ROWS.slice(1));
    expect((await reader.leaf(both[0]!)).rows).toEqual(ROWS);
  });

  it('never overwrite or reuse a different block, even if the builder does not know it', async () => {
    const colliding = (text: string) => (/^\d/u.test(text) ? sha256(text) : 'c'.repeat(12) + sha256(text).slice(12));
    const by = dynamoLeaderboardStore(client, table, colliding);
    const others = ROWS.slice(1);
    const one = await commit(NOON, { by });
    await dropLeases();
    const soon = await commit(after(1_000), { by, rows: others });
    await dropLeases();
    const forGood = await commit(after(2_000), { by, rows: others, retention: 'daily' });

    expect((await reader.leaf(one.leaf.ref)).rows).toEqual(ROWS);
    expect((await reader.leaf(soon.leaf.ref)).rows).toEqual(others);
    expect((await reader.leaf(forGood.leaf.ref)).rows).toEqual(others);
  });

  it('give up on a block if all its addresses are taken', async () => {
    const by = dynamoLeaderboardStore(client, table, (text) => 'c'.repeat(12) + sha256(text).slice(12));

    await expect(commit(NOON, { by })).rejects.toThrow('no address of its own');
  });

  it('return the newest snapshot at or before a time', async () => {
    const asOfs = [0, 60_000, 120_000].map(after);
    for (const asOf of asOfs) await commit(asOf);

    const at = async (time: string) => (await reader.newestAt('alltime', time))?.asOf;
    expect(await at(after(-1))).toBeUndefined();
    expect(await at(NOON)).toBe(NOON);
    expect(await at('2126-08-21T12:00:59Z')).toBe(NOON);
    expect(await at(after(60_000))).toBe(asOfs[1]);
    expect(await at(after(DAY / 2))).toBe(asOfs[2]);
    expect(await reader.newestAt('week', after(DAY))).toBeNull();
  });

  it('treat an expired snapshot as deleted, even if its item still exists', async () => {
    await commit(NOON, { retention: 'daily' });
    await commit(after(1), { retention: 'hourly' });
    for (let minute = 1; minute <= 40; minute += 1) {
      const writer = await store.write('alltime', 'recent', after(minute * 60_000));
      await writer.commit(emptyAt(after(minute * 60_000)));
    }
    const at = async (time: string) => (await reader.newestAt('alltime', time))?.asOf;
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
    const lagging = engine().client();
    lagging.middlewareStack.add(
      (next) => async (args) => {
        const { ConsistentRead } = args.input as { ConsistentRead?: boolean };
        return ConsistentRead === true ? next(args) : { output: { $metadata: {} }, response: {} };
      },
      { step: 'initialize' },
    );
    const late = readerOf(lagging);

    expect(await late.newest('alltime')).toEqual(snapshot);
    expect(await late.exactly('alltime', NOON)).toEqual(snapshot);
    expect((await late.leaf(leaf.ref)).rows).toEqual(ROWS);
    await expect(late.bucket('0123456789ab')).rejects.toThrow('0123456789ab is missing');
    lagging.destroy();
  });

  it('read at half the price, and a block once', async () => {
    await commit(NOON);
    const reads: unknown[] = [];
    const own = engine().client();
    own.middlewareStack.add(
      (next) => (args) => {
        reads.push((args.input as { ConsistentRead?: boolean }).ConsistentRead ?? false);
        return next(args);
      },
      { step: 'initialize' },
    );
    const warm = readerOf(own);
    const { leaves, buckets } = (await warm.newest('alltime'))!;
    const both = async () => [await warm.leaf(leaves[0]!.ref), await warm.bucket(buckets[0]!)];
    expect(await both()).toEqual(await both()); // a block never changes, so it is read once
    expect(reads).toEqual([false, false, false]);
    own.destroy();
  });

  it('store names with rows, use them again, and keep them no longer than the first snapshot that has them', async () => {
    const known: KnownNames = {
      at: NOON,
      names: new Map(ROWS.map(({ username }) => [username, `name of ${username}`])),
    };
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
    const snapshot = await client.send(
      new GetItemCommand({ TableName: table, Key: { pk: { S: 'BOARD#alltime' }, sk: { S: `SNAPSHOT#${NOON}` } } }),
    );
    const ends = Number((await blockItem(await namesOf(first)))!.expiresAt!.N);
    expect(ends).toBeLessThanOrEqual(Number(snapshot.Item!.expiresAt!.N));
    expect(ends).toBeGreaterThan(Date.parse(NOON) / 1_000);

    const later = (minutes: number) => new Date(Date.parse(NOON) + minutes * 60_000).toISOString();
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
