import * as z from 'zod/mini';
import { BOARDS } from '../../domain/leaderboards/board.ts';
import {
  COMPARISONS,
  pageOf,
  readPlace,
  type ReadBoardsDeps,
  type TimeRefusal,
} from '../../domain/leaderboards/read-boards.ts';
import { findUsers, UsersView, type FindUsersDeps } from '../../domain/leaderboards/find-users.ts';
import { BoardPlaceView, BoardView } from '../../domain/leaderboards/views.ts';
import { AccountId } from '../../domain/identity/account.ts';
import type { AccountNames } from '../../domain/identity/account-names.ts';
import { ERASED, Username } from '../../domain/identity/username.ts';
import { RequestTime } from '../../domain/shared/utc.ts';
import { knownUser } from '../../domain/scoring/known-user.ts';
import type { ScoreStore } from '../../domain/scoring/score-store.port.ts';
import { problem, type Reply } from '../runtime/problems.ts';
import { CSV_TYPE, Format, inFormat } from '../runtime/format.ts';
import { inAnyCase, queryNumber } from '../runtime/query.ts';
import { route } from '../runtime/route.ts';
import { unknownUsername, withAccount } from './of-user.ts';

export type LeaderboardReadDeps = ReadBoardsDeps &
  FindUsersDeps & {
    readonly scores: Pick<ScoreStore, 'load'>;
    readonly names: Pick<AccountNames, 'find' | 'namesOf' | 'changedSince'>;
  };

const DEFAULT_PAGE_SIZE = 100;
const MAX_PER_PAGE = 1_000;
/** A board follows the scores after a minute or two; this adds little to it. */
const CACHE_SECONDS = 10;

const OfBoard = { board: z.enum(BOARDS) };
const At = { at: z.optional(RequestTime) };
const Compare = z.enum(COMPARISONS, 'expected day, week or month');
const PageQuery = z.object({
  ...At,
  limit: z._default(queryNumber(1, MAX_PER_PAGE), DEFAULT_PAGE_SIZE),
  cursor: z.optional(z.string()),
  compare: z.optional(inAnyCase(Compare)),
  format: Format,
});

const EXPECTED = {
  'at-in-future': { field: 'at', expected: 'expected a time that is not in the future' },
  'at-before-first': { field: 'at', expected: 'expected a time at or after the first snapshot' },
  'unknown-cursor': { field: 'cursor', expected: 'expected the next of another page of this board, not too long ago' },
} as const;

function refused(refusal: TimeRefusal | 'unknown-cursor'): Reply {
  const detail = EXPECTED[refusal];
  return problem('invalid_query', `${detail.field}: ${detail.expected}`, { details: [detail] });
}

/** The rows with names in place of the ids of the accounts. A row of an erased account is left out, also before it is gone. */
async function named<Row extends { readonly username: string }>(
  { names }: LeaderboardReadDeps,
  rows: readonly Row[],
): Promise<(Omit<Row, 'username'> & { readonly username: string })[]> {
  const nameOf = await names.namesOf(rows.map(({ username }) => AccountId.parse(username)));
  return rows
    .map((row) => ({ ...row, username: nameOf(AccountId.parse(row.username)) }))
    .filter(({ username }) => username !== ERASED);
}

const BOARD_COLUMNS = ['rank', 'username', 'points', 'canonicalScore', 'tier', 'change'] as const;

const EXPECTED_PREFIX = 'expected the beginning of a username: 1 to 64 of a-z 0-9 - _ .';
const Prefix = z
  .string(EXPECTED_PREFIX)
  .check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, EXPECTED_PREFIX), z.toLowerCase());
const MAX_FOUND = 50;

const shared = { method: 'GET', access: 'anyone', cacheSeconds: CACHE_SECONDS } as const;

export const leaderboardRoutes = [
  route({
    ...shared,
    path: '/v1/users',
    summary: 'The users whose names begin with a text, by name; those who hide on leaderboards are left out',
    request: z.object({ query: z.object({ prefix: Prefix, limit: z._default(queryNumber(1, MAX_FOUND), 10) }) }),
    answers: { 200: { description: 'The first of them', schema: UsersView } },
    handle: async ({ query: { prefix, limit } }, deps: LeaderboardReadDeps) => ({
      status: 200,
      body: await findUsers(deps, prefix, limit),
    }),
  }),
  route({
    ...shared,
    path: '/v1/leaderboards/{board}',
    summary: 'A page of a leaderboard, of the newest snapshot or the newest one at a time',
    request: z.object({ params: z.object(OfBoard), query: PageQuery }),
    unknownParam: 'unknown_board',
    answers: {
      200: { description: 'The rows; the next page is of the same snapshot', schema: BoardView, types: [CSV_TYPE] },
    },
    problems: ['unknown_board'],
    async handle({ params: { board }, query }, deps: LeaderboardReadDeps, { headers }) {
      const page = await pageOf(deps, board, query);
      if (!page.ok) return refused(page.error);
      return { ...inFormat(query, headers, page.value, page.value.rows, BOARD_COLUMNS), isKept: true };
    },
  }),
  route({
    ...shared,
    path: '/v1/leaderboards/{board}/users/{username}',
    summary: "A user's exact rank on a leaderboard, with three rows above and below",
    request: z.object({ params: z.object({ ...OfBoard, username: Username }), query: z.object(At) }),
    unknownParam: { board: 'unknown_board', username: 'unknown_username' },
    answers: { 200: { description: 'The rank and its neighbours', schema: BoardPlaceView } },
    problems: ['unknown_board', 'unknown_username', 'not_listed'],
    handle: ({ params: { board, username }, query: { at } }, deps: LeaderboardReadDeps) =>
      withAccount(deps, username, async ({ account }) => {
        const place = await readPlace(deps, board, account, { at });
        if (place.ok) {
          const { above, below } = place.value;
          const rows = await named(deps, [...above, ...below]);
          const around = { above: rows.slice(0, above.length), below: rows.slice(above.length) };
          return { status: 200, body: { ...place.value, ...around } };
        }
        if (place.error !== 'not-listed') return refused(place.error);
        if (knownUser(await deps.scores.load(account)) === null) return unknownUsername(username);
        return problem('not_listed', `username: ${username} is not on the board ${board}`);
      }),
  }),
];
