import * as z from 'zod/mini';
import type { AccountId } from '../../domain/identity/account.ts';
import type { AccountNames } from '../../domain/identity/account-names.ts';
import { hasScope, type Credential } from '../../domain/identity/credential.ts';
import { renameAccount, type RenameDeps } from '../../domain/identity/rename-account.ts';
import { Username } from '../../domain/identity/username.ts';
import { problem, type Reply } from '../runtime/problems.ts';
import { route, type HttpDeps } from '../runtime/route.ts';

export type ManageAccountsDeps = HttpDeps & RenameDeps & { readonly names: Pick<AccountNames, 'find'> };

const ADMIN_SCOPE = 'keys:manage';
const OWN_SCOPE = 'profile:write';

const unknown = (username: string): Reply => problem('unknown_username', `username: nobody is called ${username}`);

/** Why a key may not change an account; undefined if it may: an admin's, or the account's own. */
function refusalOf(credential: Credential, account: AccountId | undefined, what: string): Reply | undefined {
  if (hasScope(credential, ADMIN_SCOPE)) return undefined;
  const isOwn = credential.kind === 'personal' && credential.account === account;
  if (!isOwn) return problem('missing_scope', `${what} of another user requires the ${ADMIN_SCOPE} scope`);
  return hasScope(credential, OWN_SCOPE) ? undefined : problem('missing_scope', `this requires the ${OWN_SCOPE} scope`);
}

const RenamedView = z.object({ accountId: z.string(), username: z.string(), previous: z.string() });

export const routes = [
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
      const refusal = refusalOf(credential, found?.account, 'A rename');
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
];
