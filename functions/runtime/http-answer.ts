import { gzipSync } from 'node:zlib';
import * as z from 'zod/mini';
import { etagOf, isNotModified } from './etag.ts';
import { toJson, toKeptJson } from './json.ts';
import { problem, type Content, type Reply } from './problems.ts';
import type { Route } from './route.ts';
import { methodsOf, type Match } from './router.ts';

/** The fields that are read of an API Gateway HTTP API event, payload format 2.0. */
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
  /** Where `body` is bytes in base64. */
  readonly isBase64Encoded?: boolean | undefined;
};

/** A browser keeps the answer to a preflight for so long; some cut it to two hours. */
const PREFLIGHT_SECONDS = 86_400;
const ANY_ORIGIN = { 'access-control-allow-origin': '*' } as const;

const isPublic = (route: Pick<Route<never>, 'access'>): boolean => route.access === 'anyone';

/** Nothing has this path. Any page may read that: it tells a wrong path from a broken server. */
export const nothingHere = (): Reply => problem('not_found', 'there is nothing at this path', { headers: ANY_ORIGIN });

/** The answer to a request that came around CloudFront. */
export const wrongAddress = (): Reply => problem('wrong_address', 'this address is not the one of the API');

/** The answer to an unexpected fault: it names the request's id and nothing of the fault. */
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
  // A page of another origin may read public answers with any header. `*` does not cover this one.
  const asksForAuthorization = /\bauthorization\b/iu.test(headers['access-control-request-headers'] ?? '');
  const preflight = {
    ...origin,
    'access-control-allow-methods': methodsOf(readable).join(', '),
    'access-control-allow-headers': asksForAuthorization ? '*, authorization' : '*',
    'access-control-max-age': String(PREFLIGHT_SECONDS),
  };
  return { status: 204, headers: { allow: methods, ...(readable.length > 0 ? preflight : {}) } };
}

/** A smaller text is not worth the work. */
const LEAST_COMPRESSED = 1_024;

type Sent = {
  readonly headers: Readonly<Record<string, string>>;
  /** Text, or bytes. */
  readonly data: string | Uint8Array;
};

/** A content as it is sent: long text is compressed if the caller reads gzip. JSON always stays readable. */
function sentAs({ type, data }: Content, isJson: boolean, accepted = ''): Sent {
  const headers = { 'content-type': type };
  if (typeof data !== 'string' || isJson) return { headers, data };
  const vary = { ...headers, vary: 'accept, accept-encoding' };
  if (Buffer.byteLength(data) < LEAST_COMPRESSED || !/\bgzip\b/iu.test(accepted)) return { headers: vary, data };
  return { headers: { ...vary, 'content-encoding': 'gzip' }, data: gzipSync(data) };
}

function contentOf({ body, isKept = false, content }: Reply): Content | undefined {
  if (content !== undefined || body === undefined) return content;
  const data = isKept && typeof body === 'object' && body !== null ? toKeptJson(body) : toJson(body);
  return { type: 'application/json', data };
}

/** A reply as the gateway takes it. `route` is the one that replied, if one did. */
export function toAnswer(
  reply: Reply,
  event: HttpEvent,
  route?: Pick<Route<never>, 'access' | 'cacheSeconds' | 'hasEtag'>,
): HttpAnswer {
  const { status, headers } = reply;
  const mayBeRead = route !== undefined && isPublic(route);
  const cache = mayBeRead && status === 200 ? `public, max-age=${route.cacheSeconds ?? 0}` : 'no-store';
  const content = contentOf(reply);
  const etag = route?.hasEtag === true && status === 200 ? etagOf(content?.data ?? '') : undefined;
  const isKnown = etag !== undefined && isNotModified(event.headers['if-none-match'], etag);
  const isJson = reply.content === undefined;
  const sent = content === undefined || isKnown ? undefined : sentAs(content, isJson, event.headers['accept-encoding']);
  const isHead = event.requestContext.http.method === 'HEAD';
  const body = sent === undefined || isHead ? '' : sent.data;
  return {
    statusCode: isKnown ? 304 : status,
    headers: {
      'cache-control': cache,
      'x-content-type-options': 'nosniff',
      ...(mayBeRead ? ANY_ORIGIN : {}),
      ...(etag === undefined ? {} : { etag: isJson ? etag : `W/${etag}` }), // one tag for both encodings
      ...sent?.headers,
      ...(sent !== undefined && isHead ? { 'content-length': String(Buffer.byteLength(sent.data)) } : {}),
      ...headers,
    },
    ...(typeof body === 'string' ? { body } : { body: Buffer.from(body).toString('base64'), isBase64Encoded: true }),
  };
}
