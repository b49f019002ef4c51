import * as z from 'zod/mini';
import { BOARDS } from '../../domain/leaderboards/board.ts';
import {
  COMPARISONS,
  pageOf,
  readPlace,
  type ReadBoardsDeps,
  type TimeRefusal,
} from '../../domain/leaderboards/read-boards.ts';
import { BoardPlaceView, BoardView } from '../../domain/leaderboards/views.ts';
import { Username, type ResolveUsername } from '../../domain/identity/username.ts';
import { RequestTime } from '../../domain/shared/utc.ts';
import { knownUser } from '../../domain/scoring/known-user.ts';
import type { ScoreStore } from '../../domain/scoring/score-store.port.ts';
import { problem, type Reply } from '../runtime/problems.ts';
import { CSV_TYPE, Format, inFormat } from '../runtime/format.ts';
import { inAnyCase, queryNumber } from '../runtime/query.ts';
import { route } from '../runtime/route.ts';
import { unknownUsername } from './of-user.ts';

export type LeaderboardReadDeps = ReadBoardsDeps & {
  readonly scores: Pick<ScoreStore, 'load'>;
  readonly resolveUsername: ResolveUsername;
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

const BOARD_COLUMNS = ['rank', 'username', 'points', 'canonicalScore', 'tier', 'change'] as const;

const shared = { method: 'GET', access: 'anyone', cacheSeconds: CACHE_SECONDS } as const;

export const leaderboardRoutes = [
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
      return page.ok ? inFormat(query, headers, page.value, page.value.rows, BOARD_COLUMNS) : refused(page.error);
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
    async handle({ params: { board, username }, query: { at } }, deps: LeaderboardReadDeps) {
      const resolved = await deps.resolveUsername(username);
      const place = await readPlace(deps, board, resolved, { at });
      if (place.ok) return { status: 200, body: place.value };
      if (place.error !== 'not-listed') return refused(place.error);
      if (knownUser(await deps.scores.load(resolved)) === null) return unknownUsername(username);
      return problem('not_listed', `username: ${username} is not on the board ${board}`);
    },
  }),
];
