import * as z from 'zod/mini';
import { etagOf, isNotModified } from './etag.ts';
import { toJson } from './json.ts';
import { problem, type Reply } from './problems.ts';
import type { Route } from './route.ts';
import { methodsOf, type Match } from './router.ts';

/** What is read of an API Gateway HTTP API event, payload format 2.0. */
export const HttpEvent = z.object({
  rawPath: z.string(),
  rawQueryString: z.string(),
  headers: z.record(z.string(), z.optional(z.string())),
  body: z.optional(z.string()),
  isBase64Encoded: z.boolean(),
  requestContext: z.object({ requestId: z.string(), http: z.object({ method: z.string() }) }),
});
export type HttpEvent = z.infer<typeof HttpEvent>;

export type HttpAnswer = {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
};

/** A browser keeps the answer to a preflight for so long; some cut it to two hours. */
const PREFLIGHT_SECONDS = 86_400;
const ANY_ORIGIN = { 'access-control-allow-origin': '*' } as const;

const isPublic = (route: Pick<Route<never>, 'access'>): boolean => route.access === 'anyone';

/** Nothing has this path. Any page may read that: it tells a wrong path from a broken server. */
export const nothingHere = (): Reply => problem('not_found', 'there is nothing at this path', { headers: ANY_ORIGIN });

/** What answers an unexpected fault: the request's id and nothing of the fault. */
export const internalFault = (requestId: string): Reply =>
  problem('internal', `internal error; name request ${requestId} when you report it`);

/** The answer for a path that has routes, none of which takes the method. `OPTIONS` is answered for all of them. */
export function withoutRoute<Deps>(
  matches: readonly Match<Route<Deps>>[],
  { requestContext, headers }: HttpEvent,
): Reply {
  const routes = matches.map(({ route }) => route);
  const methods = methodsOf(routes).join(', ');
  const readable = routes.filter(isPublic);
  const origin = readable.length > 0 ? ANY_ORIGIN : {};
  if (requestContext.http.method !== 'OPTIONS') {
    return problem('method_not_allowed', `this path takes ${methods}`, { headers: { ...origin, allow: methods } });
  }
  // A page of another origin may read what is public with any header. `*` does not cover this one.
  const asksForAuthorization = /\bauthorization\b/iu.test(headers['access-control-request-headers'] ?? '');
  const preflight = {
    ...origin,
    'access-control-allow-methods': methodsOf(readable).join(', '),
    'access-control-allow-headers': asksForAuthorization ? '*, authorization' : '*',
    'access-control-max-age': String(PREFLIGHT_SECONDS),
  };
  return { status: 204, headers: { allow: methods, ...(readable.length > 0 ? preflight : {}) } };
}

/** A reply as the gateway takes it. `route` is the one that replied, if one did. */
export function toAnswer(
  { status, headers, body }: Reply,
  event: HttpEvent,
  route?: Pick<Route<never>, 'access' | 'cacheSeconds' | 'hasEtag'>,
): HttpAnswer {
  const mayBeRead = route !== undefined && isPublic(route);
  const cache = mayBeRead && status === 200 ? `public, max-age=${route.cacheSeconds ?? 0}` : 'no-store';
  const text = body === undefined ? '' : toJson(body);
  const etag = route?.hasEtag === true && status === 200 ? etagOf(text) : undefined;
  const isKnown = etag !== undefined && isNotModified(event.headers['if-none-match'], etag);
  const hasText = body !== undefined && !isKnown;
  const isHead = event.requestContext.http.method === 'HEAD';
  return {
    statusCode: isKnown ? 304 : status,
    headers: {
      'cache-control': cache,
      'x-content-type-options': 'nosniff',
      ...(mayBeRead ? ANY_ORIGIN : {}),
      ...(etag === undefined ? {} : { etag }),
      ...(hasText ? { 'content-type': 'application/json' } : {}),
      ...(hasText && isHead ? { 'content-length': String(Buffer.byteLength(text)) } : {}),
      ...headers,
    },
    body: hasText && !isHead ? text : '',
  };
}
