import * as z from 'zod/mini';
import { linkLogin, unlinkLogin, type LinkDeps } from '../../domain/identity/link-login.ts';
import { LoginFields, PLACES, type Place } from '../../domain/identity/logins.port.ts';
import type { AccountNames } from '../../domain/identity/account-names.ts';
import { Username } from '../../domain/identity/username.ts';
import { problem } from '../runtime/problems.ts';
import { route, type HttpDeps } from '../runtime/route.ts';

export type LinkLoginsDeps = HttpDeps & LinkDeps & { readonly names: Pick<AccountNames, 'answering' | 'find'> };

const LoginBody = z.strictObject(LoginFields);
const LinkView = z.object({ username: z.string(), id: z.int(), login: z.string() });

const NAMES = { github: 'GitHub', discourse: 'Discourse' } as const satisfies Record<Place, string>;

const routesOf = (place: Place) => {
  const common = {
    path: `/v1/users/{username}/logins/${place}`,
    access: { scope: 'keys:manage' },
    unknownParam: 'unknown_username',
  } as const;
  const params = z.object({ username: Username });
  return [
    route({
      ...common,
      method: 'PUT',
      summary: `Link a login on ${NAMES[place]} to an account: what it does and did there counts for the account`,
      request: z.object({ params, body: LoginBody }),
      answers: { 200: { description: 'Linked, now or before', schema: LinkView } },
      problems: ['unknown_username', 'login_conflict', 'merge_conflict', 'busy'],
      async handle({ params: { username }, body }, deps: LinkLoginsDeps) {
        const own = (await deps.names.accountsOf([username]))(username);
        const account = (await deps.names.answering(own))?.account ?? own;
        const linked = await linkLogin(deps, account, { place, ...body });
        if (linked.ok) return { status: 200, body: { username, ...body } };
        switch (linked.error) {
          case 'taken':
            return problem('login_conflict', `id: ${body.id} on ${NAMES[place]} is the login of another account`);
          case 'too-many':
            return problem(
              'merge_conflict',
              'username: the login is linked, but at most 20 accounts can be merged into one',
            );
        }
      },
    }),
    route({
      ...common,
      method: 'DELETE',
      summary: `Unlink an account's login on ${NAMES[place]}: what it did while linked stays`,
      request: z.object({ params }),
      answers: { 204: { description: 'Unlinked, now or before' } },
      problems: ['unknown_username', 'busy'],
      async handle({ params: { username } }, deps: LinkLoginsDeps) {
        const found = await deps.names.find(username);
        if (found === undefined) return problem('unknown_username', `username: nobody is called ${username}`);
        await unlinkLogin(deps, found.account, place);
        return { status: 204 };
      },
    }),
  ];
};

export const routes = PLACES.flatMap(routesOf);
