import * as z from 'zod/mini';
import { BOARDS, type Board } from './board.ts';

const CursorParts = z.tuple([z.enum(BOARDS), z.iso.datetime(), z.int().check(z.positive())]);

/** The cursor of the page after the first `after` rows of a snapshot. */
export const toCursor = ({ board, asOf, after }: { board: Board; asOf: string; after: number }): string =>
  Buffer.from(JSON.stringify([board, asOf, after] satisfies z.infer<typeof CursorParts>)).toString('base64url');

/** Null for a text that is not the cursor of a page. */
export function fromCursor(cursor: string): z.infer<typeof CursorParts> | null {
  try {
    const read: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    const parts = CursorParts.safeParse(read).data;
    if (parts === undefined) return null;
    const [board, asOf, after] = parts;
    // Decoding skips characters outside the alphabet, so the text is compared with the one that a page gives.
    return toCursor({ board, asOf, after }) === cursor ? parts : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
