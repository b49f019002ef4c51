import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseJson } from '../json.ts';
import type { FunctionPool } from './function-pool.ts';

const INVOKE_PATH = /^\/2015-03-31\/functions\/(?<name>[^/]+)\/invocations$/;

/** Lambda's own Invoke call. True where the request was one. */
export async function handleInvoke(
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  functions: ReadonlyMap<string, FunctionPool>,
): Promise<boolean> {
  const [path = ''] = (request.url ?? '').split('?');
  const name = INVOKE_PATH.exec(path)?.groups?.name;
  if (request.method !== 'POST' || name === undefined) return false;

  const answer = (status: number, payload: string, headers: Record<string, string> = {}) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(payload);
  const functionName = decodeURIComponent(name).split(':').at(-1) ?? '';
  const pool = functions.get(functionName);
  if (pool === undefined) {
    const message = `Function not found: ${functionName}`;
    answer(404, JSON.stringify({ Type: 'User', Message: message }), {
      'x-amzn-errortype': 'ResourceNotFoundException',
    });
    return true;
  }
  const event = body.length === 0 ? '{}' : body.toString('utf8');
  if (parseJson(event) === undefined) {
    const message = 'Could not parse request body into json';
    answer(400, JSON.stringify({ Type: 'User', message }), { 'x-amzn-errortype': 'InvalidRequestContentException' });
    return true;
  }
  const invocation = pool.invoke(event);
  if (request.headers['x-amz-invocation-type'] === 'Event') {
    answer(202, '');
    return true;
  }
  const result = await invocation;
  const headers = { 'x-amzn-requestid': result.requestId, 'x-amz-executed-version': '$LATEST' };
  if (result.ok) answer(200, result.payload, headers);
  else answer(200, JSON.stringify(result.failure), { ...headers, 'x-amz-function-error': 'Unhandled' });
  return true;
}
