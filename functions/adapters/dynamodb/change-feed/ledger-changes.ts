import { isDeepStrictEqual } from 'node:util';
import type { LedgerChange } from '../../../../domain/change-feed/ledger-change.ts';
import { hourOf } from '../../../../domain/shared/utc.ts';
import { GRANT_SK, parseGrantItem } from '../grants/grant.items.ts';
import { usernameOf } from '../shared/item.ts';
import type { StreamChange } from './stream-record.ts';

/**
 * Reads a stream record of the `score_grants` table. A grant and its balance change in one transaction, so both records
 * name the same user. A line changes only if its texts are erased, which no metric counts. Any other record of only one
 * of them comes from a change by hand. Throws on a record of another table.
 */
export function ledgerChange({ keys, before, after }: StreamChange): LedgerChange {
  if (keys.sk?.S !== GRANT_SK) return { kind: 'ledger-changed', username: usernameOf(keys), hours: [] };
  const item = after ?? before;
  if (item === undefined) throw new Error('a stream record has neither image');
  const { username, grantedAt } = parseGrantItem(item).line;
  const areTextsErased = before?.hash !== undefined && isDeepStrictEqual(before.hash, after?.hash);
  return { kind: 'ledger-changed', username, hours: areTextsErased ? [] : [hourOf(Date.parse(grantedAt))] };
}
