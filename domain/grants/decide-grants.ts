import type { Sha256OfBytes } from '../shared/environment.ts';
import { applyLine, type Balance } from './balance.ts';
import { commitTo } from './commitment.ts';
import { isSameGrant, type GrantLine, type GrantRequest } from './grant.ts';
import { hashOfLine } from './line-hash.ts';

/**
 * The outcome of a request. `duplicate` and `conflict` carry the first grant of that id, which stays valid: the same
 * one, or one of another user, key or amount.
 */
export type GrantOutcome = { readonly kind: 'granted' | 'duplicate' | 'conflict'; readonly line: GrantLine };

export type GrantDecision = {
  /** The lines to add, in order. */
  readonly lines: readonly GrantLine[];
  /** The balance after them. */
  readonly balance: Balance;
  /** One for each request, in order. */
  readonly outcomes: readonly GrantOutcome[];
};

type Making = { readonly rulesVersion: string; readonly seed: string; readonly sha256: Sha256OfBytes };

/** The outcome of a request whose id a line already has. */
export const judgeAgainst = (request: GrantRequest, line: GrantLine): GrantOutcome => ({
  kind: isSameGrant(request, line) ? 'duplicate' : 'conflict',
  line,
});

/**
 * May these grants of one user be added? `existing` holds the lines that already have an id of these requests, whatever
 * user they are of. Pure: times are in the requests, and the salts come from `seed`, a random text that nobody keeps.
 */
export function decideGrants(
  before: Balance,
  requests: readonly GrantRequest[],
  existing: ReadonlyMap<string, GrantLine>,
  making: Making,
): GrantDecision {
  const taken = new Map(existing);
  const lines: GrantLine[] = [];
  const outcomes: GrantOutcome[] = [];
  let balance = before;
  for (const request of requests) {
    const first = taken.get(request.grantId);
    if (first !== undefined) {
      outcomes.push(judgeAgainst(request, first));
      continue;
    }
    const line = nextLine(balance, request, making);
    taken.set(request.grantId, line);
    lines.push(line);
    outcomes.push({ kind: 'granted', line });
    balance = applyLine(balance, line);
  }
  return { lines, balance, outcomes };
}

function nextLine(balance: Balance, request: GrantRequest, { rulesVersion, seed, sha256 }: Making): GrantLine {
  const line = {
    ...request,
    ...commitTo(request, { seed, sha256 }),
    seq: balance.seq + 1,
    balanceAfter: balance.totalScore + request.amount,
    rulesVersion,
    previousHash: balance.head,
  };
  return { ...line, hash: hashOfLine(line, sha256) };
}
