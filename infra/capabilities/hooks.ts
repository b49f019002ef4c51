import { LinkLoginsEnv } from '../../functions/link-logins/env.ts';
import { TakeHooksEnv } from '../../functions/take-hooks/env.ts';
import type { Foundation } from './foundation.ts';

/** What happens on GitHub and in a forum, and whose logins there are whose. */
export function hooks({ may, behindApi }: Foundation) {
  // A separate function, because no other one may read the secrets that sign hooks.
  const takeHooks = behindApi('TakeHooks', 'take-hooks', TakeHooksEnv);
  takeHooks.countFromLog('Accepted');
  takeHooks.allow(may.makeAccounts, may.readHookSecrets, may.storeReports, may.appendGrants);

  const linkLogins = behindApi('LinkLogins', 'link-logins', LinkLoginsEnv);
  linkLogins.allow(may.mergeAccounts, may.readBalances, may.linkLogins, may.authenticate);

  return { takeHooks, linkLogins };
}
