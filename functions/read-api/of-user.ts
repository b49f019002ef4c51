import * as z from 'zod/mini';
import type { AccountNames, FoundAccount } from '../../domain/identity/account-names.ts';
import { Username } from '../../domain/identity/username.ts';
import { problem, type Reply } from '../runtime/problems.ts';

/** A change shows within 10 s of its commit; half of that may go to caches. */
const CACHE_SECONDS = 5;

/** Shared by all routes about one user. */
export const OF_USER = { access: 'anyone', unknownParam: 'unknown_username', cacheSeconds: CACHE_SECONDS } as const;
export const OfUser = z.object({ username: Username });
export const unknownUsername = (username: string): Reply =>
  problem('unknown_username', `username: nothing is known of ${username}`);

export type OfUserDeps = { readonly names: Pick<AccountNames, 'find'> };

/** Answers about the account that a name is of, or with 404. */
export async function withAccount(
  { names }: OfUserDeps,
  username: Username,
  answer: (found: FoundAccount) => Promise<Reply>,
): Promise<Reply> {
  const found = await names.find(username);
  return found === undefined ? unknownUsername(username) : answer(found);
}
