import type { AccountId } from '../identity/account.ts';
import type { Random, RandomToken, Sha256OfBytes, Sleep } from '../shared/environment.ts';
import { settleAll } from '../shared/settle-all.ts';
import { amongMany, untilSaved } from '../shared/until-saved.ts';
import { emptyBalance, type Balance } from './balance.ts';
import { decideGrants, judgeAgainst, type GrantOutcome } from './decide-grants.ts';
import type { GrantLine, GrantRequest, LineRules } from './grant.ts';
import { MAX_LINES_AT_ONCE, type GrantLedger, type StoredGrant } from './grant-ledger.port.ts';

/** A second request for an id, with another user, key or amount. The first grant stays, and somebody should be told. */
export type GrantConflict = { readonly request: GrantRequest; readonly first: GrantLine };

export type GrantDeps = {
  readonly ledger: GrantLedger;
  readonly rules: LineRules;
  readonly sha256: Sha256OfBytes;
  readonly randomToken: RandomToken;
  readonly random: Random;
  readonly sleep: Sleep;
  readonly reportConflict: (conflict: GrantConflict) => void;
};

const PARALLEL_USERS = 8;

/**
 * Gives points: each grant once, whatever happens. The one way into the ledger.
 *
 * Grants of one user go into one transaction, up to 49 at a time. Gives one outcome for each request, in order. A throw
 * means that some may have been given. The same requests again settle it: grants that exist are then duplicates.
 */
export async function grantPoints(
  deps: GrantDeps,
  requests: readonly GrantRequest[],
): Promise<readonly GrantOutcome[]> {
  const firstOfId = new Map<string, GrantRequest>();
  for (const request of requests) if (!firstOfId.has(request.grantId)) firstOfId.set(request.grantId, request);

  const byUser = [...Map.groupBy(firstOfId.values(), ({ username }) => username)];
  const read = await readTogether(deps, byUser);
  const settled = await settleAll(byUser, PARALLEL_USERS, ([username, own]) => grantToUser(deps, username, own, read));
  const outcomeOfId = new Map(settled.flat().map(([request, outcome]) => [request.grantId, outcome]));

  return requests.map((request) => {
    const first = outcomeOfId.get(request.grantId);
    if (first === undefined) throw new Error(`grant ${request.grantId} has no outcome`);
    const outcome = firstOfId.get(request.grantId) === request ? first : judgeAgainst(request, first.line);
    if (outcome.kind === 'conflict') deps.reportConflict({ request, first: outcome.line });
    return outcome;
  });
}

type Read = {
  readonly grants: ReadonlyMap<string, StoredGrant | undefined>;
  readonly balances: ReadonlyMap<AccountId, Balance>;
};

/**
 * Reads the grants, then the balances of users who lack a grant; asked for all at once, so that the ledger can read
 * them together.
 */
async function readTogether(
  { ledger }: GrantDeps,
  byUser: readonly (readonly [AccountId, readonly GrantRequest[]])[],
): Promise<Read> {
  const ids = byUser.flatMap(([, requests]) => requests.map(({ grantId }) => grantId));
  const found = await settleAll(ids, ids.length, async (grantId) => [grantId, await ledger.find(grantId)] as const);
  const grants = new Map(found);
  const isNew = ({ grantId }: GrantRequest) => grants.get(grantId) === undefined;
  const moved = byUser.flatMap(([username, requests]) => (requests.some(isNew) ? [username] : []));
  const balances = await settleAll(moved, moved.length, async (account) => {
    return [account, await ledger.balanceOf(account)] as const;
  });
  return { grants, balances: new Map(balances) };
}

async function grantToUser(
  deps: GrantDeps,
  account: AccountId,
  requests: readonly GrantRequest[],
  read: Read,
): Promise<(readonly [GrantRequest, GrantOutcome])[]> {
  const outcomes: (readonly [GrantRequest, GrantOutcome])[] = [];
  for (let from = 0; from < requests.length; from += MAX_LINES_AT_ONCE) {
    // The requests before these moved the balance.
    const some = requests.slice(from, from + MAX_LINES_AT_ONCE);
    outcomes.push(...(await grantAtOnce(deps, account, some, from === 0 ? read : undefined)));
  }
  return outcomes;
}

/** Decides and writes until the decision is saved. It reads again whenever another writer came first. */
async function grantAtOnce(
  deps: GrantDeps,
  account: AccountId,
  requests: readonly GrantRequest[],
  read: Read | undefined,
): Promise<(readonly [GrantRequest, GrantOutcome])[]> {
  const { ledger, sha256 } = deps;
  const rulesVersion = deps.rules.inForce.version;
  // One for all tries: a try whose answer was lost may have been the one that wrote.
  const [writeId, seed] = [deps.randomToken(6), deps.randomToken(16)];
  return untilSaved<(readonly [GrantRequest, GrantOutcome])[]>(
    amongMany(deps, `balance of ${account}`),
    async (isFirst) => {
      const { grants, balances } = (isFirst ? read : undefined) ?? (await readTogether(deps, [[account, requests]]));
      const found = requests.map(({ grantId }) => grants.get(grantId));
      const existing = new Map(found.flatMap((grant) => (grant ? [[grant.line.grantId, grant.line]] : [])));
      const before = balances.get(account) ?? emptyBalance; // read only if a grant is missing
      const {
        lines,
        balance: after,
        outcomes,
      } = decideGrants(before, requests, existing, { rulesVersion, seed, sha256 });
      const isStale =
        lines.length > 0 && (await ledger.append({ username: account, before, lines, after, writeId })) === 'stale';
      if (isStale) return 'stale';
      return requests.map((request, index) => {
        const [grant, outcome] = [found[index], outcomes[index]];
        if (outcome === undefined) throw new Error(`grant ${request.grantId} has no outcome`);
        const isOurs = grant?.writeId === writeId;
        return [request, isOurs ? { kind: 'granted', line: grant.line } : outcome];
      });
    },
  );
}
