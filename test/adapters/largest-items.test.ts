/**
 * No item of a board or a list comes near the 400 KB that DynamoDB takes, whatever accounts, extensions and tiers are called,
 * in a community of a million.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { itemSize } from '../../bench/item-size.ts';
import { largestBoard, LEGAL, many, textsOf } from '../../bench/largest-board.ts';
import { AccountId } from '../../domain/identity/account.ts';
import { ExtensionName } from '../../domain/registry/extension.ts';
import { isoOf } from '../../domain/shared/utc.ts';
import { toLeafItem, toListItem } from '../../functions/adapters/dynamodb/metrics/rollup.items.ts';
import { runs } from '../properties/telemetry-world.ts';

const MOST_BYTES = 320 * 1_024;
const LONGEST_NAME = 64;
/** Ids that an older release took from names are as long. */
const LARGEST = {
  seed: 1,
  ids: LONGEST_NAME,
  names: LONGEST_NAME,
  characters: LEGAL,
  points: 2 ** 52,
  tiers: 100,
  hasTies: true,
};

it('are far below the most that DynamoDB takes, on a board of a million', () => {
  const lengths = fc.record({
    seed: fc.nat(),
    ids: fc.constantFrom(3, 20, LONGEST_NAME),
    names: fc.constantFrom(3, 20, LONGEST_NAME),
    characters: fc.constantFrom('ab', LEGAL),
    points: fc.constantFrom(1_000, 1e9, 2 ** 52),
    tiers: fc.constantFrom(1, 100),
    hasTies: fc.boolean(),
  });
  fc.assert(
    fc.property(lengths, (of) => {
      for (const item of Object.values(largestBoard(of))) expect(itemSize(item)).toBeLessThan(MOST_BYTES);
    }),
    { numRuns: runs(2), examples: [[LARGEST]] },
  );
});

it('are far below it in a list of a million extensions, each of a merged publisher', () => {
  const text = textsOf(1, LEGAL);
  const rows = many(1_000_000 / 1_000, (n) => ({
    extension: ExtensionName.parse(`@${text(62)}/${text(64)}`),
    publisher: { kind: 'personal', name: AccountId.parse(text(LONGEST_NAME)) } as const,
    ...{ versions: n, pulls: 7 * n, firstPublished: isoOf(1.7e12 + 7_919 * n), lastPublished: isoOf(1.75e12 + n) },
  }));
  const names = new Map(
    rows.flatMap(({ publisher: { name } }) => {
      const whole = text(LONGEST_NAME);
      return [[name, `=${whole}`] as const, [whole, text(LONGEST_NAME)] as const];
    }),
  );
  const [leaf, item] = toLeafItem('pulls', rows, names);
  const leaves = many(4 * 1_000, (n) => ({ ...leaf, figure: 1_000_000 + n })); // each a fourth as long as it may be
  const root = toListItem('pulls', { leaves, namesAt: '2026-08-21T12:00:00.000Z' }, 7);

  for (const each of [item, root]) expect(itemSize(each)).toBeLessThan(MOST_BYTES);
});
