import * as z from 'zod/mini';
import type { FoundAccount } from '../../domain/identity/account-names.ts';
import type { Username } from '../../domain/identity/username.ts';
import { rankOf } from '../../domain/leaderboards/read-boards.ts';
import { knownUser, type KnownUser } from '../../domain/scoring/known-user.ts';
import type { ScoreStore } from '../../domain/scoring/score-store.port.ts';
import {
  ExplainView,
  explainView,
  HistoryView,
  historyView,
  ScoreView,
  scoreView,
  StatsView,
  statsView,
} from '../../domain/scoring/views.ts';
import type { Clock } from '../../domain/shared/environment.ts';
import { addDays, dateOf, dayNumberOf, RequestDate } from '../../domain/shared/utc.ts';
import { CSV_TYPE, Format, inFormat } from '../runtime/format.ts';
import type { Reply } from '../runtime/problems.ts';
import { route } from '../runtime/route.ts';
import { communityRoutes, type CommunityReadDeps } from './community-routes.ts';
import { leaderboardRoutes, type LeaderboardReadDeps } from './leaderboard-routes.ts';
import { ledgerRoutes, type LedgerReadDeps } from './ledger-routes.ts';
import { rulesRoutes, type RulesReadDeps } from './rules-routes.ts';
import { OF_USER, OfUser, unknownUsername, withAccount } from './of-user.ts';

export type ReadApiDeps = LedgerReadDeps &
  CommunityReadDeps &
  LeaderboardReadDeps &
  RulesReadDeps & {
    readonly scores: Pick<ScoreStore, 'load' | 'dayRows'>;
    readonly clock: Clock;
  };

const DEFAULT_HISTORY_DAYS = 30;
const MAX_HISTORY_DAYS = 366;

/** Answers from the stored score of a user, or with 404 if the user is unknown. */
const withUser = (
  deps: ReadApiDeps,
  name: Username,
  answer: (found: FoundAccount & KnownUser) => Promise<Reply>,
): Promise<Reply> =>
  withAccount(deps, name, async (found) => {
    const known = knownUser(await deps.scores.load(found.account));
    return known === null ? unknownUsername(name) : answer({ ...found, ...known });
  });

const HistoryQuery = z.object({ from: z.optional(RequestDate), to: z.optional(RequestDate), format: Format }).check(
  z.refine(({ from, to }) => from === undefined || to === undefined || from <= to, {
    path: ['from'],
    error: 'expected a date not after to',
  }),
  z.refine(
    ({ from, to }) => from === undefined || to === undefined || dayNumberOf(to) - dayNumberOf(from) < MAX_HISTORY_DAYS,
    { path: ['to'], error: `expected at most ${MAX_HISTORY_DAYS} days after from` },
  ),
);

const userRoutes = [
  route({
    ...OF_USER,
    method: 'GET',
    path: '/v1/stats',
    summary: 'What was counted for a user',
    request: z.object({ query: OfUser }),
    answers: { 200: { description: 'The counts', schema: StatsView } },
    problems: ['unknown_username'],
    handle: ({ query }, deps: ReadApiDeps) =>
      withUser(deps, query.username, async ({ metrics, score, ...found }) => ({
        status: 200,
        body: statsView(found, metrics, score.score),
      })),
  }),
  route({
    ...OF_USER,
    method: 'GET',
    path: '/v1/scores/{username}',
    summary: "A user's score, tier and where the points come from",
    request: z.object({ params: OfUser }),
    answers: { 200: { description: 'The score', schema: ScoreView } },
    problems: ['unknown_username'],
    handle: ({ params }, deps: ReadApiDeps) =>
      withUser(deps, params.username, async ({ score, isHidden, ...found }) => ({
        status: 200,
        body: scoreView(found, score.score, isHidden ? null : await rankOf(deps, found.account)),
      })),
  }),
  route({
    ...OF_USER,
    method: 'GET',
    path: '/v1/scores/{username}/explain',
    summary: 'Every contribution with its inputs, the caps applied and the arithmetic',
    request: z.object({ params: OfUser }),
    answers: { 200: { description: 'The explanation', schema: ExplainView } },
    problems: ['unknown_username'],
    handle: ({ params }, deps: ReadApiDeps) =>
      withUser(deps, params.username, async ({ username, score }) => ({
        status: 200,
        body: explainView(username, score.score),
      })),
  }),
  route({
    ...OF_USER,
    method: 'GET',
    path: '/v1/scores/{username}/history',
    summary: 'The score at the end of each day',
    request: z.object({ params: OfUser, query: HistoryQuery }),
    answers: { 200: { description: 'A row for each day with a known score', schema: HistoryView, types: [CSV_TYPE] } },
    problems: ['unknown_username'],
    handle: ({ params, query }, deps: ReadApiDeps, { headers }) =>
      withUser(deps, params.username, async ({ account, score }) => {
        const today = dateOf(deps.clock());
        const to = query.to ?? (query.from === undefined ? today : addDays(query.from, DEFAULT_HISTORY_DAYS - 1));
        const from = query.from ?? addDays(to, 1 - DEFAULT_HISTORY_DAYS);
        const rows = await deps.scores.dayRows(account, from, to);
        const view = historyView(rows, score.score, { from, to, today });
        return inFormat(query, headers, view, view.days, ['date', 'canonicalScore']);
      }),
  }),
];

/** What is read of a community: also what the pages show. */
export const routes = [...userRoutes, ...leaderboardRoutes, ...ledgerRoutes, ...communityRoutes, ...rulesRoutes];
