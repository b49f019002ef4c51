import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import * as z from 'zod';
import type { RouteMatch } from './route-table.ts';

/** The gateway's payload format 2.0 for requests and answers. */

export type GatewayRequest = {
  readonly method: string;
  readonly target: string; // path and query as the client sent them
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  readonly sourceIp: string;
};

const TEXT_TYPES = /^(?:text\/|application\/(?:json|javascript|xml)\b|application\/[^;]*\+(?:json|xml)\b)/i;

/** Builds the event that a function receives for a request. */
export function toEvent(request: GatewayRequest, rawPath: string, route: RouteMatch, now: number) {
  const [, rawQueryString] = splitTarget(request.target);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && name !== 'cookie') headers[name] = Array.isArray(value) ? value.join(',') : value;
  }
  headers['x-forwarded-for'] = request.sourceIp;
  headers['x-forwarded-proto'] = 'http';
  const query = new Map<string, string>(); // a client chooses the names, for example `__proto__`
  for (const [name, value] of new URLSearchParams(rawQueryString)) {
    const before = query.get(name);
    query.set(name, before === undefined ? value : `${before},${value}`);
  }
  const cookies = request.headers.cookie?.split(/;\s*/);
  const isTextType =
    request.headers['content-encoding'] === undefined && TEXT_TYPES.test(headers['content-type'] ?? '');
  const isText = isTextType && isUtf8(request.body); // an event is JSON, which can only carry UTF-8 text unchanged
  const hasBody = request.body.length > 0;
  return {
    version: '2.0',
    routeKey: route.key,
    rawPath,
    rawQueryString,
    ...(cookies && { cookies }),
    headers,
    ...(rawQueryString !== '' && { queryStringParameters: Object.fromEntries(query) }),
    requestContext: {
      accountId: '000000000000',
      apiId: 'local',
      domainName: headers.host ?? 'localhost',
      domainPrefix: 'local',
      http: {
        method: request.method,
        path: rawPath,
        protocol: 'HTTP/1.1',
        sourceIp: request.sourceIp,
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: randomBytes(11).toString('base64'), // as long as the gateway's
      routeKey: route.key,
      stage: '$default',
      time: new Date(now).toISOString(),
      timeEpoch: now,
    },
    ...(route.pathParameters && { pathParameters: route.pathParameters }),
    ...(hasBody && { body: request.body.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: hasBody && !isText,
  };
}

/** Splits a request's target into its path and query string. */
export function splitTarget(target: string): readonly [string, string] {
  const mark = target.indexOf('?');
  return mark === -1 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)];
}

const FunctionAnswer = z.object({
  statusCode: z.number().int().min(100).max(599),
  headers: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  cookies: z.array(z.string()).default([]),
  body: z.string().default(''),
  isBase64Encoded: z.boolean().default(false),
});

export type GatewayAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer;
};

/** Converts a function's result to the gateway's answer. Undefined if the gateway does not accept its form. */
export function fromResult(payload: string): GatewayAnswer | undefined {
  const result: unknown = JSON.parse(payload);
  const isAnswer = typeof result === 'object' && result !== null && 'statusCode' in result;
  if (!isAnswer) {
    // format 2.0 treats a result without a status code as a 200 with JSON
    const body = typeof result === 'string' ? result : payload;
    return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(body) };
  }
  const { data } = FunctionAnswer.safeParse(result);
  if (data === undefined) return undefined;
  const headers: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(data.headers)) headers[name.toLowerCase()] = String(value);
  headers['content-type'] ??= 'text/plain;charset=UTF-8';
  if (data.cookies.length > 0) headers['set-cookie'] = data.cookies;
  const body = Buffer.from(data.body, data.isBase64Encoded ? 'base64' : 'utf8');
  return { status: data.statusCode, headers, body };
}

/** An answer that the gateway gives itself. */
export function gatewayMessage(status: number, message: string): GatewayAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify({ message })) };
}
