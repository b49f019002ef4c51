import * as z from 'zod/mini';
import type { Clock } from '../../domain/shared/environment.ts';
import { dateOf } from '../../domain/shared/utc.ts';
import { addressOf, hrefOf, type Address } from '../../pages/address.ts';
import { sentenceOf, withQuery, type Answer, type Get } from '../../pages/api.ts';
import { loadPage } from '../../pages/load.ts';
import type { BadgeText, CardText } from '../../pages/images/images.ts';
import type { Site } from '../../pages/site.ts';
import { mainAnswer, type PageState } from '../../pages/state.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { problem, type Reply } from '../runtime/problems.ts';
import { imageRoutes } from './image-routes.ts';
import { route, type HttpDeps, type RouteContext } from '../runtime/route.ts';

export type ServePagesDeps = HttpDeps & {
  readonly get: Get;
  readonly clock: Clock;
  readonly site: Site;
  /** The page as HTML. */
  readonly render: (state: PageState) => Promise<string>;
  readonly renderBadge: (badge: BadgeText) => Promise<string>;
  readonly renderCard: (card: CardText, style: string) => Promise<string>;
  readonly asset: (name: string, acceptEncoding: string | undefined) => Reply | undefined;
};

const HTML_TYPE = 'text/html; charset=utf-8';

/** A page runs and loads only what its own release serves, and cannot be framed. */
const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'strict-origin-when-cross-origin',
} as const;

/** A board follows its scores after a minute or two, a person's score within seconds. */
const CACHE_SECONDS = { board: 10, person: 5, community: 60, rules: 60 } as const;

