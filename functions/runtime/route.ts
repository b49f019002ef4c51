import * as z from 'zod/mini';
import type { Authenticate } from '../../domain/identity/authenticate.ts';
import type { Credential, Scope } from '../../domain/identity/credential.ts';
import { check, sentenceOf, withoutNulls, type Fault } from '../../domain/shared/faults.ts';
import { problem, type ProblemCode, type Reply } from './problems.ts';
import type { BodyLimits } from './request-body.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/**
 * Who may call a route. `anyone`: a key is not even looked at. `anonymous-or-key`: a key that is sent must be known.
 * `key`: any known key. A scope: a key that has it. `signature`: no key; the handler gets the bytes of the body, and
 * checks who signed them.
 */
export type Access = 'anyone' | 'signature' | 'anonymous-or-key' | 'key' | { readonly scope: Scope };

type DescribedAnswer = {
  readonly description: string;
  /** The schema of a JSON answer. */
  readonly schema?: z.ZodMiniType;
  /** The media types of what is not JSON. */
  readonly types?: readonly string[];
};

/** A route as its clients see it: enough to check a request and to describe it in the OpenAPI document. */
type RouteDescription = {
  readonly method: Method;
  /** `/v1/keys/{id}`; `{name+}` takes any number of segments. */
  readonly path: string;
  readonly summary: string;
  readonly access: Access;
  /**
   * The handler itself waits for `isAccountThere` before it writes, so that its first reads come with it in one call.
   */
  readonly admitsLate?: boolean;
  /** The parts that the route reads: `params` (from the path), `query` and `body`. */
  readonly request: z.ZodMiniObject;
  readonly bodyLimits?: BodyLimits;
  /** The documented form of a body, if the route's handler judges it itself. */
  readonly documentedBody?: z.ZodMiniType;
  /**
   * The code for a path parameter that no thing can have: the same as for one that no thing has. One for all, or each.
   */
  readonly unknownParam?: ProblemCode | Readonly<Record<string, ProblemCode>>;
  readonly answers: Readonly<Record<number, DescribedAnswer>>;
  /** The codes it can refuse with, in addition to the codes of its `access` and `request`. */
  readonly problems?: readonly ProblemCode[];
  /** Seconds that a public answer may be kept by any cache. */
  readonly cacheSeconds?: number;
  /** Whether an answer has an `etag`, by which a caller who has it already is answered 304. */
  readonly hasEtag?: boolean;
  /** A query parameter that is given twice has its first value, instead of a refusal. */
  readonly takesRepeated?: boolean;
  /** What people or images get instead of the JSON of a refusal or a fault. */
  readonly shown?: (problem: Reply, headers: RouteContext['headers']) => Reply;
};

/** The key that a request came with, as the route's `access` ensures it. */
type CredentialFor<Allowed extends Access> = Allowed extends 'anyone' | 'signature'
  ? undefined
  : Allowed extends 'anonymous-or-key'
    ? Credential | undefined
    : Credential;

export type RouteContext<Held = Credential | undefined> = {
  readonly credential: Held;
  /** False if the account of the key was erased. Only a route with `admitsLate` has to wait for it. */
  readonly isAccountThere?: Promise<boolean> | undefined;
  readonly requestId: string;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
};

/** Whether a key is not even looked at. */
export const isWithoutKey = (access: Access): boolean => access === 'anyone' || access === 'signature';

const isEnsured = <Allowed extends Access>(
  access: Allowed,
  credential: Credential | undefined,
): credential is CredentialFor<Allowed> =>
  access === 'anonymous-or-key' || isWithoutKey(access) === (credential === undefined);

/** The parts of a request. It has a body only if the route reads one. */
export type Sent = {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body?: unknown;
};

export type Route<Deps> = RouteDescription & {
  /** Checks the parts against `request`, then handles them. */
  readonly answer: (sent: Sent, context: RouteContext, deps: Deps) => Promise<Reply>;
};

/** Whether a request without a body is one that the route takes. */
export const isBodyOptional = ({ request: { shape } }: Pick<RouteDescription, 'request'>): boolean =>
  shape.body instanceof z.ZodMiniOptional; // a body of any value is not optional: somebody must send one

/** Every HTTP function has these, in addition to the dependencies of its own routes. */
export type HttpDeps = { readonly authenticate: Authenticate };

/** Ties a route's handler to its schema and to its access: nothing reaches a use-case unchecked. */
export function route<Deps, Request extends z.ZodMiniObject, const Allowed extends Access>(
  definition: RouteDescription & {
    readonly request: Request;
    readonly access: Allowed;
    readonly handle: (
      request: z.infer<Request>,
      deps: Deps,
      context: RouteContext<CredentialFor<Allowed>>,
    ) => Promise<Reply>;
  },
): Route<Deps> {
  const { handle, ...description } = definition;
  return {
    ...description,
    async answer(sent, { credential, ...context }, deps) {
      if (!isEnsured(definition.access, credential))
        throw new Error('a route was called with another key than it takes');
      const body = definition.access === 'signature' ? sent.body : withoutNulls(sent.body);
      const request = check(definition.request, body === undefined ? sent : { ...sent, body }, 'request');
      return request.ok ? handle(request.value, deps, { ...context, credential }) : refused(definition, request.error);
    },
  };
}

/** A refusal is about one part of a request: the path, then the query, then the body. */
function refused(description: RouteDescription, faults: readonly Fault[]): Reply {
  const partOf = ({ field }: Fault) => field.split('.', 1)[0];
  const within = (part: string) =>
    faults
      .filter((fault) => partOf(fault) === part)
      .map(({ field, expected }) => ({ field: field === part ? part : field.slice(part.length + 1), expected }));
  const [params, query, body] = [within('params'), within('query'), within('body')];
  if (params.length > 0) return problem(codeOfUnknown(description, params[0]?.field), sentenceOf(params));
  const details = query.length > 0 ? query : body;
  return problem(query.length > 0 ? 'invalid_query' : 'invalid_body', sentenceOf(details), { details });
}

function codeOfUnknown({ unknownParam = 'not_found' }: RouteDescription, param: string | undefined): ProblemCode {
  if (typeof unknownParam === 'string') return unknownParam;
  return unknownParam[String(param)] ?? 'not_found';
}
