import type { GrantsView } from '../domain/grants/views.ts';
import type { UsersView } from '../domain/leaderboards/find-users.ts';
import type { BoardPlaceView, BoardView } from '../domain/leaderboards/views.ts';
import type { CommunityMetricsView, ExtensionsView } from '../domain/metrics/community-views.ts';
import type { RulesView } from '../domain/rules/views.ts';
import type { ExplainView, HistoryView, ScoreView } from '../domain/scoring/views.ts';

/** What the pages ask of the public API: the server asks the routes in its own process, a browser asks over HTTP. */

/** A path of the API, and what is answered there. The property is for the compiler: it exists on no value. */
export type ApiPath<View> = { readonly path: string; readonly answers?: View };

/** The outcome of a request: the view, or the status and the sentence of the refusal. Status 0: no answer at all. */
export type Answer<View> =
  | { readonly ok: true; readonly view: View }
  | { readonly ok: false; readonly status: number; readonly sentence: string };

export type Fault = Extract<Answer<never>, { ok: false }>;
/** The server failed or did not answer: the next time it may. */
export const isFault = (answer: Answer<unknown> | undefined): answer is Fault =>
  answer?.ok === false && (answer.status === 0 || answer.status >= 500);

export type Get = <View>(path: ApiPath<View>) => Promise<Answer<View>>;

/**
 * A view as JSON carries it: `BigInt` became a number. The API made it from its own schema; checking it again with that
 * schema would cost a browser more bytes than all of the page.
 */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller names the view
export const isView = <View>(_body: unknown): _body is View => true;

/** The sentence of a refusal, from whatever body it has. */
export function sentenceOf(body: unknown, status: number): string {
  const isProblem = typeof body === 'object' && body !== null && 'error' in body && typeof body.error === 'string';
  return isProblem ? String(body.error) : `The answer had status ${status}.`;
}

type Query = Readonly<Record<string, string | number | undefined>>;

/** A path with the parameters that have a value, in the order given. */
export function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`;
}

/**
 * A name as one segment of a path. `.` and `..` cannot be a segment, encoded or not. With a space behind it, each is
 * still a name that nobody has.
 */
const segment = (name: string): string => encodeURIComponent(/^\.{1,2}$/u.test(name) ? `${name} ` : name);

const userPath = (username: string, view = '') => `/v1/scores/${segment(username)}${view}`;

export type SeriesAnswer = Readonly<Record<string, readonly (number | null)[]>>;
/** Invocations by hour. */
export type HoursAnswer = { readonly steps_start_times: readonly number[]; readonly values: readonly number[] };
type Period = { readonly event_count: number; readonly value_count: number | null };
export type CompareAnswer = Readonly<
  Record<keyof CommunityMetricsView, { readonly older: Period; readonly newer: Period }>
>;

export type RulesAnswer = RulesView;
export type Rules = RulesView['versions'][number]['rules'];
export const rulesPath: ApiPath<RulesAnswer> = { path: '/v1/rules' };

/** The rules that scores are computed by. */
export const rulesInForce = (answer: Answer<RulesAnswer>): Rules | undefined =>
  answer.ok ? answer.view.versions.find(({ version }) => version === answer.view.inForce)?.rules : undefined;

export const boardPath = (board: string, query: Query): ApiPath<BoardView> => ({
  path: withQuery(`/v1/leaderboards/${segment(board)}`, query),
});
export const placePath = (board: string, username: string, query: Query): ApiPath<BoardPlaceView> => ({
  path: withQuery(`/v1/leaderboards/${segment(board)}/users/${segment(username)}`, query),
});
export const usersPath = (prefix: string, limit: number): ApiPath<UsersView> => ({
  path: withQuery('/v1/users', { prefix, limit }),
});
export const scorePath = (username: string): ApiPath<ScoreView> => ({ path: userPath(username) });
export const explainPath = (username: string): ApiPath<ExplainView> => ({ path: userPath(username, '/explain') });
export const historyPath = (username: string, from: string, to: string): ApiPath<HistoryView> => ({
  path: withQuery(userPath(username, '/history'), { from, to }),
});
export const grantsPath = (username: string, query: Query): ApiPath<GrantsView> => ({
  path: withQuery(userPath(username, '/grants'), query),
});
export const seriesPath = (since: number, to: number): ApiPath<SeriesAnswer> => ({
  path: withQuery('/community-metrics/series', { since, to }),
});
export const hoursPath = (since: number, to: number): ApiPath<HoursAnswer> => ({
  path: withQuery('/community-metrics/by-hour', { since, to }),
});
export const comparePath = (interval: 'DAY' | 'WEEK'): ApiPath<CompareAnswer> => ({
  path: withQuery('/community-metrics', { interval }),
});
export const extensionsPath = (query: Query): ApiPath<ExtensionsView> => ({
  path: withQuery('/community-metrics/extensions', query),
});
