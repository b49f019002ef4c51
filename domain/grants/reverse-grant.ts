import type { AccountNames } from '../identity/account-names.ts';
import { Username } from '../identity/username.ts';
import type { Clock } from '../shared/environment.ts';
import { err, ok, type Result } from '../shared/result.ts';
import { isoOf } from '../shared/utc.ts';
import type { GrantOutcome } from './decide-grants.ts';
import { isMerge, isReversal, reversalOf } from './grant.ts';
import { grantPoints, type GrantDeps } from './grant-points.ts';

/** Ids are ASCII and shorter than this. The store refuses longer keys, and text that is not well-formed. */
const GRANT_ID = /^[\x20-\x7e]{1,512}$/u;

export type ReversalRefusal = { readonly kind: 'unknown-grant' | 'not-reversible' };

/** Takes a grant back once, by a line of its own. A repeat gives the first reversal. A reversal cannot be reversed. */
export async function reverseGrant(
  deps: GrantDeps & { readonly clock: Clock; readonly names: Pick<AccountNames, 'find'> },
  { grantId, reason, grantedBy }: { readonly grantId: string; readonly reason: string; readonly grantedBy: string },
): Promise<Result<GrantOutcome, ReversalRefusal>> {
  if (!GRANT_ID.test(grantId)) return err({ kind: 'unknown-grant' });
  const stored = (await deps.ledger.find(grantId)) ?? (await findByName(deps, grantId));
  if (stored === undefined) return err({ kind: 'unknown-grant' });
  if (isReversal(stored.line) || isMerge(stored.line)) return err({ kind: 'not-reversible' });
  const request = reversalOf(stored.line, { reason, grantedBy, at: isoOf(deps.clock()) });
  const [outcome] = await grantPoints(deps, [request]);
  if (outcome === undefined) throw new Error(`the reversal of ${grantId} has no outcome`);
  return ok(outcome);
}

/** A grant whose id names its account, asked for with the username in place of the account's id. */
async function findByName({ ledger, names }: Parameters<typeof reverseGrant>[0], grantId: string) {
  const [, what = '', name] = /^((?:badge|publish):.+:)([^:]+)$/u.exec(grantId) ?? [];
  const username = Username.safeParse(name).data;
  const found = username === undefined ? undefined : await names.find(username);
  return found === undefined ? undefined : ledger.find(what + found.account);
}
