import { Agent, type IncomingHttpHeaders, request, type RequestOptions } from 'node:http';
import * as z from 'zod/mini';
import { parseJson } from './json.ts';

/** An error that an AWS service answered, with its name. */
export class AwsCallError extends Error {
  override readonly name: string;
  readonly status: number;

  constructor(name: string, message: string, status: number) {
    super(message);
    this.name = name;
    this.status = status;
  }
}

/** Calls one operation of an AWS JSON service: `call('AmazonSQS.ReceiveMessage', {...})`. */
export type AwsCall = (target: string, body: unknown, signal?: AbortSignal) => Promise<unknown>;

/**
 * The client of the event sources. It does not use the SDK, which would need a third client for streams. It does not
 * retry, because the next receive is the retry. The access key tells the proxy whose permissions apply.
 */
export function awsCaller(endpoint: string, accessKeyId: string): AwsCall {
  const { hostname, port } = new URL(endpoint);
  return async (target, body, signal) => {
    const text = JSON.stringify(body);
    const headers = {
      'content-type': 'application/x-amz-json-1.0',
      'content-length': Buffer.byteLength(text),
      'x-amz-target': target,
      ...authorizationOf(accessKeyId),
    };
    const options = { agent: connections, hostname, port, method: 'POST', path: '/', headers };
    const answer = await exchange({ ...options, ...(signal && { signal }) }, text);
    if (answer.status >= 200 && answer.status < 300) return parseJson(answer.body);
    const { type, message } = failureOf(answer.body);
    throw new AwsCallError(type, message, answer.status);
  };
}

/** Kept open between calls. It does not keep the process alive. */
const connections = new Agent({ keepAlive: true });

export type HttpAnswer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string };

/**
 * Sends one request and reads the whole answer. `fetch` costs several times as much CPU, and this is called very often.
 */
export function exchange(options: RequestOptions, body: string): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const { statusCode: status = 502, headers } = incoming;
        resolve({ status, headers, body: Buffer.concat(chunks).toString('utf8') });
      });
    });
    outgoing.on('error', (error) => {
      // The server closed the kept connection before it saw the request. Node's documentation recommends sending it
      // again.
      const isStale = outgoing.reusedSocket && 'code' in error && error.code === 'ECONNRESET';
      if (isStale) exchange(options, body).then(resolve, reject);
      else reject(error);
    });
    outgoing.end(body);
  });
}

/** Names the caller as a signature does. Nothing on the loopback interface checks the signature itself. */
export const authorizationOf = (accessKeyId: string, region = 'us-east-1') => ({
  'x-amz-date': '20260101T000000Z',
  authorization:
    `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260101/${region}/local/aws4_request, ` +
    'SignedHeaders=host, Signature=none',
});

function failureOf(text: string): { readonly type: string; readonly message: string } {
  const shape = z.object({
    __type: z.string(),
    message: z.optional(z.string()),
    Message: z.optional(z.string()),
  });
  const { data } = shape.safeParse(parseJson(text));
  if (data === undefined) return { type: 'UnknownError', message: text }; // not an answer of an AWS service
  return { type: data.__type.split('#').at(-1) ?? data.__type, message: data.message ?? data.Message ?? '' };
}
