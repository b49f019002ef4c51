import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { ROUTES_BY_ROLE } from '../../functions/read-api/all-routes.ts';
import { stack } from '../support/shared-stack.ts';

/** Rules for all routes. A new route is tested here as soon as it is listed. */
const routes = Object.entries(ROUTES_BY_ROLE).flatMap(([role, own]) =>
  own.map(({ method, path, access }) => ({ role, method, path, access, name: `${method} ${path}` })),
);
const gets = routes.filter(({ method }) => method === 'GET');
const isPublic = ({ access }: (typeof routes)[number]) => access === 'anyone';

type Answer = { readonly status: number; readonly headers: Record<string, any>; readonly body: string };

/** `fetch` would rewrite paths. */
function send(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
  const { hostname, port } = new URL(stack.baseUrl);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks).toString() }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** A path with a value for each parameter: `alltime` is a board, and the name of an unknown user. */
const pathOf = (path: string) => path.replaceAll(/\{\w+\+?\}/gu, 'alltime');
const QUERIES: Record<string, string> = {
  '/v1/stats': '?username=ada',
  '/community-metrics': '?interval=DAY',
  '/community-metrics/by-hour': `?since=${Date.now() - 1}&to=${Date.now()}`,
  '/community-metrics/series': `?since=${Date.now() - 1}&to=${Date.now()}`,
};
const urlOf = ({ path }: { readonly path: string }) => `${pathOf(path)}${QUERIES[path] ?? ''}`;
/** They answer in HTML, refusals too; of assets, none has the name that is asked for. */
const PAGES = ['/', '/people/{username}', '/community', '/rules', '/assets/{asset}'];
/** They answer everybody with an image. */
const IMAGES = ['/badges/{username}.svg', '/badges/{username}.json', '/cards/{username}.svg'];
const isPage = (path: string) => [...PAGES, ...IMAGES].includes(path);
const ORIGIN = { origin: 'https://example.org' };

describe('doubled slashes', () => {
  it.each(routes)('are single ones: $name', async ({ method, path }) => {
    const answers = [pathOf(path), pathOf(path).replaceAll('/', '//'), `/${pathOf(path)}/`].map(async (each) => {
      const { status, body } = await send(method, each);
      return { status, code: isPage(path) ? undefined : JSON.parse(body).code };
    });
    const [single, doubled, ended] = await Promise.all(answers);

    expect(single).not.toMatchObject({ code: 'not_found' });
    expect([doubled, ended]).toEqual([single, single]);
  });
});

describe('HEAD', () => {
  it.each(gets)('is GET without a body: $path', async (route) => {
    const key = isPublic(route) ? {} : { 'x-api-key': stack.adminKey };
    const [get, head] = [await send('GET', urlOf(route), key), await send('HEAD', urlOf(route), key)];
    const { date: _now, ...headers } = get.headers;

    expect(head).toMatchObject({ status: get.status, headers });
    expect(head.headers['content-length']).toBe(String(Buffer.byteLength(get.body)));
    expect(head.body).toBe('');
  });

  it('of an unchanged resource is 304', async () => {
    const { headers } = await send('HEAD', '/community-metrics?interval=DAY');

    const again = await send('HEAD', '/community-metrics?interval=DAY', { 'if-none-match': headers.etag });

    expect(again).toMatchObject({ status: 304, headers: { etag: headers.etag } });
  });
});

