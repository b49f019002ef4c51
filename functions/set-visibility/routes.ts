import * as z from 'zod/mini';
import { hasScope } from '../../domain/identity/credential.ts';
import type { AccountId } from '../../domain/identity/account.ts';
import type { AccountNames } from '../../domain/identity/account-names.ts';
import { Username } from '../../domain/identity/username.ts';
import { knownUser } from '../../domain/scoring/known-user.ts';
import type { Profiles } from '../../domain/scoring/profiles.port.ts';
import type { ScoreStore } from '../../domain/scoring/score-store.port.ts';
import { problem } from '../runtime/problems.ts';
import { route, type HttpDeps } from '../runtime/route.ts';

export type SetVisibilityDeps = HttpDeps & {
  readonly scores: Pick<ScoreStore, 'load'>;
  readonly profiles: Pick<Profiles, 'setHidden'>;
  readonly names: Pick<AccountNames, 'answering' | 'find'>;
};

const ADMIN_SCOPE = 'keys:manage';
const OWN_SCOPE = 'profile:write';
const Leaderboards = z.enum(['shown', 'hidden'], 'expected shown or hidden');
const VisibilityView = z.object({ username: z.string(), leaderboards: Leaderboards });

const isOwn = (own: AccountId | undefined, account: AccountId | undefined): boolean =>
  own !== undefined && own === account;

export const routes = [
  route({
    method: 'PUT',
    path: '/v1/users/{username}/visibility',
    summary: "Choose whether the leaderboards show a user: by the user's own key, or an admin's",
    access: 'key',
    request: z.object({
      params: z.object({ username: Username }),
      body: z.strictObject({ leaderboards: Leaderboards }),
    }),
    unknownParam: 'unknown_username',
    answers: { 200: { description: 'Stored; boards follow it within seconds', schema: VisibilityView } },
    problems: ['unknown_username', 'missing_scope'],
    async handle({ params, body: { leaderboards } }, deps: SetVisibilityDeps, { credential }) {
      const found = await deps.names.find(params.username);
      const isAdmin = hasScope(credential, ADMIN_SCOPE);
      const own =
        credential.kind === 'personal' && !isAdmin
          ? (await deps.names.answering(credential.account))?.account
          : undefined;
      if (!isAdmin && !isOwn(own, found?.account)) {
        return problem('missing_scope', `Another user's visibility requires the ${ADMIN_SCOPE} scope`);
      }
      if (!isAdmin && !hasScope(credential, OWN_SCOPE)) {
        return problem('missing_scope', `this requires the ${OWN_SCOPE} scope`);
      }
      if (found === undefined || knownUser(await deps.scores.load(found.account)) === null) {
        return problem('unknown_username', `username: nothing is known of ${params.username}`);
      }
      await deps.profiles.setHidden(found.account, leaderboards === 'hidden');
      return { status: 200, body: { username: found.username, leaderboards } };
    },
  }),
];
