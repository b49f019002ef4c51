import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseJson } from '../json.ts';
import type { Access } from '../proxy/policy.ts';
import type { UpstreamAnswer } from '../proxy/upstream.ts';
import type { FunctionPool } from './function-pool.ts';

const INVOKE_PATH = /^\/2015-03-31\/functions\/(?<name>[^/]+)\/invocations$/;
/** A function's name, `account:function:name` or ARN, each with an optional qualifier. */
const REFERENCE =
  /^(?:(?:arn:aws:lambda:(?<region>[^:]+):)?(?<account>[^:]+):function:)?(?<name>[^:]+)(?::(?<qualifier>[^:]+))?$/;
/** The only qualifier that exists: the template publishes no versions and defines no aliases. */
const LATEST = '$LATEST';
const TYPES: ReadonlySet<unknown> = new Set(['RequestResponse', 'Event', 'DryRun']);

type Refusal = { readonly status: number; readonly type: string; readonly message: string };

type InvokeContext = {
  readonly functions: ReadonlyMap<string, FunctionPool>;
  /** Returns a refusal if the caller's role does not allow the access. */
  readonly judge: (access: Access) => UpstreamAnswer | undefined;
};

/** Handles Lambda's Invoke call. Returns true if the request was one. */
export async function handleInvoke(
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  { functions, judge }: InvokeContext,
): Promise<boolean> {
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const reference = INVOKE_PATH.exec(path)?.groups?.name;
  if (request.method !== 'POST' || reference === undefined) return false;

  const answer = (status: number, payload: string, headers: Record<string, string> = {}) =>
    void response.writeHead(status, { ...(payload !== '' && JSON_CONTENT), ...headers }).end(payload);
  const refuse = ({ status, type, message }: Refusal) => {
    answer(status, JSON.stringify({ Type: 'User', message, Message: message }), { 'x-amzn-errortype': type });
    return true;
  };

  const found = findFunction(functions, decoded(reference), new URLSearchParams(query).get('Qualifier'));
  if ('status' in found) return refuse(found);
  const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse';
  if (!TYPES.has(type)) {
    const message = `The invocation type is RequestResponse, Event or DryRun, not ${String(type)}`;
    return refuse({ status: 400, type: 'InvalidParameterValueException', message });
  }
  const refused = judge({ action: 'lambda:InvokeFunction', resource: found.model.arn });
  if (refused !== undefined) {
    answer(403, refused.body, { 'x-amzn-errortype': 'AccessDeniedException' });
    return true;
  }
  const event = body.length === 0 ? '{}' : body.toString('utf8');
  if (parseJson(event) === undefined) {
    const message = 'Could not parse request body into json';
    return refuse({ status: 400, type: 'InvalidRequestContentException', message });
  }
  if (type === 'DryRun') {
    answer(204, '');
    return true;
  }
  const invocation = found.invoke(event);
  if (type === 'Event') {
    answer(202, '');
    return true;
  }
  const result = await invocation;
  const headers = { 'x-amzn-requestid': result.requestId, 'x-amz-executed-version': LATEST };
  if (result.ok) answer(200, result.payload, headers);
  else answer(200, JSON.stringify(result.failure), { ...headers, 'x-amz-function-error': 'Unhandled' });
  return true;
}

const JSON_CONTENT = { 'content-type': 'application/json' };

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // an invalid percent-encoding, which matches no function's name
  }
}

function findFunction(
  functions: ReadonlyMap<string, FunctionPool>,
  reference: string,
  asked: string | null,
): FunctionPool | Refusal {
  const { region, account, name = reference, qualifier = asked ?? LATEST } = REFERENCE.exec(reference)?.groups ?? {};
  if (asked !== null && asked !== qualifier) {
    const message = 'The qualifier in the function name is not the one in the query';
    return { status: 400, type: 'InvalidParameterValueException', message };
  }
  const pool = functions.get(name);
  const [, , , ourRegion, ourAccount] = pool?.model.arn.split(':') ?? [];
  const isOurs = (region ?? ourRegion) === ourRegion && (account ?? ourAccount) === ourAccount;
  if (pool !== undefined && isOurs && qualifier === LATEST) return pool;
  return {
    status: 404,
    type: 'ResourceNotFoundException',
    message: `Function not found: ${reference}${suffix(asked)}`,
  };
}

const suffix = (qualifier: string | null): string => (qualifier === null ? '' : `:${qualifier}`);
