import { ERASED } from '../identity/username.ts';
import { isBefore, toBoardRow, type PlacedRow } from './row.ts';
import type { BlockRef, BoardRow, LeafEntry, Patch } from './snapshot.ts';

/** Leaves that are stored. */
export type StoredLeaves = {
  /** Whether a leaf has exactly these rows. It may say no if it does. */
  isLeaf(ref: BlockRef, rows: readonly BoardRow[]): boolean;
  /** Null if the block is gone. */
  rowsOf(ref: BlockRef): Promise<readonly BoardRow[] | null>;
};

const textOf = ({ username, points, canonicalScore, tier, rulesVersion }: BoardRow): string =>
  JSON.stringify([username, points, canonicalScore, tier, rulesVersion]);

/**
 * The changes that turn the rows of stored leaves into the present rows. Null if more than `most` rows came or went, or
 * if rows that stay change their order. Reads only leaves whose rows changed.
 */
export async function patchOf(
  rows: Iterable<PlacedRow>,
  leaves: readonly LeafEntry[],
  { isLeaf, rowsOf }: StoredLeaves,
  most: number,
): Promise<Patch | null> {
  const gone: number[] = [];
  const come: Patch['come'][number][] = [];
  const sorted = rows[Symbol.iterator]();
  let next = sorted.next();
  let [stored, listed] = [0, 0]; // rows before the leaf
  for (const [index, { ref, count }] of leaves.entries()) {
    const end = leaves[index + 1]?.start ?? null;
    const now: BoardRow[] = [];
    for (; next.done !== true && (end === null || isBefore(next.value, end)); next = sorted.next()) {
      now.push(toBoardRow(next.value));
      if (now.length > count + most) return null;
    }
    if (!isLeaf(ref, now)) {
      const before = await rowsOf(ref);
      if (before === null) return null;
      const [texts, textsBefore] = [now.map(textOf), before.map(textOf)];
      const [inNow, inBefore] = [new Set(texts), new Set(textsBefore)];
      const kept = textsBefore.filter((text) => inNow.has(text));
      if (texts.filter((text) => inBefore.has(text)).some((text, place) => text !== kept[place])) return null;
      for (const [place, text] of textsBefore.entries()) if (!inNow.has(text)) gone.push(stored + place);
      for (const [place, row] of now.entries()) {
        if (!inBefore.has(texts[place] ?? '')) come.push({ at: listed + place, row });
      }
      if (Math.max(gone.length, come.length) > most) return null;
    }
    stored += count;
    listed += now.length;
  }
  return { gone, come };
}

/** The place on the board of a stored row; null if it is gone. */
export function placeOf({ gone, come }: Patch, stored: number): number | null {
  if (gone.includes(stored)) return null;
  const kept = stored - gone.filter((other) => other < stored).length;
  return come.reduce((place, { at }) => (at <= place ? place + 1 : place), kept);
}

/** What is at the places from `from` up to `to`: rows that came, and places of stored rows. */
export function contentOf({ gone, come }: Patch, from: number, to: number): readonly (BoardRow | number)[] {
  const came = new Map(come.map(({ at, row }) => [at, row]));
  let kept = from - come.filter(({ at }) => at < from).length;
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => {
    const row = came.get(from + index);
    if (row !== undefined) return row;
    const stored = gone.reduce((place, other) => (other <= place ? place + 1 : place), kept);
    kept += 1;
    return stored;
  });
}

/** The patch without an account. All other rows keep their places. */
export const patchWithout = ({ gone, come }: Patch, account: string): Patch => ({
  gone,
  come: come.map(({ at, row }) => ({ at, row: row.username === account ? { ...row, username: ERASED } : row })),
});
