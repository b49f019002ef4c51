import { createServer, type IncomingMessage } from 'node:http';
import * as z from 'zod';
import type { FunctionPool, InvocationResult } from '../lambda/function-pool.ts';
import type { StackModel } from '../template/stack-model.ts';
import { gatewayPath } from './gateway-path.ts';
import { readBody } from './read-body.ts';
import { fromResult, type GatewayAnswer, gatewayMessage, splitTarget, toEvent } from './payload.ts';
import { routeTable, type RouteMatch } from './route-table.ts';
import { tokenBucket } from './token-bucket.ts';

/** Lambda's limit for an event, with the encoded body and the headers. The gateway answers larger requests itself. */
const MAX_EVENT_BYTES = 6 * 1024 * 1024;
const INTEGRATION_TIMEOUT_MS = 30_000;

/** The service that invokes functions for routes. */
const GATEWAY = 'apigateway.amazonaws.com';

export type HttpFront = { readonly baseUrl: string; stop(): Promise<void> };

/** Serves the template's HTTP API on the loopback interface. Port 0 chooses a free port. */
export async function startHttpFront(options: {
  readonly port: number;
  readonly model: Pick<StackModel, 'routes' | 'throttle' | 'apiArn'>;
  readonly functions: ReadonlyMap<string, FunctionPool>;
  readonly clock: () => number;
  readonly report: (error: unknown) => void;
  /** False while somebody may sit at a breakpoint. */
  readonly hasTimeout: boolean;
}): Promise<HttpFront> {
  const { functions, model, clock, report } = options;
  const routeOf = routeTable(model.routes);
  const mayPass = model.throttle === undefined ? () => true : tokenBucket(model.throttle, clock);

  const answer = async (request: IncomingMessage): Promise<GatewayAnswer> => {
    const body = await readBody(request, MAX_EVENT_BYTES);
    if (body === undefined) return gatewayMessage(413, 'Request Entity Too Large');
    if (!mayPass()) return gatewayMessage(429, 'Too Many Requests');
    const { method = 'GET', url: target = '/', headers } = request;
    const path = gatewayPath(splitTarget(target)[0]);
    if (path === undefined) return gatewayMessage(400, 'Bad Request');
    const route = routeOf(method, path.routed);
    const pool = route && functions.get(route.functionName);
    if (route === undefined || pool === undefined) return gatewayMessage(404, 'Not Found');
    const source = `${model.apiArn}/$default/${resourceOf(route, method)}`;
    if (!pool.model.invokers.some(({ principal, covers }) => principal === GATEWAY && covers(source))) {
      report(new Error(`${route.functionName} has no permission by which ${GATEWAY} may invoke it for ${source}`));
      return gatewayMessage(500, 'Internal Server Error');
    }

    const sourceIp = request.socket.remoteAddress ?? '127.0.0.1';
    const event = JSON.stringify(toEvent({ method, target, headers, body, sourceIp }, path.rawPath, route, clock()));
    if (Buffer.byteLength(event) > MAX_EVENT_BYTES) return gatewayMessage(413, 'Request Entity Too Large');
    const most = Math.max(INTEGRATION_TIMEOUT_MS, pool.model.timeoutMs); // longer only where a test gives functions more time
    const invoked = pool.invoke(event);
    const result = await (options.hasTimeout ? within(most, invoked) : invoked);
    if (result === undefined) return gatewayMessage(503, 'Service Unavailable');
    const answered = result.ok ? fromResult(result.payload) : undefined;
    return answered ?? gatewayMessage(500, 'Internal Server Error');
  };

  const server = createServer((request, response) => {
    answer(request)
      .catch((error: unknown) => {
        if (request.complete) report(error);
        return gatewayMessage(500, 'Internal Server Error');
      })
      .then(({ status, headers, body }) => {
        for (const [name, value] of Object.entries(headers)) {
          response.setHeader(name, typeof value === 'string' ? value : [...value]);
        }
        const isHead = request.method === 'HEAD';
        if (!isHead || !response.hasHeader('content-length')) response.setHeader('content-length', body.length);
        response.writeHead(status).end(isHead ? undefined : body);
      })
      .catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  const { port } = z.object({ port: z.number() }).parse(server.address());
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      const insist = setTimeout(() => server.closeAllConnections(), 1_000);
      await closed;
      clearTimeout(insist);
    },
  };
}

/** The result of an invocation; undefined if it takes more than `most` milliseconds. */
async function within(most: number, invoked: Promise<InvocationResult>): Promise<InvocationResult | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, most, undefined)));
  try {
    return await Promise.race([invoked, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The end of the ARN that permissions are checked against: `GET/v1/keys/{id}`, or `$default`, which has no method and
 * path.
 */
const resourceOf = ({ key }: RouteMatch, method: string): string => key.replace(/^\w+ /, method);
