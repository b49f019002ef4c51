import * as z from 'zod';
import { parseJson } from './json.ts';

/** An AWS service's refusal, by its name. */
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
 * What the event sources call with: no SDK, because it would take a third client for streams, and a retry of a receive
 * is the next receive. The key tells the proxy whose permissions count.
 */
export function awsCaller(endpoint: string, accessKeyId: string): AwsCall {
  return async (target, body, signal) => {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': target,
        ...authorizationOf(accessKeyId),
      },
      body: JSON.stringify(body),
      ...(signal && { signal }),
    });
    const text = await response.text();
    if (response.ok) return parseJson(text);
    const { type, message } = failureOf(text);
    throw new AwsCallError(type, message, response.status);
  };
}

/** Names the caller the way a signature does. Nobody on the loopback device checks the signature itself. */
export const authorizationOf = (accessKeyId: string, region = 'us-east-1') => ({
  'x-amz-date': '20260101T000000Z',
  authorization:
    `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260101/${region}/local/aws4_request, ` +
    'SignedHeaders=host, Signature=none',
});

function failureOf(text: string): { readonly type: string; readonly message: string } {
  const shape = z.object({ __type: z.string(), message: z.string().optional(), Message: z.string().optional() });
  const { data } = shape.safeParse(parseJson(text));
  if (data === undefined) return { type: 'UnknownError', message: text }; // no answer of an AWS service
  return { type: data.__type.split('#').at(-1) ?? data.__type, message: data.message ?? data.Message ?? '' };
}
