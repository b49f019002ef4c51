import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { ROUTES_BY_ROLE } from '../../functions/read-api/all-routes.ts';
import { stack } from '../support/shared-stack.ts';

/** docs/api.md is generated from the routes (UPDATE_DOCS=1), with examples that run here in the same order. */
const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'api.md');

type Key = 'none' | 'signed' | 'admin' | 'service' | 'ada' | 'grace';
type Example = { readonly as: Key; readonly path: string; readonly body?: object; readonly status: number };

const now = new Date().toISOString();
const example = (as: Key, path: string, status: number, body?: object): Example => ({
  as,
  path,
  status,
  ...(body === undefined ? {} : { body }),
});
const event = {
  event: 'cli_invocation',
  distinct_id: 'laptop',
  insert_id: 'one',
  timestamp: now,
  properties: { invocation: { command: 'model' } },
};
const net = '/api/v1/extensions/@ada/net';
const EXAMPLES: Readonly<Record<string, Example>> = {
  'POST /v1/keys': example('admin', '/v1/keys', 201, { kind: 'personal', username: 'lin', label: "Lin's laptop" }),
  'GET /v1/keys': example('admin', '/v1/keys?limit=10', 200),
  'POST /v1/users/{username}/rename': example('admin', '/v1/users/lin/rename', 200, { to: 'lin-chen' }),
  'POST /v1/users/{username}/merge': example('admin', '/v1/users/lin-chen/merge', 200, { into: 'grace' }),
  'POST /v1/users/{username}/unmerge': example('admin', '/v1/users/lin-chen/unmerge', 200),
  'GET /api/whoami': example('ada', '/api/whoami', 200),
  'PUT /v1/collectives/{slug}': example('admin', '/v1/collectives/acme', 200, { members: ['ada', 'grace'] }),
  'POST /ingest': example('ada', '/ingest', 202, { events: [event] }),
  'POST /v1/import': example('admin', '/v1/import', 202, {
    events: [
      {
        event: 'daily_sign_in',
        distinct_id: 'import',
        timestamp: '2025-08-21T12:00:00Z',
        properties: { username: 'ada' },
      },
    ],
  }),
  'GET /v1/stats': example('none', '/v1/stats?username=ada', 200),
  'GET /v1/users': example('none', '/v1/users?prefix=ad', 200),
  'GET /v1/scores/{username}': example('none', '/v1/scores/ada', 200),
  'GET /v1/scores/{username}/explain': example('none', '/v1/scores/ada/explain', 200),
  'GET /v1/scores/{username}/history': example('none', '/v1/scores/ada/history?from=2026-08-01&to=2026-08-21', 200),
  'POST /v1/awards': example('service', '/v1/awards', 201, {
    awardId: 'talk-1',
    username: 'ada',
    points: 500,
    reason: 'Gave a talk',
  }),
  'POST /v1/badges': example('service', '/v1/badges', 201, { badgeId: 'speaker', username: 'ada', points: 0 }),
  'POST /v1/grants/{grantId+}/reverse': example('service', '/v1/grants/award:talk-1/reverse', 201, {
    reason: 'Given to the wrong person',
  }),
  'POST /v1/grants/reverse': example('service', '/v1/grants/reverse', 201, {
    grantId: 'badge:speaker:ada',
    reason: 'Given to the wrong person',
  }),
  'GET /v1/scores/{username}/grants': example('none', '/v1/scores/ada/grants?limit=10', 200),
  'GET /v1/scores/{username}/audit': example('none', '/v1/scores/ada/audit', 200),
  'POST /api/v1/extensions/confirm': example('ada', '/api/v1/extensions/confirm', 201, {
    name: '@ada/net',
    version: '2026.08.21.1',
  }),
  'GET /api/v1/extensions/{name+}/latest': example('none', `${net}/latest`, 200),
  'POST /api/v1/extensions/{target+}/yank': example('ada', `${net}@2026.08.21.1/yank`, 200, { reason: 'broken' }),
  'POST /api/v1/extensions/{target+}/unyank': example('ada', `${net}@2026.08.21.1/unyank`, 200, {}),
  'POST /api/v1/extensions/{name+}/transfer': example('ada', `${net}/transfer`, 202, { to: 'grace' }),
  'POST /api/v1/extensions/{name+}/accept': example('grace', `${net}/accept`, 200, {}),
  'POST /v1/devices/unbind': example('admin', '/v1/devices/unbind', 200, { distinct_id: 'laptop' }),
  'POST /v1/devices/{distinctId+}/unbind': example('admin', '/v1/devices/laptop/unbind', 200),
  'GET /v1/users/{username}/export': example('ada', '/v1/users/ada/export', 200),
  'PUT /v1/users/{username}/visibility': example('ada', '/v1/users/ada/visibility', 200, { leaderboards: 'hidden' }),
  ...Object.fromEntries(
    ['github', 'discourse'].flatMap((place) => {
      const path = `/v1/users/ada/logins/${place}`;
      return [
        [`PUT /v1/users/{username}/logins/${place}`, example('admin', path, 200, { id: 583231, login: 'ada' })],
        [`DELETE /v1/users/{username}/logins/${place}`, example('admin', path, 204)],
        [
          `POST /hooks/${place}/{source}`,
          example('signed', `/hooks/${place}/acme`, 401, { zen: 'Design for failure.' }),
        ],
      ];
    }),
  ),
  'GET /v1/leaderboards/{board}': example('none', '/v1/leaderboards/week?limit=10', 200),
  'GET /v1/leaderboards/{board}/users/{username}': example('none', '/v1/leaderboards/alltime/users/grace', 404),
  'GET /community-metrics': example('none', '/community-metrics?interval=DAY', 200),
  'GET /community-metrics/series': example(
    'none',
    '/community-metrics/series?since=1787000000000&to=1787600000000',
    200,
  ),
  'GET /community-metrics/by-hour': example(
    'none',
    '/community-metrics/by-hour?since=1787500000000&to=1787600000000',
    200,
  ),
  'GET /community-metrics/extensions': example('none', '/community-metrics/extensions?sort=pulls', 200),
  'GET /health': example('none', '/health', 200),
  'GET /v1/rules': example('none', '/v1/rules', 200),
  'GET /openapi.json': example('none', '/openapi.json', 200),
  'GET /': example('none', '/?board=week', 200),
  'GET /people/{username}': example('none', '/people/ada', 200),
  'GET /community': example('none', '/community?days=90', 200),
  'GET /rules': example('none', '/rules', 200),
  'GET /badges/{username}.svg': example('none', '/badges/ada.svg?show=tier', 200),
  'GET /badges/{username}.json': example('none', '/badges/ada.json', 200),
  'GET /cards/{username}.svg': example('none', '/cards/ada.svg?theme=dark', 200),
  'GET /assets/{asset}': example('none', '/assets/nothing.js', 404),
  'DELETE /v1/keys/{id}': example('admin', '/v1/keys/{id}', 204),
  'DELETE /v1/users/{username}': example('admin', '/v1/users/lin-chen', 202, { confirm: 'lin-chen' }),
};

