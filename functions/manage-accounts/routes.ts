import * as z from 'zod/mini';
import type { AccountId } from '../../domain/identity/account.ts';
import type { AccountNames } from '../../domain/identity/account-names.ts';
import { hasScope, type Credential } from '../../domain/identity/credential.ts';
import {
  mergeAccounts,
  unmergeAccount,
  type MergeDeps,
  type MergeRefusal,
} from '../../domain/identity/merge-accounts.ts';
import { eraseAccount, type EraseDeps } from '../../domain/identity/erase-account.ts';
import { renameAccount, type RenameDeps } from '../../domain/identity/rename-account.ts';
import { Username } from '../../domain/identity/username.ts';
import { problem, type Reply } from '../runtime/problems.ts';
import { route, type HttpDeps } from '../runtime/route.ts';

export type ManageAccountsDeps = HttpDeps &
  RenameDeps &
  MergeDeps &
  EraseDeps & { readonly names: Pick<AccountNames, 'answering' | 'find'> };

const ADMIN_SCOPE = 'keys:manage';
const OWN_SCOPE = 'profile:write';

const unknown = (username: string): Reply => problem('unknown_username', `username: nobody is called ${username}`);

/** Why a key may not change an account; undefined if it may: an admin's, or the account's own. */
async function refusalOf(
  { names }: ManageAccountsDeps,
  credential: Credential,
  account: AccountId | undefined,
  what: string,
): Promise<Reply | undefined> {
  if (hasScope(credential, ADMIN_SCOPE)) return undefined;
  const own = credential.kind === 'personal' ? (await names.answering(credential.account))?.account : undefined;
  const isOwn = own !== undefined && own === account;
  if (!isOwn) return problem('missing_scope', `${what} of another user requires the ${ADMIN_SCOPE} scope`);
  return hasScope(credential, OWN_SCOPE) ? undefined : problem('missing_scope', `this requires the ${OWN_SCOPE} scope`);
}

const MergedView = z.object({ accountId: z.string(), into: z.optional(z.string()) });

const MERGE_CONFLICTS: Readonly<Record<Exclude<MergeRefusal, 'unknown'>, string>> = {
  itself: 'into: an account cannot be merged into itself',
  merged: 'username: this account is merged into another one already',
  'into-merged': 'into: this account is merged into another one itself',
  'not-merged': 'username: this account is not merged into another one',
  erased: 'username: one of the accounts was erased',
  'too-many': 'into: at most 20 accounts can be merged into one',
};
const mergeRefused = (refusal: MergeRefusal, username: string): Reply =>
  refusal === 'unknown' ? unknown(username) : problem('merge_conflict', MERGE_CONFLICTS[refusal]);

const merging = {
  method: 'POST',
  access: { scope: ADMIN_SCOPE },
  unknownParam: 'unknown_username',
  problems: ['unknown_username', 'merge_conflict', 'busy'],
} as const;

const RenamedView = z.object({ accountId: z.string(), username: z.string(), previous: z.string() });

const ErasingView = z.object({ accountId: z.string(), status: z.literal('erasing'), note: z.string() });
const EXTENSIONS_STAY = 'Extensions stay published under their names; their publisher is `erased`.';

export const routes = [
  route({
    method: 'DELETE',
    path: '/v1/users/{username}',
    summary: "Erase a user, and all accounts that are merged into it: by the user's own key, or an admin's",
    access: 'key',
    request: z.object({
      params: z.object({ username: Username }),
      body: z.strictObject({ confirm: z.string('expected the username again') }),
    }),
    unknownParam: 'unknown_username',
    answers: {
      202: {
        description: 'Nobody finds it any more, its keys are unknown, and what is stored of it is being removed',
        schema: ErasingView,
      },
    },
    problems: ['unknown_username', 'missing_scope', 'invalid_body', 'merge_conflict', 'busy'],
    async handle({ params: { username }, body: { confirm } }, deps: ManageAccountsDeps, { credential }) {
      const holder = await deps.accounts.holderOf(username);
      const found = await deps.names.find(username);
      const refusal = await refusalOf(deps, credential, found?.account, 'An erasure');
      if (refusal !== undefined) return refusal;
      if (found === undefined || holder === undefined) return unknown(username);
      if (confirm.toLowerCase() !== username) {
        const details = [{ field: 'confirm', expected: `expected ${username}` }];
        return problem('invalid_body', `confirm: expected ${username}`, { details });
      }
      const erased = await eraseAccount(deps, holder.account);
      if (erased.ok) {
        return { status: 202, body: { accountId: holder.account, status: 'erasing', note: EXTENSIONS_STAY } };
      }
      switch (erased.error) {
        case 'unknown':
          return unknown(username);
        case 'merged':
          return problem(
            'merge_conflict',
            `username: this account is merged into ${found.username}: unmerge it first, or erase ${found.username}`,
          );
      }
    },
  }),
  route({
    method: 'POST',
    path: '/v1/users/{username}/rename',
    summary: "Give a user another name: by the user's own key, or an admin's",
    access: 'key',
    request: z.object({ params: z.object({ username: Username }), body: z.strictObject({ to: Username }) }),
    unknownParam: 'unknown_username',
    answers: { 200: { description: 'It has this name, now or before', schema: RenamedView } },
    problems: ['unknown_username', 'missing_scope', 'username_taken'],
    async handle({ params, body: { to } }, deps: ManageAccountsDeps, { credential }) {
      const found = await deps.names.find(params.username);
      const refusal = await refusalOf(deps, credential, found?.account, 'A rename');
      if (refusal !== undefined) return refusal;
      if (found === undefined) return unknown(params.username);
      const renamed = await renameAccount(deps, found.account, to);
      if (renamed.ok) return { status: 200, body: renamed.value };
      switch (renamed.error) {
        case 'unknown':
          return unknown(params.username);
        case 'username-taken':
          return problem('username_taken', `to: ${to} is the name of another user, or was in the last 90 days`);
      }
    },
  }),
  route({
    ...merging,
    path: '/v1/users/{username}/merge',
    summary: 'Show an account as part of another one, as if all that it did had been done there',
    request: z.object({ params: z.object({ username: Username }), body: z.strictObject({ into: Username }) }),
    answers: { 200: { description: 'It answers as the other one from now on', schema: MergedView } },
    async handle({ params: { username }, body: { into } }, deps: ManageAccountsDeps) {
      const [from, other] = [await deps.accounts.holderOf(username), await deps.accounts.holderOf(into)];
      if (from === undefined) return unknown(username);
      if (other === undefined) return unknown(into);
      const merged = await mergeAccounts(deps, from.account, other.account);
      return merged.ok
        ? { status: 200, body: { accountId: from.account, into } }
        : mergeRefused(merged.error, username);
    },
  }),
  route({
    ...merging,
    path: '/v1/users/{username}/unmerge',
    summary: 'Undo a merge: everything is again as if the two had never been one',
    request: z.object({ params: z.object({ username: Username }) }),
    answers: { 200: { description: 'It answers by itself from now on', schema: MergedView } },
    async handle({ params: { username } }, deps: ManageAccountsDeps) {
      const from = await deps.accounts.holderOf(username);
      if (from === undefined) return unknown(username);
      const unmerged = await unmergeAccount(deps, from.account);
      return unmerged.ok ? { status: 200, body: { accountId: from.account } } : mergeRefused(unmerged.error, username);
    },
  }),
];