describe('OPTIONS', () => {
  it.each(routes)('lists the methods of $path', async ({ path }) => {
    const methods = routes.filter((other) => other.path === path).map(({ method }) => method);
    const all = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'];

    for (const each of [pathOf(path), `/${pathOf(path)}`]) {
      const { status, headers, body } = await send('OPTIONS', each);
      expect({ status, body, allow: headers.allow.split(', ').sort() }).toEqual({
        status: 204,
        body: '',
        allow: all.sort(),
      });
    }
  });

  it.each(gets.filter(isPublic))('lets any origin read $path with any header', async (route) => {
    for (const method of ['GET', 'HEAD']) {
      const asked = {
        'access-control-request-method': method,
        'access-control-request-headers': 'x-odd, content-type',
      };
      const { status, headers } = await send('OPTIONS', urlOf(route), { ...ORIGIN, ...asked });
      expect({ status, headers }).toMatchObject({
        status: 204,
        headers: {
          'access-control-allow-origin': '*',
          'access-control-allow-headers': '*',
          'access-control-allow-methods': expect.stringContaining(method),
        },
      });
    }
  });

  it('names the one header that a star does not cover', async () => {
    const asked = { 'access-control-request-method': 'GET', 'access-control-request-headers': 'Authorization' };

    expect((await send('OPTIONS', '/health', { ...ORIGIN, ...asked })).headers).toMatchObject({
      'access-control-allow-headers': '*, authorization',
    });
  });
});

describe('another origin', () => {
  it.each(routes.filter((route) => !isPublic(route)))('may not call $name', async ({ method, path }) => {
    const asked = { 'access-control-request-method': method, 'access-control-request-headers': 'x-api-key' };
    const key = { 'x-api-key': 'lrl_unknown' };
    const answers = [
      await send('OPTIONS', pathOf(path), { ...ORIGIN, ...asked }),
      await send(method, pathOf(path), { ...ORIGIN, ...key }),
    ];

    for (const { headers } of answers) {
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }
  });

  it.each([
    ['GET', '/v1/scores/nobody', 404],
    ['GET', '/v1/leaderboards/nothing', 404],
    ['GET', '/v1/leaderboards/alltime?limit=x', 400],
    ['POST', '/v1/scores/nobody', 405],
    ['GET', '/nothing', 404],
    ['POST', '//nothing', 404],
    ['GET', '//v1/scores/nobody', 404],
    ['GET', '/v1/rules', 200],
    ['GET', '/openapi.json', 200],
  ])('may read the answer of %s %s', async (method, path, status) => {
    expect(await send(method, path, ORIGIN)).toMatchObject({ status, headers: { 'access-control-allow-origin': '*' } });
  });
});

describe('an id that cannot exist', () => {
  const CODES: Record<string, string> = {
    distinctId: 'unknown_device',
    grantId: 'unknown_grant',
    id: 'unknown_id',
    name: 'unknown_extension',
    slug: 'invalid_name',
    target: 'unknown_extension',
    username: 'unknown_username',
    board: 'unknown_board',
    source: 'bad_signature',
  };
  const STATUSES: Record<string, number> = { invalid_name: 422, bad_signature: 401 };
  const withParams = routes
    .filter(({ path }) => !isPage(path))
    .flatMap((route) =>
      [...route.path.matchAll(/\{(\w+)\+?\}/gu)].map(([pattern, param]) => ({ ...route, pattern, param: param! })),
    );
  it.each(withParams)('is refused as $param of $name, at any length', async ({ method, path, pattern, param }) => {
    const body = JSON.stringify({ reason: 'r', to: 'ada', members: ['ada'], leaderboards: 'hidden' });
    for (const id of ['x'.repeat(2_043), '%00', '%20', '%E2%80%AE']) {
      const length = { 'content-type': 'application/json', 'content-length': `${body.length}` };
      const headers = { 'x-api-key': stack.adminKey, ...(method === 'GET' ? {} : length) };
      const answer = await send(
        method,
        pathOf(path.replace(pattern, id)),
        headers,
        method === 'GET' ? undefined : body,
      );
      const code = CODES[param];
      expect({ status: answer.status, code: JSON.parse(answer.body).code }).toEqual({
        status: STATUSES[code!] ?? 404,
        code,
      });
    }
  });
});

describe('every answer', () => {
  it.each([...routes, { method: 'GET', path: '/nothing', name: 'GET /nothing' }])(
    'is nosniff: $name',
    async (route) => {
      for (const method of [route.method, 'HEAD', 'OPTIONS', 'PATCH']) {
        expect((await send(method, pathOf(route.path))).headers['x-content-type-options']).toBe('nosniff');
      }
    },
  );
});
