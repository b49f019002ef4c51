import * as z from 'zod/mini';
import { PLACES, type Logins, type Place } from '../../domain/identity/logins.port.ts';
import type { AccountNames } from '../../domain/identity/account-names.ts';
import { Username } from '../../domain/identity/username.ts';
import type { Clock, Random, Sleep } from '../../domain/shared/environment.ts';
import { untilSaved, withinRequest } from '../../domain/shared/until-saved.ts';
import { problem } from '../runtime/problems.ts';
import { route, type HttpDeps } from '../runtime/route.ts';

export type LinkLoginsDeps = HttpDeps & {
  readonly logins: Logins;
  readonly names: AccountNames;
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: Sleep;
};

const EXPECTED_ID = 'expected the number of the login, which never changes there';
const EXPECTED_LOGIN = 'expected 1 to 60 of A-Z a-z 0-9 - _ .';
const LoginOf = z.strictObject({
  id: z.int(EXPECTED_ID).check(z.gte(1, EXPECTED_ID)),
  login: z.string(EXPECTED_LOGIN).check(z.regex(/^[A-Za-z0-9._-]{1,60}$/, EXPECTED_LOGIN)),
});
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
      summary: `Link a login on ${NAMES[place]} to an account: what it does there counts for the account from now on`,
      request: z.object({ params, body: LoginOf }),
      answers: { 200: { description: 'Linked, now or before', schema: LinkView } },
      problems: ['unknown_username', 'login_conflict', 'busy'],
      async handle({ params: { username }, body }, deps: LinkLoginsDeps) {
        const account = (await deps.names.accountsOf([username]))(username);
        const outcome = await untilSaved(withinRequest(deps), () => deps.logins.link(account, { place, ...body }));
        if (outcome === 'linked') return { status: 200, body: { username, ...body } };
        return problem('login_conflict', `id: ${body.id} on ${NAMES[place]} is the login of another account`);
      },
    }),
    route({
      ...common,
      method: 'DELETE',
      summary: `Unlink an account's login on ${NAMES[place]}; what has counted stays`,
      request: z.object({ params }),
      answers: { 204: { description: 'Unlinked, now or before' } },
      problems: ['unknown_username', 'busy'],
      async handle({ params: { username } }, deps: LinkLoginsDeps) {
        const found = await deps.names.find(username);
        if (found === undefined) return { status: 204 };
        await untilSaved(withinRequest(deps), () => deps.logins.unlink(found.account, place));
        return { status: 204 };
      },
    }),
  ];
};

export const routes = PLACES.flatMap(routesOf);
