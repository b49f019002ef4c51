import type { AccountId } from '../identity/account.ts';
import type { PublishedVersion } from './extension.ts';
import type { ScoringRules } from '../rules/scoring-rules.ts';
import type { Balance } from '../grants/balance.ts';
import { publishGrantId, type GrantRequest } from '../grants/grant.ts';

/**
 * The grant of a published version for a credited user: the points left below the cap on all publish grants, possibly
 * 0. A reversal or a yank gives nothing back.
 */
export function publishGrantOf(
  { name, version, publisher, publishedAt }: Pick<PublishedVersion, 'name' | 'version' | 'publisher' | 'publishedAt'>,
  account: AccountId,
  { publishPoints }: Pick<Balance, 'publishPoints'>,
  { publishes: { points, cap } }: Pick<ScoringRules, 'publishes'>,
): GrantRequest {
  return {
    grantId: publishGrantId(name, version, account),
    username: account,
    key: 'content:extension-publishes',
    category: 'content',
    source: 'extensions',
    amount: Math.min(points, Math.max(0, cap - publishPoints)),
    grantedAt: publishedAt,
    grantedBy: publisher.name,
  };
}
