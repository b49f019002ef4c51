import type { Construct } from 'constructs';
import { LinkLoginsEnv } from '../../functions/link-logins/env.ts';
import { TakeHooksEnv } from '../../functions/take-hooks/env.ts';
import { environmentOf } from '../environment.ts';
import { API_TIMEOUT, LaurelFunction } from '../laurel-function.ts';
import type { Foundation } from './foundation.ts';

/** What happens on GitHub and in a forum, and whose logins there are whose. */
export function hooks(scope: Construct, { stage, variables, may }: Foundation) {
  // A separate function, because no other one may read the secrets that sign hooks.
  const takeHooks = new LaurelFunction(scope, 'TakeHooks', {
    stage,
    role: 'take-hooks',
    environment: environmentOf(TakeHooksEnv, variables),
    timeout: API_TIMEOUT,
  });
  takeHooks.countFromLog('Accepted');
  takeHooks.allow(may.makeAccounts, may.readHookSecrets, may.storeReports, may.appendGrants);

  const linkLogins = new LaurelFunction(scope, 'LinkLogins', {
    stage,
    role: 'link-logins',
    environment: environmentOf(LinkLoginsEnv, variables),
    timeout: API_TIMEOUT,
  });
  linkLogins.allow(may.mergeAccounts, may.readBalances, may.linkLogins, may.authenticate);

  return { takeHooks, linkLogins };
}