/** The page of a refusal or a fault, for people. It is drawn by nothing that can fail. Programs keep their JSON. */
function refusalPage(refusal: Reply, { accept = '' }: RouteContext['headers']): Reply {
  const { status, body } = refusal;
  if (status < 500 && !/\btext\/html\b/iu.test(accept)) return refusal;
  const sentence = sentenceOf(body, status).replaceAll(/[<>&"]/gu, (character) => `&#${character.charCodeAt(0)};`);
  const title = status >= 500 ? 'Something failed on our side' : 'This address cannot be read';
  const data =
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">' +
    `<meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title></head>` +
    `<body><main><h1>${title}</h1><p>${sentence}</p><p><a href="/">To the leaderboard</a></p></main></body></html>`;
  return { status, headers: SECURITY_HEADERS, content: { type: HTML_TYPE, data } };
}

const PAGE = { method: 'GET', access: 'anyone', hasEtag: true, shown: refusalPage } as const;
const page = (description: string) => ({ 200: { description, types: ['text/html'] } });
/** What an address may choose; what it cannot be is left out, as if it was not there. */
const Choices = (...names: readonly string[]) =>
  z.object(Object.fromEntries(names.map((name) => [name, z.optional(z.string())])));

/** The origin that a link from elsewhere must name. A header that is no host is not repeated. */
function originOf({ host = '', 'x-forwarded-proto': protocol = 'https' }: RouteContext['headers']): string {
  return /^[\w.:[\]-]{1,255}$/u.test(host) ? `${protocol === 'http' ? 'http' : 'https'}://${host}` : '';
}

const statusOf = (answer: Answer<unknown>): number => (answer.ok ? 200 : answer.status);

/** The status of a page is that of what it is about; anything else that failed shows in its place. */
function statusOfPage(state: PageState): number {
  const main = mainAnswer(state);
  return main === undefined ? 404 : statusOf(main);
}

const isPartMissing = (state: PageState): boolean =>
  'data' in state &&
  Object.values(state.data).some(
    (part: string | Answer<unknown> | undefined) => typeof part === 'object' && statusOf(part) >= 500,
  );

/** The address of a person who has another name by now. */
function renamedTo(state: PageState): Address | undefined {
  if (state.page !== 'person' || !state.data.score.ok) return undefined;
  const { username } = state.data.score.view;
  return username === state.address.username ? undefined : { ...state.address, username };
}

async function answerPage(address: Address, deps: ServePagesDeps, { headers }: RouteContext): Promise<Reply> {
  const origin = originOf(headers);
  const state = await loadPage(address, { get: deps.get, today: dateOf(deps.clock()), site: deps.site, origin });
  const moved = renamedTo(state);
  if (moved !== undefined) return { status: 308, headers: { ...SECURITY_HEADERS, location: hrefOf(moved) } };
  const cache = isPartMissing(state) ? { 'cache-control': 'no-store' } : {};
  return {
    status: statusOfPage(state),
    headers: { ...SECURITY_HEADERS, ...cache },
    content: { type: HTML_TYPE, data: await deps.render(state) },
  };
}

/** A request that accepts JSON and no HTML is from a program. */
const wantsJson = (accept = ''): boolean => /\bapplication\/json\b/iu.test(accept) && !/\btext\/html\b/iu.test(accept);

const Index = z.object({
  name: z.string(),
  version: z.string(),
  /** Paths by what they answer. */
  links: z.record(z.string(), z.string()),
});
const LINKS = {
  openapi: '/openapi.json',
  health: '/health',
  leaderboard: '/v1/leaderboards/{board}',
  users: '/v1/users?prefix={text}',
  score: '/v1/scores/{username}',
  explanation: '/v1/scores/{username}/explain',
  history: '/v1/scores/{username}/history',
  ledger: '/v1/scores/{username}/grants',
  rules: '/v1/rules',
  community: '/community-metrics?interval=DAY',
  series: '/community-metrics/series?since={epochMs}&to={epochMs}',
  hours: '/community-metrics/by-hour?since={epochMs}&to={epochMs}',
  extensions: '/community-metrics/extensions',
  badge: '/badges/{username}.svg',
  card: '/cards/{username}.svg',
} as const;

const pageRoutes = [
  route({
    ...PAGE,
    path: '/',
    summary: 'The page of the leaderboard; an index of the API for clients that accept only JSON',
    request: z.object({ query: Choices('board', 'at', 'q', 'cursor', 'you') }),
    answers: { 200: { description: 'The page, or the index', schema: Index, types: ['text/html'] } },
    cacheSeconds: CACHE_SECONDS.board,
    async handle({ query }, deps: ServePagesDeps, context) {
      if (!wantsJson(context.headers.accept)) return answerPage(addressOf('/', withQuery('', query)), deps, context);
      const body = { name: deps.site.name, version: packageJson.version, links: LINKS };
      return { status: 200, headers: { vary: 'accept' }, body };
    },
  }),
  route({
    ...PAGE,
    path: '/people/{username}',
    summary: "The page of somebody's score, with the reason for each point",
    request: z.object({ params: z.object({ username: z.string() }), query: Choices('cursor', 'open') }),
    answers: {
      ...page('The page'),
      404: { description: 'A page that tells that nobody has this name', types: ['text/html'] },
      308: { description: 'The account has another name by now' },
    },
    cacheSeconds: CACHE_SECONDS.person,
    handle: ({ params: { username }, query }, deps: ServePagesDeps, context) =>
      answerPage(addressOf(`/people/${encodeURIComponent(username)}`, withQuery('', query)), deps, context),
  }),
  route({
    ...PAGE,
    path: '/community',
    summary: "The page of the community's pulse",
    request: z.object({ query: Choices('days', 'sort', 'open') }),
    answers: page('The page'),
    cacheSeconds: CACHE_SECONDS.community,
    handle: ({ query }, deps: ServePagesDeps, context) =>
      answerPage(addressOf('/community', withQuery('', query)), deps, context),
  }),
  route({
    ...PAGE,
    path: '/rules',
    summary: 'The page of how points work',
    request: z.object({ query: z.record(z.string(), z.string()) }),
    answers: page('The page'),
    cacheSeconds: CACHE_SECONDS.rules,
    hasEtag: false, // a version that nobody noted yet is in force since now
    handle: ({ query }, deps: ServePagesDeps, context) =>
      answerPage(addressOf('/rules', withQuery('', query)), deps, context),
  }),
  route({
    method: 'GET',
    access: 'anyone',
    hasEtag: true,
    path: '/assets/{asset}',
    summary: 'A script, a style or an image of the pages',
    request: z.object({ params: z.object({ asset: z.string() }) }),
    answers: { 200: { description: 'The file; its name changes with it', types: ['text/javascript', 'text/css'] } },
    problems: ['not_found'],
    async handle({ params: { asset } }, deps: ServePagesDeps, { headers }) {
      const found = deps.asset(asset, headers['accept-encoding']);
      return found ?? problem('not_found', 'there is no asset of this name');
    },
  }),
];

export const routes = [...pageRoutes, ...imageRoutes];
