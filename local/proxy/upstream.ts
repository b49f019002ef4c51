import { Agent } from 'node:http';
import { authorizationOf, exchange } from '../aws-client.ts';

export type UpstreamAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/**
 * Sends an AWS JSON call to an engine. `signal` aborts it when the caller is gone, because an abandoned long poll would
 * take messages.
 */
export type Upstream = (target: string, body: string, signal: AbortSignal) => Promise<UpstreamAnswer>;

const KEPT_HEADERS = ['content-type', 'x-amzn-requestid', 'x-amz-crc32', 'x-amzn-query-error'];

export function upstreamOf(endpoint: string, region: string): { readonly send: Upstream; close(): void } {
  const agent = new Agent({ keepAlive: true });
  const { hostname, port } = new URL(endpoint);
  const send: Upstream = async (target, body, signal) => {
    const headers = {
      'content-type': 'application/x-amz-json-1.0',
      'content-length': Buffer.byteLength(body),
      'x-amz-target': target,
      ...authorizationOf('local', region), // the engines separate data by region, and accept only letters in a key
    };
    const answer = await exchange({ agent, hostname, port, method: 'POST', path: '/', headers, signal }, body);
    const kept = KEPT_HEADERS.flatMap((name) => {
      const value = answer.headers[name];
      return typeof value === 'string' ? [[name, value] as const] : [];
    });
    return { status: answer.status, headers: Object.fromEntries(kept), body: answer.body };
  };
  return { send, close: () => agent.destroy() };
}
