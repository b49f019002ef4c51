import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import type { ScoreView } from '../../domain/scoring/views.ts';
import { dateOf } from '../../domain/shared/utc.ts';
import { scorePath, type Answer } from '../../pages/api.ts';
import { number } from '../../pages/format.ts';
import { GREY, THEMES, type BadgeText, type CardText } from '../../pages/images/images.ts';
import { gainsOf, loadYear } from '../../pages/load.ts';
import type { Reply } from '../runtime/problems.ts';
import { inAnyCase } from '../runtime/query.ts';
import { route } from '../runtime/route.ts';
import type { ServePagesDeps } from './routes.ts';
import { BADGE_COLOR, CARD_STYLES, siteOfCommunity } from './site.ts';

const SVG_TYPE = 'image/svg+xml; charset=utf-8';
const CACHE_SECONDS = 300;
/** A fault passes soon. */
const FAULT_CACHE_SECONDS = 60;

/** An image is answered to every request: a value that is not allowed counts as missing. */
const SHOWN = ['score', 'tier', 'rank'] as const;
const Show = z.catch(inAnyCase(z.enum(SHOWN)), 'score');
const ThemeName = z.catch(inAnyCase(z.enum(THEMES)), 'auto');

/** Shown if nothing can be drawn. */
const UNAVAILABLE =
  '<svg xmlns="http://www.w3.org/2000/svg" width="78" height="20" role="img" aria-label="unavailable">' +
  `<title>unavailable</title><rect width="78" height="20" rx="3" fill="${GREY}"/>` +
  '<text x="6" y="14" fill="#fff" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11" textLength="66">' +
  'unavailable</text></svg>';

const OfImage = {
  method: 'GET',
  access: 'anyone',
  hasEtag: true,
  cacheSeconds: CACHE_SECONDS,
  takesRepeated: true,
  shown: () => svg(UNAVAILABLE, '', true),
} as const;
const params = z.object({ username: z.string() });

/** An image runs nothing, loads nothing, and has only the style that is named. */
const policyOf = (style: string): string =>
  `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; sandbox`;

const isFault = (answer: Answer<unknown>): boolean => !answer.ok && answer.status !== 404;
const cachedAs = (isFaulty: boolean) => (isFaulty ? { 'cache-control': `public, max-age=${FAULT_CACHE_SECONDS}` } : {});

const svg = (data: string, style: string, isFaulty: boolean): Reply => ({
  status: 200,
  headers: { 'content-security-policy': policyOf(style), ...cachedAs(isFaulty) },
  content: { type: SVG_TYPE, data },
});

/** A name that no account can have is asked for in no other way than one that nobody has. */
const scoreOf = ({ get }: ServePagesDeps, username: string): Promise<Answer<ScoreView>> =>
  get(scorePath(username.toLowerCase()));

const messageOf = (show: (typeof SHOWN)[number], { canonicalScore, tier, rank }: ScoreView): string => {
  if (show === 'score') return number(canonicalScore);
  if (show === 'tier') return tier;
  return rank === null ? 'unranked' : `#${number(rank)}`;
};

function badgeOf(answer: Answer<ScoreView>, show: (typeof SHOWN)[number], community: string): BadgeText {
  const label = show === 'score' ? community.toLowerCase() : `${community.toLowerCase()} ${show}`;
  if (answer.ok) return { label, message: messageOf(show, answer.view), color: BADGE_COLOR };
  return { label, message: isFault(answer) ? 'unavailable' : 'unknown', color: GREY };
}

async function cardOf(deps: ServePagesDeps, username: string): Promise<{ answer: Answer<unknown>; card: CardText }> {
  const community = deps.site.name;
  const score = await scoreOf(deps, username);
  if (!score.ok) {
    const notice = isFault(score) ? 'unavailable' : 'unknown';
    return { answer: score, card: { name: community, community, notice, days: [] } };
  }
  const { view } = score;
  const today = dateOf(deps.clock());
  const history = await loadYear(deps.get, view.username, today);
  const days = gainsOf(history.ok ? history.view : { days: [] }, today);
  const { username: name, canonicalScore, tier, rank } = view;
  return { answer: history, card: { name, community, score: canonicalScore, tier, rank, days } };
}

/** The badge of a fault passes soon; shields.io keeps any for five minutes at least. */
const faultBadge = (community: string) => ({
  status: 200,
  headers: cachedAs(true),
  body: {
    ...{ schemaVersion: 1, label: community.toLowerCase(), message: 'unavailable', color: GREY },
    ...{ isError: true, cacheSeconds: FAULT_CACHE_SECONDS },
  },
});

/** What shields.io asks of an endpoint. */
const ShieldsBadge = z.object({
  schemaVersion: z.literal(1),
  label: z.string(),
  message: z.string(),
  color: z.string(),
  isError: z.optional(z.boolean()),
  cacheSeconds: z.int(),
});

export const imageRoutes = [
  route({
    ...OfImage,
    path: '/badges/{username}.svg',
    summary: 'A badge with a score, a tier or a rank; an image also where the name is unknown',
    request: z.object({ params, query: z.object({ show: z._default(Show, 'score') }) }),
    answers: { 200: { description: 'The image', types: ['image/svg+xml'] } },
    async handle({ params: { username }, query: { show } }, deps: ServePagesDeps) {
      const answer = await scoreOf(deps, username);
      return svg(await deps.renderBadge(badgeOf(answer, show, deps.site.name)), '', isFault(answer));
    },
  }),
  route({
    ...OfImage,
    shown: () => faultBadge(siteOfCommunity.name),
    path: '/badges/{username}.json',
    summary: 'The same badge for the endpoint of shields.io',
    request: z.object({ params, query: z.object({ show: z._default(Show, 'score') }) }),
    answers: { 200: { description: 'The badge', schema: ShieldsBadge } },
    async handle({ params: { username }, query: { show } }, deps: ServePagesDeps) {
      const answer = await scoreOf(deps, username);
      if (isFault(answer)) return faultBadge(deps.site.name);
      const badge = badgeOf(answer, show, deps.site.name);
      return { status: 200, body: { schemaVersion: 1, ...badge, cacheSeconds: CACHE_SECONDS } };
    },
  }),
  route({
    ...OfImage,
    path: '/cards/{username}.svg',
    summary: 'A card with calendar, score, rank and tier',
    request: z.object({ params, query: z.object({ theme: z._default(ThemeName, 'auto') }) }),
    answers: { 200: { description: 'The image', types: ['image/svg+xml'] } },
    async handle({ params: { username }, query: { theme } }, deps: ServePagesDeps) {
      const { answer, card } = await cardOf(deps, username);
      const style = CARD_STYLES[theme];
      return svg(await deps.renderCard(card, style), style, isFault(answer));
    },
  }),
];
