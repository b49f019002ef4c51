import { marshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import { emptyBalance, type Balance } from '../../../../domain/grants/balance.ts';
import type { GrantLine } from '../../../../domain/grants/grant.ts';
import type { LineFault, StoredGrant } from '../../../../domain/grants/grant-ledger.port.ts';
import { AccountId } from '../../../../domain/identity/account.ts';
import { hourPlaceOf } from '../shared/hour-index.ts';
import { hourOf } from '../../../../domain/shared/utc.ts';
import { type Item, userPk } from '../shared/item.ts';
import { fromItem, toItem } from '../shared/format.ts';

/**
 * The items of the `score_grants` table.
 *
 *   GRANT#<grantId>    GRANT      one line, never changed; in `byUser` under username and seq, and in `byHour`
 *   USER#<account>    BALANCE    the running totals and the chain's head
 */

export const GRANT_SK = 'GRANT';
export const BALANCE_SK = 'BALANCE';
const GRANT_PREFIX = 'GRANT#';

export const grantKey = (grantId: string): Item => marshall({ pk: GRANT_PREFIX + grantId, sk: GRANT_SK });
export const balanceKey = (account: AccountId): Item => marshall({ pk: userPk(account), sk: BALANCE_SK });

const Bytes = z.instanceof(Uint8Array);

const GrantItem = z.object({
  pk: z.string().check(z.startsWith(GRANT_PREFIX)),
  username: AccountId,
  seq: z.int(),
  key: z.string(),
  category: z.string(),
  source: z.string(),
  amount: z.int(),
  grantedAt: z.iso.datetime(),
  reason: z.optional(z.string()),
  reasonSalt: z.optional(Bytes),
  reasonHash: z.optional(Bytes),
  grantedBy: z.optional(z.string()),
  grantedBySalt: z.optional(Bytes),
  grantedByHash: z.optional(Bytes),
  balanceAfter: z.int(),
  rulesVersion: z.string(),
  previousHash: z.optional(Bytes),
  hash: Bytes,
  writeId: z.string(),
});

const Totals = z.record(z.string(), z.int());
const BalanceItem = z.object({
  seq: z.int().check(z.positive()),
  totalScore: z.int(),
  categoryTotals: Totals,
  sourceTotals: Totals,
  head: Bytes,
  contributions: z.int(),
  publishPoints: z.int(),
  moved: z._default(Totals, {}),
});

/** Hashes and salts are kept as bytes, at half the size of their digits, so that a line stays within one write unit. */
const bytesOf = (hex: string): Uint8Array => Buffer.from(hex, 'hex');
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Names in a line and in its item, where two are shorter: the longest line has 1,013 of the 1,024 bytes of a write unit. */
const HASHED = [
  ['previousHash', 'previousHash'],
  ['reasonSalt', 'reasonSalt'],
  ['reasonCommitment', 'reasonHash'],
  ['grantedBySalt', 'grantedBySalt'],
  ['grantedByCommitment', 'grantedByHash'],
] as const;
type Hashed = (typeof HASHED)[number][0];
/** The attributes of a line that are kept as bytes, as they are kept. */
const packed = (line: Partial<Record<Hashed, string | null | undefined>>): Record<string, Uint8Array> =>
  Object.fromEntries(HASHED.flatMap(([name, as]) => (line[name] ? [[as, bytesOf(line[name])]] : [])));

export function toGrantItem(
  { grantId, previousHash, hash, reasonCommitment, grantedByCommitment, ...line }: GrantLine,
  writeId: string,
): Item {
  const item = {
    ...line,
    ...hourPlaceOf(hourOf(Date.parse(line.grantedAt)), grantId),
    ...packed({ ...line, previousHash, reasonCommitment, grantedByCommitment }),
    hash: bytesOf(hash),
    writeId,
  };
  return { ...grantKey(grantId), ...toItem('grant', item) };
}

export const parseGrantItem = (item: Item): StoredGrant => storedOf(GrantItem.parse(fromItem('grant', item)));

function storedOf(item: z.infer<typeof GrantItem>): StoredGrant {
  const { pk, previousHash, hash, writeId, reason, reasonSalt, reasonHash, ...rest } = item;
  const { grantedBy, grantedBySalt, grantedByHash, ...line } = rest;
  return {
    line: {
      ...line,
      grantId: pk.slice(GRANT_PREFIX.length),
      ...(reason === undefined ? {} : { reason }),
      ...(reasonSalt === undefined ? {} : { reasonSalt: hexOf(reasonSalt) }),
      ...(reasonHash === undefined ? {} : { reasonCommitment: hexOf(reasonHash) }),
      ...(grantedBy === undefined ? {} : { grantedBy }),
      ...(grantedBySalt === undefined ? {} : { grantedBySalt: hexOf(grantedBySalt) }),
      ...(grantedByHash === undefined ? {} : { grantedByCommitment: hexOf(grantedByHash) }),
      previousHash: previousHash === undefined ? null : hexOf(previousHash),
      hash: hexOf(hash),
    },
    writeId,
  };
}

/**
 * A user's line as the index has it, and its fault. An audit reports the fault, also of a line that was written by
 * hand.
 */
export function readLine(item: Item): { readonly line: GrantLine | undefined; readonly fault: LineFault | undefined } {
  const seq = Number(item.seq?.N);
  const parsed = GrantItem.safeParse(fromItem('grant', item));
  if (!parsed.success) {
    const names = parsed.error.issues.map(({ path }) => path.join('.'));
    const error = `line ${seq} cannot be read: ${[...new Set(names)].join(', ')}`;
    return { line: undefined, fault: { seq, code: 'unreadable_line', error } };
  }
  const { line } = storedOf(parsed.data);
  const { dayShard, hour } = hourPlaceOf(hourOf(Date.parse(line.grantedAt)), line.grantId);
  if (item.dayShard?.S === dayShard && item.hour?.S === hour) return { line, fault: undefined };
  const error = `line ${seq} is not found in its hour: it is filed under ${item.hour?.S ?? 'none'}, not ${hour}`;
  return { line, fault: { seq, code: 'misplaced_line', error } };
}

export function toBalanceItem(
  account: AccountId,
  { categoryTotals, sourceTotals, moved, head, ...rest }: Balance,
): Item {
  if (head === null) throw new Error('a balance without lines is not kept');
  const totals = {
    categoryTotals: Object.fromEntries(categoryTotals),
    sourceTotals: Object.fromEntries(sourceTotals),
    ...(moved.size === 0 ? {} : { moved: Object.fromEntries(moved) }),
  };
  return { ...balanceKey(account), ...toItem('balance', { ...rest, ...totals, head: bytesOf(head) }) };
}

export function parseBalanceItem(item: Item | undefined): Balance {
  if (item === undefined) return emptyBalance;
  const { categoryTotals, sourceTotals, moved, head, ...rest } = BalanceItem.parse(fromItem('balance', item));
  return {
    ...rest,
    categoryTotals: new Map(Object.entries(categoryTotals)),
    sourceTotals: new Map(Object.entries(sourceTotals)),
    moved: new Map(Object.entries(moved)),
    head: hexOf(head),
  };
}
