/**
 * No item of a board or a list comes near the 400 KB that DynamoDB takes, whatever accounts, extensions and tiers are called,
 * in a community of a million.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { itemSize, type Item } from '../../bench/item-size.ts';
import { LAYOUT } from '../../domain/leaderboards/layout.ts';
import type { LeafEntry } from '../../domain/leaderboards/snapshot.ts';
import {
  bucketContent,
  hiddenContent,
  leafContent,
  namesContent,
  toLeasesItem,
  toRoot,
  type BlockContent,
} from '../../functions/adapters/dynamodb/leaderboards/leaderboard.items.ts';
import { toLeafItem, toListItem } from '../../functions/adapters/dynamodb/metrics/rollup.items.ts';
import { AccountId } from '../../domain/identity/account.ts';
import { ExtensionName } from '../../domain/registry/extension.ts';
import { isoOf } from '../../domain/shared/utc.ts';
import { sha256 } from '../builders/identity.ts';
import { runs } from '../properties/telemetry-world.ts';

const MOST_BYTES = 400 * 1_024;
const MILLION = 1_000_000;
const MAX_HIDDEN = 5_000;
const AT = '2026-08-21T12:00:00.000Z';
const LONGEST_NAME = 64;
/** A text of the community's files has 100 UTF-16 units, so half as many of these characters of four bytes. */
const LONGEST_TIER = '🏆'.repeat(50);
const TIERS = 100;

const { most, average } = LAYOUT.leaf;
const many = <Value>(count: number, valueOf: (n: number) => Value) =>
  Array.from({ length: count }, (_, n) => valueOf(n));
const refOf = (what: string, n: number) => sha256(`${what} ${n}`).slice(0, 12);
/** Names without a pattern, for a world: of the legal characters, they compress as little as those allow. */
function textOf(seed: number, length: number, characters: string): () => string {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0; // mulberry32
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return () => many(length, () => characters.charAt(next() % characters.length)).join('');
}

const LEGAL = 'abcdefghijklmnopqrstuvwxyz0123456789';
const LARGEST = { seed: 1, length: LONGEST_NAME, characters: LEGAL, points: 2 ** 52, tiers: TIERS };
const world = fc.record({
  seed: fc.nat(),
  length: fc.constantFrom(3, 20, LONGEST_NAME),
  characters: fc.constantFrom('ab', LEGAL),
  points: fc.constantFrom(1_000, 1e9, 2 ** 52),
  tiers: fc.constantFrom(1, TIERS),
});

it('are far below the most that DynamoDB takes, on a board of a million', () => {
  fc.assert(
    fc.property(world, ({ seed, length, characters, points, tiers }) => {
      const text = textOf(seed, length, characters);
      const numberOf = (what: string, n: number) => (parseInt(refOf(`${seed} ${what}`, n), 16) * 16) % points;
      const rows = many(most, (n) => ({
        ...{ username: text(), points: numberOf('points', n), canonicalScore: numberOf('score', n) },
        ...{ tier: `${LONGEST_TIER}${n % tiers}`, rulesVersion: `${n % 3}` },
      }));
      const fingerprints = many(2 * LAYOUT.bucket, (n) => ({
        ...{ fingerprint: parseInt(sha256(`${n}`).slice(0, 8), 16), points: numberOf('points', n), since: 1.7e12 + n },
      }));
      const blocks: BlockContent[] = [
        leafContent({ rows, names: refOf('names', 0) }),
        namesContent({ at: AT, names: new Map(rows.map(({ username }) => [username, text()])) }),
        hiddenContent(many(MAX_HIDDEN, () => text())),
        bucketContent(fingerprints),
      ];
      const leaves = many(Math.ceil(MILLION / average), (n): LeafEntry => {
        const start = {
          points: numberOf('start', n),
          since: 1.7e12 + numberOf('since', n),
          username: text(),
        };
        return { start: n === 0 ? null : start, count: average + (n % average), ref: refOf('leaf', n) };
      });
      const buckets = many(2_048, (n) => refOf('bucket', n));
      const leased = [...leaves.flatMap(({ ref }, n) => [ref, refOf('names', n)]), ...buckets];
      const root = toRoot({
        ...{ board: 'alltime', asOf: AT, date: '2026-08-21', total: MILLION, scores: MILLION, leaves, buckets },
        ...{ rulesVersions: new Map([['1', MILLION]]), hidden: refOf('hidden', 0) },
        tiers: new Map(many(tiers, (n) => [`${LONGEST_TIER}${n}`, n])),
        patch: {
          gone: many(LAYOUT.changes, (n) => n),
          come: rows.slice(0, LAYOUT.changes).map((row, at) => ({ at, row })),
        },
      });
      const leases = toLeasesItem('alltime', {
        leases: new Map(leased.map((ref, n) => [ref, { check: sha256(ref).slice(0, 8), until: 20_000 + (n % 40) }])),
        names: new Map(leaves.map(({ ref }, n) => [ref, refOf('names', n)])),
      });
      const items: Item[] = [...blocks.map(({ columns }) => columns()), root, leases];
      for (const item of items) expect(itemSize(item)).toBeLessThan(MOST_BYTES / 1.25);
    }),
    { numRuns: runs(3), examples: [[LARGEST]] },
  );
});

it('are far below it in a list of a million extensions, each of a merged publisher', () => {
  const [text, half] = [textOf(1, LONGEST_NAME, LEGAL), LONGEST_NAME - 2];
  const rows = many(MILLION / 1_000, (n) => ({
    extension: ExtensionName.parse(`@${text().slice(0, half)}/${text()}`),
    publisher: { kind: 'personal', name: AccountId.parse(text()) } as const,
    ...{
      versions: n,
      pulls: 7 * n,
      firstPublished: isoOf(1.7e12 + 7_919 * n),
      lastPublished: isoOf(1.75e12 + 6_007 * n),
    },
  }));
  const names = new Map(
    rows.flatMap(({ publisher: { name } }) => {
      const whole = text();
      return [[name, `=${whole}`] as const, [whole, text()] as const];
    }),
  );
  const [leaf, item] = toLeafItem('pulls', rows, names);
  const leaves = many(4 * 1_000, (n) => ({ ...leaf, figure: MILLION + n })); // each a fourth as long as it may be
  const root = toListItem('pulls', { leaves, namesAt: AT }, 7);

  for (const each of [item, root]) expect(itemSize(each)).toBeLessThan(MOST_BYTES / 1.25);
});