const routes = new Map<string, (typeof ROUTES_BY_ROLE)[keyof typeof ROUTES_BY_ROLE][number]>(
  Object.values(ROUTES_BY_ROLE)
    .flat()
    .map((each) => [`${each.method} ${each.path}`, each]),
);

async function document(): Promise<any> {
  const route = ROUTES_BY_ROLE['read-api'].find(({ path }) => path === '/openapi.json')!;
  const { body } = await route.answer(
    { params: {}, query: {} },
    { credential: undefined, requestId: '', headers: {} },
    {} as never,
  );
  return body;
}

const accessText = (access: unknown): string => {
  if (access === 'anyone') return 'Public.';
  if (access === 'signature') return 'A signature of the body, by the secret of the source.';
  if (access === 'anonymous-or-key') return 'Without a key, or with one.';
  if (access === 'key') return 'Any key.';
  return `A key with the scope \`${(access as { scope: string }).scope}\`.`;
};

/** The type of a schema in a few words. */
function typeText(schema: any): string {
  if (schema === undefined || Object.keys(schema).length === 0) return 'anything';
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeText))].join(' or ');
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum) return schema.enum.map((value: unknown) => `\`${String(value)}\``).join(', ');
  if (schema.type === 'array') return `list of ${typeText(schema.items)}`;
  if (Array.isArray(schema.type)) return schema.type.join(' or ');
  const bounds = [
    schema.maxLength === undefined ? [] : [`at most ${schema.maxLength} characters`],
    schema.minimum > -1e15 ? [`from ${schema.minimum}`] : [],
    schema.maximum < 1e15 ? [`to ${schema.maximum}`] : [],
  ].flat();
  return [schema.format ?? schema.type ?? 'anything', ...bounds].join(', ');
}

const fieldsOf = (schema: any): readonly string[] =>
  Object.entries<any>(schema?.properties ?? {}).map(
    ([name, of]) => `| \`${name}\` | ${typeText(of)}${schema.required?.includes(name) ? '' : ', optional'} |`,
  );

/** [Hooks](hooks.md) shows who sends it. */
const SIGNATURE = '-H "x-hub-signature-256: $signature"';

