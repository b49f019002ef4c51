import { emptyBalance, type Balance } from '../../domain/grants/balance.ts';
import { decideGrants, type GrantDecision } from '../../domain/grants/decide-grants.ts';
import { grantOf, type GrantLine, type GrantRequest } from '../../domain/grants/grant.ts';
import { rulebook } from '../../domain/rules/current-rules.ts';
import { rulesVersion1 } from './rules.ts';
import { aUsername, sha256 } from './identity.ts';

export const AT = '2026-08-21T12:00:00.000Z';

export const anAward = (id = 'a1', points = 50, change: Partial<GrantRequest> = {}): GrantRequest => {
  const order = { username: change.username ?? aUsername(), grantedBy: 'team', reason: 'for helping' };
  return { ...grantOf({ ...order, kind: 'award', awardId: id, points }, AT, rulebook), ...change };
};

export const aBadge = (id = 'b1', points = 0, account = aUsername()): GrantRequest =>
  grantOf({ kind: 'badge', badgeId: id, points, username: account, grantedBy: 'team' }, AT, rulebook);

export const aFeedPost = (id = 'p1', account = aUsername()): GrantRequest =>
  grantOf({ kind: 'line', event: 'feed_post_created', id, username: account, grantedBy: 'team' }, AT, rulebook);

export const decide = (
  before: Balance,
  requests: readonly GrantRequest[],
  existing: readonly GrantLine[] = [],
  seed = 'seed',
): GrantDecision =>
  decideGrants(before, requests, new Map(existing.map((line) => [line.grantId, line])), {
    rulesVersion: rulesVersion1.version,
    seed,
    sha256,
  });

/** The decision for a new user's grants. */
export const aLedger = (...requests: GrantRequest[]): GrantDecision => decide(emptyBalance, requests);
