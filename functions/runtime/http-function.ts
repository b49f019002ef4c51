import type { Admission } from '../../domain/identity/authenticate.ts';
import { hasScope } from '../../domain/identity/credential.ts';
import { err, ok, type Result } from '../../domain/shared/result.ts';
import { Busy } from '../../domain/shared/until-saved.ts';
import {
  HttpEvent,
  internalFault,
  nothingHere,
  toAnswer,
  withoutRoute,
  wrongAddress,
  type HttpAnswer,
} from './http-answer.ts';
import { cameThrough, HttpEnv } from './http-env.ts';
import { logAndPublish, logger } from './log.ts';
import { once } from './once.ts';
import { problem, type Reply } from './problems.ts';
import { readQuery } from './query.ts';
import { readJson, SMALL_BODY } from './request-body.ts';
import { isBodyOptional, isWithoutKey, type HttpDeps, type Route } from './route.ts';
import { pathFinder, type Match } from './router.ts';

/**
 * A Lambda behind the HTTP API: finds the route, checks key, scope and request, and answers in the contract's words.
 * An unexpected error is logged with the request's id and answered as 500 with that id, never with a stack.
 */
export function httpFunction<Deps extends HttpDeps>(options: {
  readonly routes: readonly Route<Deps>[];
  readonly wire: () => Deps;
}): (rawEvent: unknown) => Promise<HttpAnswer> {
  const wired = once(options.wire);
  const settings = once(() => {
    const env = HttpEnv.parse(process.env);
    return { env, find: pathFinder(options.routes, env.BASE_PATH) };
  });

  return async (rawEvent) => {
    const { env, find } = settings();
    const sent = HttpEvent.parse(rawEvent);
    if (!cameThrough(env, sent.headers)) return toAnswer(wrongAddress(), sent);
    const event =
      env.PUBLIC_HOST === undefined ? sent : { ...sent, headers: { ...sent.headers, host: env.PUBLIC_HOST } };
    const { requestId, http } = event.requestContext;
    const started = performance.now();
    const matches = find(event.rawPath);
    const method = http.method === 'HEAD' ? 'GET' : http.method;
    const match = matches.find(({ route }) => route.method === method);
    const unanswered = () => (matches.length === 0 ? nothingHere() : withoutRoute(matches, event));
    const answered = match === undefined ? unanswered() : await answerRoute(match, event, wired);
    const isProblem = answered.status >= 400 && answered.content === undefined;
    const reply = (isProblem ? match?.route.shown?.(answered, event.headers) : undefined) ?? answered;

    const line = { requestId, method: http.method, route: match?.route.path, status: reply.status };
    const figures = Object.entries(reply.counts ?? {}).map(([name, value]) => ({
      name,
      value,
      unit: 'Count' as const,
    }));
    logAndPublish('request', { ...line, ...reply.counts, ms: Math.round(performance.now() - started) }, figures);
    return toAnswer(reply, event, match?.route);
  };
}

async function answerRoute<Deps extends HttpDeps>(
  match: Match<Route<Deps>>,
  event: HttpEvent,
  wired: () => Deps,
): Promise<Reply> {
  const { requestId } = event.requestContext;
  try {
    return await answerAdmitted(match, event, wired());
  } catch (error) {
    if (error instanceof Busy) {
      logger.warn('request gave up', { requestId, route: match.route.path, error });
      return problem('busy', `${error.message}: send the same request again`, {
        headers: { 'retry-after': '1' },
      });
    }
    logger.error('request failed', { requestId, route: match.route.path, error });
    return internalFault(requestId);
  }
}

const unknownKey = (): Reply => problem('unknown_key', 'x-api-key: unknown or revoked');

/** A key of an erased account is unknown: this answer goes before any other one. */
async function answerAdmitted<Deps extends HttpDeps>(
  match: Match<Route<Deps>>,
  event: HttpEvent,
  deps: Deps,
): Promise<Reply> {
  const admitted = await admit(match.route, event.headers['x-api-key'], deps);
  if (!admitted.ok) return admitted.error;
  const { isAccountThere } = admitted.value ?? {};
  if (match.route.admitsLate !== true && (await isAccountThere) === false) return unknownKey();
  const [found, answered] = await Promise.allSettled([isAccountThere, answerKnown(match, event, deps, admitted.value)]);
  if (found.status === 'rejected') throw found.reason;
  if (found.value === false) return unknownKey();
  if (answered.status === 'rejected') throw answered.reason;
  return answered.value;
}

async function answerKnown<Deps extends HttpDeps>(
  { route, params }: Match<Route<Deps>>,
  event: HttpEvent,
  deps: Deps,
  { credential, isAccountThere }: Partial<Admission> = {},
): Promise<Reply> {
  const { access } = route;
  if (typeof access === 'object' && (credential === undefined || !hasScope(credential, access.scope))) {
    return problem('missing_scope', `this requires the ${access.scope} scope`);
  }
  const query = readQuery('query' in route.request.shape ? event.rawQueryString : '', route.takesRepeated);
  if (!query.ok) return query.error;
  const { headers } = event;
  const context = { credential, isAccountThere, requestId: event.requestContext.requestId, headers };
  const sent = { params, query: query.value };
  if (!('body' in route.request.shape)) return route.answer(sent, context, deps);
  const { body: encoded = '', isBase64Encoded } = event;
  if (access === 'signature') {
    const bytes = Buffer.from(encoded, isBase64Encoded ? 'base64' : 'utf8');
    return route.answer({ ...sent, body: bytes }, context, deps);
  }
  if (encoded === '' && isBodyOptional(route)) return route.answer(sent, context, deps);
  const limits = route.bodyLimits ?? SMALL_BODY;
  const body = readJson({ body: encoded, isBase64Encoded, contentEncoding: headers['content-encoding'] }, limits);
  return body.ok ? route.answer({ ...sent, body: body.value }, context, deps) : body.error;
}

async function admit<Deps extends HttpDeps>(
  { access }: Route<Deps>,
  key: string | undefined,
  deps: Deps,
): Promise<Result<Admission | undefined, Reply>> {
  if (isWithoutKey(access)) return ok(undefined);
  if (key === undefined) {
    if (access === 'anonymous-or-key') return ok(undefined);
    return err(problem('unknown_key', 'x-api-key: expected a key'));
  }
  const admission = await deps.authenticate(key);
  return admission === undefined ? err(unknownKey()) : ok(admission);
}
