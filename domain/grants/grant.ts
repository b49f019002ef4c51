import type { AccountId } from '../identity/account.ts';
import { linePrefixOf } from '../rules/reported-kinds.ts';
import type { ScoringRules } from '../rules/scoring-rules.ts';

/** A request for a grant. Ids are unique in the whole ledger, across all users. */
export type GrantRequest = {
  readonly grantId: string;
  readonly username: AccountId;
  /** The key of the contribution that the points belong to. */
  readonly key: string;
  readonly category: string;
  readonly source: string;
  /** Whole points; below 0 in a reversal only. */
  readonly amount: number;
  /** ISO 8601 */
  readonly grantedAt: string;
  readonly reason?: string;
  readonly grantedBy?: string;
};

/** One line of the ledger. It is never removed, and nothing that its hash covers is ever changed. */
export type GrantLine = GrantRequest & {
  /** Salts are hexadecimal. An erased text has lost its salt, too; its commitment stays. */
  readonly reasonSalt?: string;
  readonly reasonCommitment?: string;
  readonly grantedBySalt?: string;
  readonly grantedByCommitment?: string;
  /** 1, 2, 3, … for each user, without gaps. */
  readonly seq: number;
  /** The user's total after this line. */
  readonly balanceAfter: number;
  readonly rulesVersion: string;
  /** The hash of the user's line before this one; null in the first. */
  readonly previousHash: string | null;
  readonly hash: string;
};

/** A decision made by hand, in the decider's own words. The username is resolved. */
export type GrantOrder = { readonly username: AccountId; readonly grantedBy: string } & (
  | { readonly kind: 'award'; readonly awardId: string; readonly points: number; readonly reason: string }
  | { readonly kind: 'badge'; readonly badgeId: string; readonly points: number; readonly reason?: string | undefined }
  /** Of an event that the rules name. */
  | { readonly kind: 'line'; readonly event: string; readonly id: string }
);

const REVERSAL = 'reversal:';
const PUBLISH = 'publish:';
const AWARD = 'award:';
const MERGE = 'merge:';

export const badgeGrantId = (badgeId: string, account: AccountId): string => `badge:${badgeId}:${account}`;
export const publishGrantId = (name: string, version: string, account: AccountId): string =>
  `${PUBLISH}${name}@${version}:${account}`;
const reversalId = (grantId: string): string => REVERSAL + grantId;

export const isReversal = ({ grantId }: Pick<GrantRequest, 'grantId'>): boolean => grantId.startsWith(REVERSAL);
/** Whether a line takes points into the chain of another account, or brings them: nobody gave them. */
export const isMerge = ({ grantId }: Pick<GrantRequest, 'grantId'>): boolean => grantId.startsWith(MERGE);
export const mergePrefix = (merged: AccountId): string => `${MERGE}${merged}:`;
/** Publishes count in the balance only; the contribution follows the registry. */
export const isPublish = ({ grantId }: Pick<GrantRequest, 'grantId'>): boolean => grantId.startsWith(PUBLISH);
/** `publish:<name>@<version>:<username>` as its name and version; undefined for any other id. */
export function publishOf(grantId: string): { readonly name: string; readonly version: string } | undefined {
  const [, name, version] = /^publish:(.+)@([^@:]+):[^:]+$/u.exec(grantId) ?? [];
  return name === undefined || version === undefined ? undefined : { name, version };
}

/** Whether a line is an award itself: not a badge, and not the reversal of one. */
export const isAward = ({ grantId }: Pick<GrantRequest, 'grantId'>): boolean => grantId.startsWith(AWARD);
/** Whether a line is a contribution of its own: an award, a badge or a feed post. */
export const isContribution = (line: Pick<GrantRequest, 'grantId'>): boolean =>
  !isReversal(line) && !isPublish(line) && !isMerge(line);

/** The grant that a reversal takes back, or undefined for any other line. */
export const reversedBy = ({ grantId }: Pick<GrantRequest, 'grantId'>): string | undefined =>
  grantId.startsWith(REVERSAL) ? grantId.slice(REVERSAL.length) : undefined;

/** The versions of the rules that name an event's line, and the one in force. */
export type LineRules = {
  readonly inForce: Pick<ScoringRules, 'version' | 'events'>;
  readonly all: readonly Pick<ScoringRules, 'version' | 'events'>[];
};

/** The grant that an order asks for. `at` is ISO 8601; a reported line brings the points of the rules in force. */
export function grantOf(order: GrantOrder, at: string, rules: LineRules): GrantRequest {
  const { username, grantedBy } = order;
  const common = { username, grantedBy, grantedAt: at };
  switch (order.kind) {
    case 'award': {
      const { awardId, points: amount, reason } = order;
      const id = AWARD + awardId;
      return { ...common, grantId: id, key: id, category: 'award', source: 'award', amount, reason };
    }
    case 'badge': {
      const { badgeId, points: amount, reason } = order;
      return {
        ...common,
        grantId: badgeGrantId(badgeId, username),
        key: `award:badge:${badgeId}`,
        category: 'award',
        source: 'badge',
        amount,
        ...(reason === undefined ? {} : { reason }),
      };
    }
    case 'line': {
      const entryIn = ({ events }: Pick<ScoringRules, 'events'>) => events.find(({ event }) => event === order.event);
      const scored = entryIn(rules.inForce);
      const entry = scored ?? rules.all.map(entryIn).findLast((each) => each !== undefined);
      if (entry === undefined) throw new Error(`no rules name the event ${order.event}`);
      const { key, category, source } = entry;
      return {
        ...common,
        grantId: `${linePrefixOf(entry) ?? ''}${order.id}`,
        key: key.replace('<id>', () => order.id),
        category,
        source,
        amount: scored?.points ?? 0, // a kind that the rules no longer name is kept, and gives nothing
      };
    }
  }
}

/** The grant that takes another one back: its key, category and source, minus its amount. */
export const reversalOf = (
  { grantId, username, key, category, source, amount }: GrantLine,
  { reason, grantedBy, at }: { readonly reason: string; readonly grantedBy: string; readonly at: string },
): GrantRequest => ({
  grantId: reversalId(grantId),
  username,
  key,
  category,
  source,
  amount: 0 - amount, // not `-amount`, which makes -0 of a badge without points
  grantedAt: at,
  reason,
  grantedBy,
});

/** Whether somebody chose the points of a grant. The rules of that time decided all others. */
const isByHand = ({ grantId }: GrantRequest): boolean => /^(?:award|badge|publish|reversal|merge):/u.test(grantId);

/** Whether a request asks for the same as a line already gave. Anything else with its id is a conflict. */
export const isSameGrant = (request: GrantRequest, line: GrantLine): boolean =>
  request.grantId === line.grantId &&
  request.username === line.username &&
  request.key === line.key &&
  (request.amount === line.amount || !isByHand(request));