function curlOf(method: string, { as, path, body }: Example): string {
  const time = now.slice(0, 10);
  const data = body === undefined ? [] : [`-H 'content-type: application/json'`, `-d '${textOf(body)}'`];
  const parts = [
    `curl -X ${method} "$url${path}"`,
    ...(as === 'none' ? [] : [as === 'signed' ? SIGNATURE : `-H "x-api-key: $${as}"`]),
    ...data,
  ];
  return parts.join(' \\\n  ').replaceAll(now, `${time.slice(0, 4)}-08-21T09:30:00Z`);
}
const textOf = (body: object) => JSON.stringify(body).replaceAll("'", String.raw`'\''`);

async function pageText(): Promise<string> {
  const { paths } = await document();
  const sections = [...Object.entries(EXAMPLES)].flatMap(([name, sample]) => {
    const route = routes.get(name);
    if (route === undefined) return [];
    const [method = '', path = ''] = name.split(' ');
    const operation = paths[path.replaceAll('+}', '}')][method.toLowerCase()];
    const parameters = (operation.parameters ?? []).map(
      ({ name: field, in: place, required, schema }: any) =>
        `| \`${field}\` (${place}) | ${typeText(schema)}${required ? '' : ', optional'} |`,
    );
    const body = operation.requestBody?.content['application/json'].schema;
    const fields = [...parameters, ...(body?.anyOf ?? [body]).flatMap(fieldsOf)];
    const answers = Object.entries<any>(operation.responses).map(([status, { description, content }]) => {
      const schema = content?.['application/json']?.schema;
      const named = Object.keys(schema?.properties ?? {}).map((field) => `\`${field}\``);
      return `- **${status}** ${description}.${named.length === 0 ? '' : ` Fields: ${named.join(', ')}.`}`;
    });
    return [
      `## ${name.replaceAll('+}', '}')}`,
      `${operation.summary}. ${accessText(route.access)}`,
      ...(fields.length === 0 ? [] : [['| field | value |', '| --- | --- |', ...new Set(fields)].join('\n')]),
      answers.join('\n'),
      `\`\`\`sh\n${curlOf(method, sample)} # ${sample.status}\n\`\`\``,
    ];
  });
  const intro = [
    '# API',
    'This page is generated from the schemas that check each request; `GET /openapi.json` has the same as OpenAPI 3.1. The' +
      ' [tour](tour.md) shows the routes at work. In the examples, `$url` is the address of the stack, and `$admin`,' +
      ' `$service`, `$ada` and `$grace` are keys.',
    'Times are ISO 8601 in UTC. Errors are `{"error": "<one sentence>", "code": "<snake_case>", "details"?: […]}`. A 5xx' +
      ' means: send the request again; nothing counts twice. Bodies are JSON in UTF-8, optionally with' +
      ' `content-encoding: gzip`; compressed bodies should be sent as `content-type: application/octet-stream`.',
  ];
  return `${[...intro, ...sections].join('\n\n')}\n`;
}

const keys = new Map<Key, string>();
beforeAll(async () => {
  keys.set('admin', stack.adminKey);
  const requests: [Key, object][] = [
    ['service', { kind: 'service' }],
    ['ada', { kind: 'personal', username: 'ada' }],
    ['grace', { kind: 'personal', username: 'grace' }],
  ];
  for (const [name, body] of requests) {
    const { key } = (await (await send('POST', example('admin', '/v1/keys', 201, body))).json()) as { key: string };
    keys.set(name, key);
  }
});

const send = (method: string, { as, path, body }: Example) =>
  fetch(`${stack.baseUrl}${path}`, {
    method,
    headers: {
      ...(keys.has(as) ? { 'x-api-key': keys.get(as)! } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

it('docs/api.md matches the routes', async () => {
  expect(Object.keys(EXAMPLES).sort()).toEqual([...routes.keys()].sort());
  const text = await pageText();
  if (process.env.UPDATE_DOCS === '1') writeFileSync(PAGE, text);
  expect(readFileSync(PAGE, 'utf8')).toBe(text);
});

it('each example gives the documented answer', async () => {
  let lastId = '';
  for (const [name, sample] of Object.entries(EXAMPLES)) {
    const [method = ''] = name.split(' ');
    const asked = { ...sample, path: sample.path.replace('{id}', lastId) };
    const isRead = method === 'GET' && sample.status === 200;
    let response = await send(method, asked);
    for (let tries = 0; isRead && response.status !== sample.status && tries < 400; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      response = await send(method, asked);
    }
    const body = await response.text();
    expect(response.status, `${name}: ${body}`).toBe(sample.status);
    if (name === 'POST /v1/keys') lastId = (JSON.parse(body) as { id: string }).id;
  }
});
