import * as z from 'zod/mini';

/** What is stored of an account, in pages. */

export const ExportView = z.object({
  accountId: z.string(),
  /** Each item has its kind, its key, and its fields in words instead of packed bytes. */
  items: z.array(z.looseObject({ kind: z.string(), key: z.string() })),
  /** The cursor of the next page. */
  next: z.optional(z.string()),
});
export type ExportedItem = z.infer<typeof ExportView>['items'][number];

/** A place in an export: a part of it, and the key that was read last in that part. */
export type ExportPlace = { readonly part: number; readonly after: string };
const Place = z.tuple([z.int().check(z.nonnegative()), z.string()]);

export const cursorOf = ({ part, after }: ExportPlace): string =>
  Buffer.from(JSON.stringify([part, after])).toString('base64url');

/** Undefined if no export gave this cursor. */
export function placeOf(cursor: string): ExportPlace | undefined {
  try {
    const read = Place.safeParse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    return read.success ? { part: read.data[0], after: read.data[1] } : undefined;
  } catch {
    return undefined;
  }
}

/** A step of an export: some items, and where it goes on; null at the end. */
export type ExportStep = { readonly items: readonly ExportedItem[]; readonly next: ExportPlace | null };
export type AccountExport = { readonly step: (account: string, from: ExportPlace) => Promise<ExportStep> };

/** A page ends after the step that reaches one of these. A step gives far less than 1 MB, and an answer may have 6 MB. */
const ENOUGH_CHARACTERS = 1_000_000;
const MAX_STEPS = 40;

/** A page of an export. */
export async function pageOfExport(
  { step }: AccountExport,
  account: string,
  from: ExportPlace,
): Promise<z.infer<typeof ExportView>> {
  const items: ExportedItem[] = [];
  let [place, size]: [ExportPlace | null, number] = [from, 0];
  for (let steps = 0; place !== null && size < ENOUGH_CHARACTERS && steps < MAX_STEPS; steps += 1) {
    const found: ExportStep = await step(account, place);
    items.push(...found.items);
    size += JSON.stringify(found.items).length;
    place = found.next;
  }
  return { accountId: account, items, ...(place === null ? {} : { next: cursorOf(place) }) };
}
