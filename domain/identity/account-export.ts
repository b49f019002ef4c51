import * as z from 'zod/mini';
import { AccountId } from './account.ts';

/** What is stored of an account and of those that are merged into it, in pages. */

export const ExportView = z.object({
  accountId: z.string(),
  /** Each item has its kind, its key, and its fields in words instead of packed bytes; `mergedAccountId` if it is of one that was merged. */
  items: z.array(z.looseObject({ kind: z.string(), key: z.string() })),
  /** The cursor of the next page. */
  next: z.optional(z.string()),
});
export type ExportedItem = z.infer<typeof ExportView>['items'][number];

/** A place in an export: a part of it, and the key that was read last in that part. `of`: a merged account. */
export type ExportPlace = { readonly part: number; readonly after: string; readonly of?: AccountId };
const Place = z.tuple([z.int().check(z.nonnegative()), z.string(), z.optional(AccountId)]);

export const cursorOf = ({ part, after, of }: ExportPlace): string =>
  Buffer.from(JSON.stringify(of === undefined ? [part, after] : [part, after, of])).toString('base64url');

/** Undefined if no export gave this cursor. */
export function placeOf(cursor: string): ExportPlace | undefined {
  try {
    const read = Place.safeParse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    if (!read.success) return undefined;
    const [part, after, of] = read.data;
    return { part, after, ...(of === undefined ? {} : { of }) };
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

/** A page of an export; undefined if it would go on in an account that is no longer merged. */
export async function pageOfExport(
  { step }: AccountExport,
  account: AccountId,
  from: ExportPlace,
  merged: readonly AccountId[] = [],
): Promise<z.infer<typeof ExportView> | undefined> {
  const accounts = [account, ...merged];
  const items: ExportedItem[] = [];
  let [place, size]: [ExportPlace | null, number] = [from, 0];
  for (let steps = 0; place !== null && size < ENOUGH_CHARACTERS && steps < MAX_STEPS; steps += 1) {
    const { of = account }: ExportPlace = place;
    const index = accounts.indexOf(of);
    if (index < 0) return undefined;
    const found: ExportStep = await step(of, place);
    items.push(...found.items.map((item) => (of === account ? item : { ...item, mergedAccountId: of })));
    size += JSON.stringify(found.items).length;
    const next = accounts[index + 1];
    if (found.next !== null) place = of === account ? found.next : { ...found.next, of };
    else place = next === undefined ? null : { part: 0, after: '', of: next };
  }
  return { accountId: account, items, ...(place === null ? {} : { next: cursorOf(place) }) };
}
