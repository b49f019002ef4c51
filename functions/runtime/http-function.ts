import * as z from 'zod/mini';
import { hasScope, type Credential } from '../../domain/identity/credential.ts';
import { err, ok, type Result } from '../../domain/shared/result.ts';
import { etagOf, isNotModified } from './etag.ts';
import { toJson } from './json.ts';
import { logger, publish } from './log.ts';
import { once } from './once.ts';
import { problem, type Reply } from './problems.ts';
import { readQuery } from './query.ts';
import { readJson, SMALL_BODY } from './request-body.ts';
import type { HttpDeps, Route } from './route.ts';

/** What is read of an API Gateway HTTP API event, payload format 2.0. */
const HttpEvent = z.object({
  rawPath: z.string(),
  rawQueryString: z.string(),
  headers: z.record(z.string(), z.optional(z.string())),
  body: z.optional(z.string()),
  isBase64Encoded: z.boolean(),
  requestContext: z.object({ requestId: z.string(), http: z.object({ method: z.string() }) }),
});
type HttpEvent = z.infer<typeof HttpEvent>;

type HttpAnswer = { readonly statusCode: number; readonly headers: Record<string, string>; readonly body: string };

/**
 * A Lambda behind the HTTP API: finds the route, checks key, scope and request, and answers in the contract's words.
 *
 * `pathOf` may rewrite the path before routes are looked up. What nobody expected is logged with the request's id and
 * answered as 500 with that id, never with a stack.
 */
export function httpFunction<Deps extends HttpDeps>(options: {
  readonly routes: readonly Route<Deps>[];
  readonly wire: () => Deps;
  readonly pathOf?: (rawPath: string) => string;
}): (rawEvent: unknown) => Promise<HttpAnswer> {
  const wired = once(options.wire);
  const findRoute = router(options.routes);

  return async (rawEvent) => {
    const event = HttpEvent.parse(rawEvent);
    const { requestId, http } = event.requestContext;
    const started = performance.now();
    const path = options.pathOf?.(event.rawPath) ?? event.rawPath;
    const found = findRoute(http.method, path);
    const route = found.ok ? found.value.route : undefined;
    const reply = found.ok ? await answerRoute(found.value, event, wired) : found.error;

    const line = { requestId, method: http.method, route: route?.path, status: reply.status };
    logger.info('request', { ...line, ...reply.counts, ms: Math.round(performance.now() - started) });
    publish(Object.entries(reply.counts ?? {}).map(([name, value]) => ({ name, value, unit: 'Count' })));
    return toAnswer(reply, route, event.headers['if-none-match']);
  };
}

async function answerRoute<Deps extends HttpDeps>(
  match: Match<Deps>,
  event: HttpEvent,
  wired: () => Deps,
): Promise<Reply> {
  const { requestId } = event.requestContext;
  try {
    return await answerAdmitted(match, event, wired());
  } catch (error) {
    logger.error('request failed', { requestId, route: match.route.path, error });
    return problem('internal', `internal error; name request ${requestId} when you report it`);
  }
}

async function answerAdmitted<Deps extends HttpDeps>(
  { route, params }: Match<Deps>,
  event: HttpEvent,
  deps: Deps,
): Promise<Reply> {
  const admitted = await admit(route, event.headers['x-api-key'], deps);
  if (!admitted.ok) return admitted.error;

  const query = readQuery('query' in route.request.shape ? event.rawQueryString : '');
  if (!query.ok) return query.error;
  const context = { credential: admitted.value, requestId: event.requestContext.requestId };
  if (!('body' in route.request.shape)) return route.answer({ params, query: query.value }, context, deps);
  const { body: encoded, isBase64Encoded, headers } = event;
  const limits = route.bodyLimits ?? SMALL_BODY;
  const body = readJson({ body: encoded, isBase64Encoded, contentEncoding: headers['content-encoding'] }, limits);
  return body.ok ? route.answer({ params, query: query.value, body: body.value }, context, deps) : body.error;
}

async function admit<Deps extends HttpDeps>(
  { access }: Route<Deps>,
  key: string | undefined,
  deps: Deps,
): Promise<Result<Credential | undefined, Reply>> {
  if (access === 'anyone') return ok(undefined);
  if (key === undefined) {
    if (access === 'anonymous-or-key') return ok(undefined);
    return err(problem('unknown_key', 'x-api-key: expected a key'));
  }
  const credential = await deps.authenticate(key);
  if (credential === undefined) return err(problem('unknown_key', 'x-api-key: unknown or revoked'));
  if (typeof access === 'object' && !hasScope(credential, access.scope)) {
    return err(problem('missing_scope', `this requires the ${access.scope} scope`));
  }
  return ok(credential);
}

type Match<Deps> = { readonly route: Route<Deps>; readonly params: Record<string, string> };

/** Finds the route of a method and a path: 404 where no route has the path, 405 where none of those has the method. */
function router<Deps>(routes: readonly Route<Deps>[]): (method: string, path: string) => Result<Match<Deps>, Reply> {
  const patterns = routes.map((route) => ({
    route,
    pattern: new URLPattern({ pathname: route.path.replaceAll(/\{(\w+)(\+?)\}/gu, ':$1$2') }),
  }));

  return (method, path) => {
    const matches = patterns.flatMap(({ route, pattern }) => {
      const params = decoded(pattern.exec({ pathname: path })?.pathname.groups);
      return params === undefined ? [] : [{ route, params }];
    });
    const match = matches.find(({ route }) => route.method === method);
    if (match !== undefined) return ok(match);
    if (matches.length === 0) return err(problem('not_found', 'there is nothing at this path'));
    const allow = matches.map((other) => other.route.method).join(', ');
    return err(problem('method_not_allowed', `this path takes ${allow}`, { headers: { allow } }));
  };
}

/** Path parameters with their percent signs decoded; undefined where they are no valid encoding. */
function decoded(groups: Record<string, string | undefined> | undefined): Record<string, string> | undefined {
  if (groups === undefined) return undefined;
  try {
    return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value ?? '')]));
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

function toAnswer<Deps>({ status, headers, body }: Reply, route?: Route<Deps>, ifNoneMatch?: string): HttpAnswer {
  const isPublic = route?.access === 'anyone';
  const cache = isPublic && status === 200 ? `public, max-age=${route.cacheSeconds ?? 0}` : 'no-store';
  const text = body === undefined ? '' : toJson(body);
  const etag = route?.hasEtag === true && status === 200 ? etagOf(text) : undefined;
  const isKnown = etag !== undefined && isNotModified(ifNoneMatch, etag);
  return {
    statusCode: isKnown ? 304 : status,
    headers: {
      'cache-control': cache,
      ...(isPublic ? { 'access-control-allow-origin': '*' } : {}),
      ...(etag === undefined ? {} : { etag }),
      ...(body === undefined || isKnown ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: isKnown ? '' : text,
  };
}
