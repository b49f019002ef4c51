import type * as z from 'zod/mini';
import type { Authenticate } from '../../domain/identity/authenticate.ts';
import type { Credential, Scope } from '../../domain/identity/credential.ts';
import { err, ok, type Result } from '../../domain/shared/result.ts';
import { detailsOf, problem, sentenceOf, type ProblemCode, type Reply } from './problems.ts';
import type { BodyLimits } from './request-body.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/**
 * Who may call a route. `anyone`: a key is not even looked at. `anonymous-or-key`: a key that is sent must be known.
 * `key`: any known key. A scope: a key that has it.
 */
export type Access = 'anyone' | 'anonymous-or-key' | 'key' | { readonly scope: Scope };

/** What a route is to its clients: enough to check a request and to describe it in the OpenAPI document. */
type RouteDescription = {
  readonly method: Method;
  /** `/v1/keys/{id}`; `{name+}` takes any number of segments. */
  readonly path: string;
  readonly summary: string;
  readonly access: Access;
  /** Of `params` (from the path), `query` and `body`, those that the route reads. */
  readonly request: z.ZodMiniObject;
  readonly bodyLimits?: BodyLimits;
  /** What a body should be, for the documentation of a route whose handler judges it itself. */
  readonly documentedBody?: z.ZodMiniType;
  /** The code where a path parameter cannot name anything: the same as where it names nothing. One for all, or each. */
  readonly unknownParam?: ProblemCode | Readonly<Record<string, ProblemCode>>;
  readonly answers: Readonly<Record<number, { readonly description: string; readonly schema?: z.ZodMiniType }>>;
  /** The codes it can refuse with, beside those that follow from `access` and `request`. */
  readonly problems?: readonly ProblemCode[];
  /** Seconds that a public answer may be kept by any cache. */
  readonly cacheSeconds?: number;
  /** Whether an answer has an `etag`, by which a caller who has it already is answered 304. */
  readonly hasEtag?: boolean;
};

export type RouteContext = { readonly credential: Credential | undefined; readonly requestId: string };

export type Route<Deps> = RouteDescription & {
  /** Checks what was sent against `request`, then handles it. */
  readonly answer: (sent: unknown, context: RouteContext, deps: Deps) => Promise<Reply>;
};

/** What every HTTP function has beside the needs of its own routes. */
export type HttpDeps = { readonly authenticate: Authenticate };

/** Ties a route's handler to its schema: nothing reaches a use-case unchecked. */
export function route<Deps, Request extends z.ZodMiniObject>(
  definition: RouteDescription & {
    readonly request: Request;
    readonly handle: (request: z.infer<Request>, deps: Deps, context: RouteContext) => Promise<Reply>;
  },
): Route<Deps> {
  const { handle, ...description } = definition;
  return {
    ...description,
    async answer(sent, context, deps) {
      const request = check(definition, definition.request, sent);
      return request.ok ? handle(request.value, deps, context) : request.error;
    },
  };
}

function check<Request extends z.ZodMiniObject>(
  description: RouteDescription,
  schema: Request,
  sent: unknown,
): Result<z.infer<Request>, Reply> {
  const parsed = schema.safeParse(sent);
  if (parsed.success) return ok(parsed.data);
  const issuesIn = (part: string) =>
    parsed.error.issues
      .filter(({ path }) => path[0] === part)
      .map((issue) => ({ ...issue, path: issue.path.slice(1) }));
  const [params, query, body] = [issuesIn('params'), issuesIn('query'), issuesIn('body')];
  if (params.length > 0) {
    return err(problem(codeOfUnknown(description, params[0]?.path[0]), sentenceOf(detailsOf(params, 'path'))));
  }
  const details = query.length > 0 ? detailsOf(query, 'query') : detailsOf(body, 'body');
  return err(problem(query.length > 0 ? 'invalid_query' : 'invalid_body', sentenceOf(details), { details }));
}

function codeOfUnknown({ unknownParam = 'not_found' }: RouteDescription, param: PropertyKey | undefined): ProblemCode {
  if (typeof unknownParam === 'string') return unknownParam;
  return unknownParam[String(param)] ?? 'not_found';
}
