import * as z from 'zod/mini';
import { AuditView, auditOf, linesToAudit } from '../../domain/grants/audit.ts';
import { linesUpTo, MAX_UNITS_OF_LINES, pageOfLines, type LinesDeps } from '../../domain/grants/read-lines.ts';
import { GrantsView, grantView } from '../../domain/grants/views.ts';
import type { AccountId } from '../../domain/identity/account.ts';
import type { ScoreStore } from '../../domain/scoring/score-store.port.ts';
import type { Sha256OfBytes } from '../../domain/shared/environment.ts';
import { CSV_TYPE, Format, inFormat } from '../runtime/format.ts';
import { queryNumber } from '../runtime/query.ts';
import { route, type HttpDeps } from '../runtime/route.ts';
import { OF_USER, OfUser, unknownUsername, withAccount, type OfUserDeps } from './of-user.ts';

export type LedgerReadDeps = HttpDeps &
  OfUserDeps &
  LinesDeps & {
    readonly scores: Pick<ScoreStore, 'load'>;
    readonly sha256: Sha256OfBytes;
  };

const DEFAULT_PAGE_SIZE = 100;
const MAX_PER_PAGE = 1_000;

const GrantsQuery = z.object({
  limit: z._default(queryNumber(1, MAX_PER_PAGE), DEFAULT_PAGE_SIZE),
  /** The seq of the last line of the page before. */
  cursor: z.optional(z.string().check(z.regex(/^[1-9][0-9]{0,14}$/, 'expected the next of another page'))),
  format: Format,
});

/** The text of a line is made of some of these and the account. */
const GRANT_COLUMNS = [
  ...['grantId', 'key', 'category', 'source', 'amount', 'reason', 'grantedBy', 'reverses', 'grantedAt'],
  ...['seq', 'balanceAfter', 'rulesVersion', 'previousHash', 'hash', 'format'],
  ...['reasonSalt', 'reasonCommitment', 'grantedBySalt', 'grantedByCommitment'],
] as const;

/** The first line to audit; earlier audits covered the lines before it. */
const AuditQuery = z.object({ from: z._default(queryNumber(1), 1) });

/** A user may be known without a grant: then their ledger is empty. */
const hasScore = async ({ scores }: LedgerReadDeps, account: AccountId): Promise<boolean> =>
  (await scores.load(account)).score !== null;

export const ledgerRoutes = [
  route({
    ...OF_USER,
    method: 'GET',
    path: '/v1/scores/{username}/grants',
    summary: "The lines of a user's ledger, newest first. A page of long lines may have fewer than `limit`",
    request: z.object({ params: OfUser, query: GrantsQuery }),
    answers: {
      200: { description: 'A page of lines; each hash can be computed again', schema: GrantsView, types: [CSV_TYPE] },
    },
    problems: ['unknown_username'],
    handle: ({ params, query: { limit, cursor, format } }, deps: LedgerReadDeps, { headers }) =>
      withAccount(deps, params.username, async ({ account }) => {
        const before = cursor === undefined ? undefined : Number(cursor);
        const { balance, page, unread, next } = await pageOfLines(deps, account, {
          limit,
          before,
          maxUnits: MAX_UNITS_OF_LINES,
        });
        if (balance.seq === 0 && !(await hasScore(deps, account))) return unknownUsername(params.username);
        const grants = page.map(grantView);
        const problems = unread.length === 0 ? {} : { problems: [...unread] };
        const body = { accountId: account, grants, ...problems, ...(next === null ? {} : { next: String(next) }) };
        return inFormat({ format }, headers, body, grants, GRANT_COLUMNS);
      }),
  }),
  route({
    ...OF_USER,
    method: 'GET',
    path: '/v1/scores/{username}/audit',
    summary: 'Proves the balance from the lines, now',
    request: z.object({ params: OfUser, query: AuditQuery }),
    answers: { 200: { description: 'What the lines give, and what is wrong', schema: AuditView } },
    problems: ['unknown_username'],
    handle: ({ params, query: { from } }, deps: LedgerReadDeps) =>
      withAccount(deps, params.username, async ({ account, username }) => {
        const read = await linesUpTo(deps, account, linesToAudit(from));
        const isEmpty = read.balance.seq === 0 && read.lines.length + read.faults.length === 0;
        if (isEmpty && !(await hasScore(deps, account))) return unknownUsername(params.username);
        return { status: 200, body: auditOf(username, read, deps.sha256, from) };
      }),
  }),
];
