import { AccountId, CHANGES_TOLD } from '../domain/identity/account.ts';
import { Username } from '../domain/identity/username.ts';
import { LAYOUT } from '../domain/leaderboards/layout.ts';
import { MOST_READ } from '../domain/leaderboards/read-boards.ts';
import { LOOKED_UP } from '../domain/leaderboards/row-names.ts';
import type { LeafEntry } from '../domain/leaderboards/snapshot.ts';
import { toChangedItem } from '../functions/adapters/dynamodb/identity/accounts.ts';
import {
  bucketContent,
  hiddenContent,
  leafContent,
  namesContent,
  toLeasesItem,
  toRoot,
} from '../functions/adapters/dynamodb/leaderboards/leaderboard.items.ts';
import { sha256 } from '../functions/runtime/environment.ts';
import { BYTES_PER_READ_UNIT, itemSize, type Item } from './item-size.ts';

const MILLION = 1_000_000;
const MAX_HIDDEN = 5_000;
const AT = '2026-08-21T12:00:00.000Z';
/** A text of the community's files has 100 UTF-16 units, so half as many of these characters of four bytes. */
const LONGEST_TIER = '🏆'.repeat(50);
export const LEGAL = 'abcdefghijklmnopqrstuvwxyz0123456789';

export const many = <Value>(count: number, valueOf: (n: number) => Value): Value[] =>
  Array.from({ length: count }, (_, n) => valueOf(n));
const refOf = (what: string, n: number) => sha256(`${what} ${n}`).slice(0, 12);

/** Random texts, the same for the same seed. They compress as little as their characters allow. */
export function textsOf(seed: number, characters: string): (length: number) => string {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0; // mulberry32
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return (length) => many(length, () => characters.charAt(next() % characters.length)).join('');
}

export type Lengths = {
  readonly seed: number;
  /** The length of ids of accounts. */
  readonly ids: number;
  /** The length of their names. */
  readonly names: number;
  readonly characters: string;
  /** All points are below this number. */
  readonly points: number;
  readonly tiers: number;
  /**
   * Whether the first row of each leaf has the points and the time of the row before, so that the root names accounts.
   */
  readonly hasTies: boolean;
};

/** The items of a board of a million: blocks of the largest size, and the items that name them. */
export function largestBoard({ seed, ids, names, characters, points, tiers, hasTies }: Lengths) {
  const text = textsOf(seed, characters);
  /** Usual ids begin alike. */
  const id = () => (ids === 20 ? `acc_${text(16)}` : text(ids));
  const number = (what: string, n: number) => (parseInt(refOf(`${seed} ${what}`, n), 16) * 16) % points;
  const sorted = (what: string, count: number) => many(count, (n) => number(what, n)).sort((a, b) => b - a);
  const rows = sorted('points', LAYOUT.leaf.most).map((own, n) => ({
    ...{ username: id(), points: own, canonicalScore: own + number('score', n) },
    ...{ tier: `${LONGEST_TIER}${n % tiers}`, rulesVersion: `${n % 3}` },
  }));
  const leaves = sorted('start', Math.ceil(MILLION / LAYOUT.leaf.average)).map((first, n): LeafEntry => {
    const tie = hasTies ? { since: 1.7e12 + number('since', n), username: id() } : {};
    const start = { points: first, ...tie };
    return { start: n === 0 ? null : start, count: LAYOUT.leaf.average, ref: refOf('leaf', n) };
  });
  const buckets = many(2_048, (n) => refOf('bucket', n));
  const leased = [...leaves.flatMap(({ ref }, n) => [ref, refOf('names', n)]), ...buckets];
  return {
    leaf: leafContent({ rows, names: refOf('names', 0) }).columns(),
    names: namesContent({ at: AT, names: new Map(rows.map(({ username }) => [username, text(names)])) }).columns(),
    hidden: hiddenContent(many(MAX_HIDDEN, () => id())).columns(),
    bucket: bucketContent(
      many(2 * LAYOUT.bucket, (n) => ({
        ...{ fingerprint: parseInt(refOf('print', n).slice(0, 8), 16), points: number('points', n), since: 1.7e12 + n },
      })),
    ).columns(),
    root: toRoot({
      ...{ board: 'alltime', asOf: AT, date: '2026-08-21', total: MILLION, scores: MILLION, leaves, buckets },
      ...{ rulesVersions: new Map([['1', MILLION]]), hidden: refOf('hidden', 0) },
      tiers: new Map(many(tiers, (n) => [`${LONGEST_TIER}${n}`, n])),
      patch: {
        gone: many(LAYOUT.changes, (n) => n),
        come: rows.slice(0, LAYOUT.changes).map((row, at) => ({ at, row })),
      },
    }),
    leases: toLeasesItem('alltime', {
      leases: new Map(leased.map((ref, n) => [ref, { check: sha256(ref).slice(0, 8), until: 20_000 + (n % 40) }])),
      names: new Map(leaves.map(({ ref }, n) => [ref, refOf('names', n)])),
    }),
    changed: toChangedItem(AT, {
      ...{ id: AccountId.parse(id()), username: Username.parse(text(names)) },
      ...{ formerNames: [], merged: [], revision: 1 },
    }),
  } satisfies Record<string, Item>;
}

/** Read units of an eventually consistent read. */
const unitsOf = (bytes: number): number => Math.ceil(bytes / BYTES_PER_READ_UNIT) / 2;

/**
 * The most read units of a page of a past board of a million that is compared with an earlier one: it reads as many
 * rows, changes of accounts and names as it may.
 */
export function unitsOfLargestPage(lengths: Lengths): number {
  const { leaf, names, hidden, root, changed } = largestBoard(lengths);
  const leaves = MOST_READ / LAYOUT.leaf.most;
  const ofLeaf = unitsOf(itemSize(leaf));
  return (
    3 * unitsOf(itemSize(root)) +
    leaves * (ofLeaf + unitsOf(itemSize(names))) +
    2 * ofLeaf +
    unitsOf(itemSize(hidden)) +
    unitsOf((CHANGES_TOLD + 1) * itemSize(changed)) +
    LOOKED_UP / 2
  );
}
