import { beforeAll, describe, expect, it } from 'vitest';
import { SCOPES } from '../../domain/identity/credential.ts';
import { ROUTES_BY_ROLE } from '../../functions/read-api/all-routes.ts';
import { stack } from '../support/shared-stack.ts';

/** Every route with every kind of key. A new route fails here until it has a row. */
const routes = Object.values(ROUTES_BY_ROLE)
  .flat()
  .map(({ method, path }) => ({ method, path, name: `${method} ${path}` }));

/** `1`: 401 `unknown_key`; `3`: 403 `missing_scope`; `.`: admitted, whatever the answer. */
const COLUMNS = [
  ...['none', 'unknown', 'revoked', 'self', 'other', 'collective', 'service', 'admin'],
  ...SCOPES.map((scope) => `admin without ${scope}`),
  'self without profile:write',
];
const ROWS: Record<string, readonly string[]> = {
  '.................': [
    ...['GET /api/v1/extensions/{name+}/latest', 'GET /v1/stats', 'GET /v1/scores/{username}'],
    ...['explain', 'history', 'grants', 'audit'].map((view) => `GET /v1/scores/{username}/${view}`),
    ...['GET /v1/users', 'GET /v1/leaderboards/{board}', 'GET /v1/leaderboards/{board}/users/{username}'],
    ...['GET /community-metrics', 'GET /community-metrics/series', 'GET /community-metrics/by-hour'],
    'GET /community-metrics/extensions',
    ...['POST /hooks/github/{source}', 'POST /hooks/discourse/{source}'], // by a signature
    ...['GET /health', 'GET /v1/rules', 'GET /openapi.json'],
    ...['GET /', 'GET /people/{username}', 'GET /community', 'GET /rules', 'GET /assets/{asset}'],
    ...['GET /badges/{username}.svg', 'GET /badges/{username}.json', 'GET /cards/{username}.svg'],
  ],
  '.11..............': ['POST /ingest'],
  '111..............': ['GET /api/whoami'],
  '111...3...3......': [
    'POST /api/v1/extensions/confirm',
    'POST /api/v1/extensions/{name+}/transfer',
    'POST /api/v1/extensions/{name+}/accept',
  ],
  '111...3....3.....': ['POST /api/v1/extensions/{target+}/yank', 'POST /api/v1/extensions/{target+}/unyank'],
  '111333.......3..3': [
    'POST /v1/awards',
    'POST /v1/badges',
    'POST /v1/grants/{grantId+}/reverse',
    'POST /v1/grants/reverse',
  ],
  '1113333.......3.3': ['POST /v1/import'],
  '111.333........33': [
    ...['PUT /v1/users/{username}/visibility', 'POST /v1/users/{username}/rename', 'DELETE /v1/users/{username}'],
  ],
  '111.333........3.': ['GET /v1/users/{username}/export'],
  '1113333........33': [
    ...['POST /v1/users/{username}/merge', 'POST /v1/users/{username}/unmerge'],
    ...['POST /v1/keys', 'GET /v1/keys', 'DELETE /v1/keys/{id}', 'PUT /v1/collectives/{slug}'],
    ...['github', 'discourse'].flatMap((place) =>
      ['PUT', 'DELETE'].map((method) => `${method} /v1/users/{username}/logins/${place}`),
    ),
    ...['POST /v1/devices/{distinctId+}/unbind', 'POST /v1/devices/unbind'],
  ],
};
const BODIES = [
  ['visibility', { leaderboards: 'hidden' }],
  ['rename', { to: 'ada' }],
  ['DELETE /v1/users/{username}', { confirm: 'somebody-else' }],
] as const;
const rowOf = (name: string) => Object.entries(ROWS).find(([, names]) => names.includes(name))?.[0];

/** Of a refusal in JSON; a page refuses nothing by a key. */
const codeOf = (type: string | null, text: string) => (type === 'application/json' ? JSON.parse(text) : {});

const keys = new Map<string, string | undefined>();
beforeAll(async () => {
  const manage = (method: string, path: string, body?: object) =>
    fetch(`${stack.baseUrl}${path}`, {
      method,
      headers: { 'x-api-key': stack.adminKey, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const create = async (request: object) => (await manage('POST', '/v1/keys', request)).json();
  const without = (removed: string) => SCOPES.filter((scope) => scope !== removed);
  const requests: Record<string, object> = {
    self: { kind: 'personal', username: 'ada' },
    other: { kind: 'personal', username: 'bob' },
    collective: { kind: 'collective', slug: 'guild', members: ['ada'] },
    service: { kind: 'service' },
    admin: { kind: 'admin' },
    ...Object.fromEntries(SCOPES.map((each) => [`admin without ${each}`, { kind: 'admin', scopes: without(each) }])),
    'self without profile:write': {
      kind: 'personal',
      username: 'ada',
      scopes: ['telemetry:write', 'extensions:push', 'extensions:yank'],
    },
  };
  keys.set('none', undefined).set('unknown', `lrl_${'x'.repeat(43)}`);
  for (const [name, request] of Object.entries(requests)) keys.set(name, (await create(request)).key);
  const revoked = await create({ kind: 'admin' });
  await manage('DELETE', `/v1/keys/${revoked.id}`);
  keys.set('revoked', revoked.key);
});

describe('routes and keys', () => {
  it.each(routes)('$name', async ({ method, path, name }) => {
    const url = `${stack.baseUrl}${path.replaceAll(/\{\w+\+?\}/gu, 'ada')}`;
    const body = BODIES.find(([end]) => name.endsWith(end))?.[1] ?? (method.startsWith('P') ? {} : undefined);
    const marks: string[] = [];
    for (const column of COLUMNS) {
      const key = keys.get(column);
      const response = await fetch(url, {
        method,
        headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { 'x-api-key': key }) },
        // A body that passes validation. Nothing that it names exists.
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const { code } = codeOf(response.headers.get('content-type'), await response.text());
      if (code === 'unknown_key') expect(response.status).toBe(401);
      if (code === 'missing_scope') expect(response.status).toBe(403);
      marks.push(code === 'unknown_key' ? '1' : code === 'missing_scope' ? '3' : '.');
    }

    expect(marks.join('')).toBe(rowOf(name));
  });
});
