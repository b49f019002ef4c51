import * as z from 'zod/mini';
import { ExportView, pageOfExport, placeOf, type AccountExport } from '../../domain/identity/account-export.ts';
import { hasScope } from '../../domain/identity/credential.ts';
import type { Accounts } from '../../domain/identity/account.ts';
import type { AccountNames } from '../../domain/identity/account-names.ts';
import { Username } from '../../domain/identity/username.ts';
import { problem } from '../runtime/problems.ts';
import { route, type HttpDeps } from '../runtime/route.ts';

export type ExportAccountDeps = HttpDeps & {
  readonly account: AccountExport;
  readonly names: Pick<AccountNames, 'answering' | 'find'>;
  readonly accounts: Pick<Accounts, 'load'>;
};

const ADMIN_SCOPE = 'keys:manage';
const EXPECTED_CURSOR = 'expected the next of another page';
const Cursor = z.string().check(z.refine((cursor) => placeOf(cursor) !== undefined, EXPECTED_CURSOR));
const START = { part: 0, after: '' };

export const routes = [
  route({
    method: 'GET',
    path: '/v1/users/{username}/export',
    summary: "All that is stored of a user, in pages: by the user's own key, or an admin's",
    access: 'key',
    unknownParam: 'unknown_username',
    request: z.object({ params: z.object({ username: Username }), query: z.object({ cursor: z.optional(Cursor) }) }),
    answers: { 200: { description: 'A page of items; the last one has no next', schema: ExportView } },
    problems: ['unknown_username', 'missing_scope'],
    async handle({ params: { username }, query: { cursor } }, deps: ExportAccountDeps, { credential }) {
      const found = await deps.names.find(username);
      const own = credential.kind === 'personal' ? await deps.names.answering(credential.account) : undefined;
      const isOwn = own !== undefined && own.account === found?.account;
      if (!isOwn && !hasScope(credential, ADMIN_SCOPE))
        return problem('missing_scope', `An export of another user requires the ${ADMIN_SCOPE} scope`);
      if (found === undefined) return problem('unknown_username', `username: nobody is called ${username}`);
      const from = cursor === undefined ? START : (placeOf(cursor) ?? START);
      const merged = (await deps.accounts.load(found.account))?.merged;
      const page = await pageOfExport(deps.account, found.account, from, merged);
      return page === undefined ? problem('invalid_query', `cursor: ${EXPECTED_CURSOR}`) : { status: 200, body: page };
    },
  }),
];
