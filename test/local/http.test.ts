import { describe, expect, it } from 'vitest';
import paths from '../fixtures/gateway-paths.json' with { type: 'json' };
import { gatewayPath } from '../../local/http/gateway-path.ts';
import { fromResult, toEvent } from '../../local/http/payload.ts';
import { routeTable } from '../../local/http/route-table.ts';
import { tokenBucket } from '../../local/http/token-bucket.ts';

const keys = ['ANY /ingest', 'GET /ingest', 'ANY /v1/keys/{id}', 'ANY /v1/keys/mine', 'ANY /ext/{name+}', '$default'];
const routes = keys.map((key) => ({ key, functionName: key }));

describe('route matching', () => {
  const routeOf = routeTable(routes);
  it.each([
    ['POST', '/ingest', 'ANY /ingest', undefined],
    ['GET', '/ingest', 'GET /ingest', undefined],
    ['POST', '//ingest', '$default', undefined],
    ['POST', '/ingest/', '$default', undefined],
    ['GET', '/v1/keys/abc', 'ANY /v1/keys/{id}', { id: 'abc' }],
    ['GET', '/v1/keys/mine', 'ANY /v1/keys/mine', undefined],
    ['GET', '/v1/keys/', '$default', undefined],
    ['GET', '/v1/keys/a/b', '$default', undefined],
    ['GET', '/v1/keys/a%2Fb', 'ANY /v1/keys/{id}', { id: 'a/b' }], // encoded twice
    ['GET', '/ext/a//b', 'ANY /ext/{name+}', { name: 'a/b' }],
    ['POST', '/ext/@scope/name@1/yank', 'ANY /ext/{name+}', { name: '@scope/name@1/yank' }],
    ['GET', '/nothing', '$default', undefined],
  ])('%s %s goes to %s', (method, path, key, pathParameters) => {
    expect(routeOf(method, path)).toEqual({ key, functionName: key, pathParameters });
  });

  it('finds nothing without a $default', () => {
    expect(routeTable([{ key: 'ANY /ingest', functionName: 'f' }])('GET', '/')).toBeUndefined();
  });
});

describe('paths', () => {
  it.each([...paths.captured.pairs, ...paths.told.pairs])(
    '$sent reaches a function as the gateway passes it on',
    (pair) => {
      expect(gatewayPath(pair.sent)?.rawPath).toBe('rawPath' in pair ? pair.rawPath : undefined);
    },
  );

  it.each([
    ['/v1/keys/a%2Fb', '/v1/keys/a/b'],
    ['/v1/keys/a%252Fb', '/v1/keys/a%2Fb'],
    ['//ingest', '//ingest'],
  ])('%s is routed as %s', (sent, routed) => {
    expect(gatewayPath(sent)?.routed).toBe(routed);
  });
});

describe('payload format 2.0', () => {
  const route = { key: '$default', functionName: 'f', pathParameters: undefined };
  const request = {
    method: 'POST',
    target: '/a%20b?x=1&x=2&__proto__=y',
    sourceIp: '127.0.0.1',
    body: Buffer.from('é'),
  };

  it('passes path, query, headers and cookies as the gateway does', () => {
    const headers = { host: 'h', cookie: 'a=1; b=2', 'content-type': 'application/json; charset=utf-8' };
    const event = toEvent({ ...request, headers }, '/a b', route, 0);
    expect(event).toMatchObject({
      version: '2.0',
      rawPath: '/a b',
      rawQueryString: 'x=1&x=2&__proto__=y',
      cookies: ['a=1', 'b=2'],
      headers: { host: 'h' },
      body: 'é',
      isBase64Encoded: false,
      requestContext: { http: { method: 'POST', path: '/a b' } },
    });
    expect(JSON.stringify(event.queryStringParameters)).toBe('{"x":"1,2","__proto__":"y"}');
  });

  it.each([
    ['compressed', { 'content-type': 'application/json', 'content-encoding': 'gzip' }],
    ['without a text type', { 'content-type': 'application/octet-stream' }],
    ['without a type', {}],
  ])('encodes a body that is %s', (_what, headers) => {
    expect(toEvent({ ...request, headers }, '/a b', route, 0)).toMatchObject({ body: 'w6k=', isBase64Encoded: true });
  });

  it.each([
    ['an answer', { statusCode: 201, headers: { 'X-A': 1 }, body: 'ok' }, 201, 'ok'],
    ['an encoded body', { statusCode: 200, body: 'w6k=', isBase64Encoded: true }, 200, 'é'],
    ['a plain value as JSON', { a: 1 }, 200, '{"a":1}'],
  ])('answers with %s', (_what, result, status, body) => {
    const answer = fromResult(JSON.stringify(result));
    expect([answer?.status, answer?.body.toString()]).toEqual([status, body]);
  });

  it('has no answer for a result in another form', () => {
    expect(fromResult('{"statusCode":"200"}')).toBeUndefined();
  });
});

describe('throttling', () => {
  it('lets a burst pass, then the refilled number', () => {
    let now = 0;
    const mayPass = tokenBucket({ ratePerSecond: 10, burst: 2 }, () => now);
    expect([mayPass(), mayPass(), mayPass()]).toEqual([true, true, false]);
    now = 100;
    expect([mayPass(), mayPass()]).toEqual([true, false]);
    now = 100_000;
    expect([mayPass(), mayPass(), mayPass()]).toEqual([true, true, false]);
  });
});
