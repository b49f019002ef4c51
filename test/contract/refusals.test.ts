import { globSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { SCOPES, type Credential } from '../../domain/identity/credential.ts';
import type { Route } from '../../functions/runtime/route.ts';
import { aUsername, namesAsIds, sha256 } from '../builders/identity.ts';
import { anHttpRequest } from '../builders/http-request.ts';

vi.hoisted(() => {
  process.env.AWS_LAMBDA_LOG_LEVEL = 'SILENT';
});
const { httpFunction } = await import('../../functions/runtime/http-function.ts');

/** Sends invalid values for every field of every route, generated from the routes' schemas. */
const folder = join(import.meta.dirname, '..', '..', 'functions');
const modules = await Promise.all(globSync('*/routes.ts', { cwd: folder }).map((file) => import(join(folder, file))));
const routes: readonly Route<any>[] = modules.flatMap(({ routes: own }) => own);

/** A valid value of each field, by its name in any route. */
const EXAMPLES: Readonly<Record<string, unknown>> = {
  awardId: 'one',
  asset: 'page.css',
  at: '2026-08-21T12:00:00Z',
  badgeId: 'one',
  bar: true,
  board: 'week',
  channel: 'beta',
  complete: 'true',
  compare: 'week',
  contentHash: 'sha256:1',
  cursor: '1',
  days: '30',
  distinctId: 'device',
  distinct_id: 'device',
  event: 'cli_invocation',
  format: 'csv',
  from: '2026-08-01',
  grantId: 'award:one',
  grantedBy: 'brin',
  id: '0'.repeat(32),
  insert_id: '1',
  interval: 'DAY',
  kind: 'personal',
  label: 'laptop',
  leaderboards: 'hidden',
  limit: '5',
  events: [{ event: 'cli_invocation', distinct_id: 'laptop', timestamp: '2026-08-21T12:00:00Z' }],
  dryRun: true,
  confirm: 'ada',
  into: 'brin',
  prefix: 'ad',
  source: 'acme',
  login: 'ada',
  members: ['ada'],
  name: '@acme/net',
  open: 'telemetry:activity',
  page: '1',
  page_size: '5',
  points: 5,
  q: 'ad',
  properties: { startedAt: '2026-08-21T12:00:00Z' },
  reason: 'because',
  scopes: ['telemetry:write'],
  show: 'rank',
  since: '1787184000000',
  slug: 'weavers',
  sort: 'pulls',
  sort_direction: 'asc',
  target: '@acme/net@2026.11.03.1',
  theme: 'dark',
  timestamp: '2026-08-21T12:00:00Z',
  to: 'brin',
  username: 'ada',
  version: '2026.11.03.1',
  you: 'ada',
};
/** Values for fields whose name has another meaning. */
const OF_QUERY: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '/v1/scores/{username}/history': { to: '2026-08-21' },
  '/v1/scores/{username}/audit': { from: '1' },
  '/community-metrics/series': { to: '1787270400000' },
  '/community-metrics/by-hour': { to: '1787270400000', metric: 'CLI_INVOCATION' },
};

/** The same of bodies: the id of a login is a number. */
const LOGIN = { id: 4_711 };
const OF_BODY: Readonly<Record<string, object>> = {
  '/v1/users/{username}/logins/github': LOGIN,
  '/v1/users/{username}/logins/discourse': LOGIN,
};

const NOW = Date.parse('2026-08-21T12:30:00Z');
const credential: Credential = {
  id: '0'.repeat(32),
  hash: '',
  prefix: '',
  scopes: [...SCOPES],
  createdAt: '2026-08-01T00:00:00.000Z',
  kind: 'personal',
  account: aUsername(),
};

/** Records every call of a dependency: a refused request must call none. */
const called: string[] = [];
const untouchable = (name: string): any =>
  new Proxy(() => {}, {
    get: (_, member) => untouchable(`${name}.${String(member)}`),
    apply() {
      called.push(name);
      throw new Error(`${name} was called`);
    },
  });
const deps = new Proxy<any>(
  {
    authenticate: async () => ({ credential, isAccountThere: Promise.resolve(true) }),
    clock: () => NOW,
    sha256,
    names: namesAsIds,
  },
  { get: (given, member) => given[member] ?? untouchable(String(member)) },
);
const answer = httpFunction<any>({ routes, wire: () => deps });

type Sent = { readonly params: object; readonly query: string; readonly body?: unknown };
async function send(route: Route<any>, { params, query, body }: Sent) {
  called.length = 0;
  const path = Object.entries(params).reduce(
    (path, [name, value]) => path.replace(new RegExp(`\\{${name}\\+?\\}`), encodeURIComponent(value)),
    route.path,
  );
  const { statusCode, body: text } = await answer(anHttpRequest({ method: route.method, path, query, key: 'k', body }));
  return { status: statusCode, text, body: text.startsWith('{') ? JSON.parse(text) : {} }; // a fault is shown as a page or an image
}

const LIBRARY = new RegExp(
  [
    'invalid (input|option|iso|string|disc|number|date|enum|type|key|element|union|utc)',
    'received|undefined|\\bnan\\b|too (small|big)|unrecognized|discriminator|must (be|match)',
    'expected (string|number|int|array|object|record|boolean|nonoptional)\\b',
  ].join('|'),
  'i',
);

/** Expects a hand-written refusal that names the field, and no calls. */
function expectRefusal({ status, body, text }: Awaited<ReturnType<typeof send>>, wanted: number[], field?: string) {
  const said: string = body.results?.[0]?.error ?? body.error;
  expect(wanted, text).toContain(status);
  expect(said).not.toMatch(LIBRARY);
  if (field !== undefined) expect(said.slice(0, 200)).toContain(field);
  expect(called).toEqual([]);
}

const LONG = 'x'.repeat(100_000);
const WRONG = [7, -1, 0.5, 1e9, true, [], [7], {}, { a: 1 }, '', '   ', 'a\u0000', '\u202ea', '\ud800', LONG];
const WRONG_TEXTS = ['', ' 5', '5 ', '1e2', '0x10', '+5', '-1', '5.0', '9'.repeat(30), 'a\u0000', '2026-02-30', LONG];

const shapeOf = (schema: unknown): Record<string, z.core.$ZodType> => {
  if (schema instanceof z.ZodMiniObject) return schema.shape;
  // Of a union, the options with fields of their own: a collective's key, a single event.
  if (schema instanceof z.ZodMiniUnion) return shapeOf(schema.def.options[0]);
  return {};
};
const isOptional = (schema: z.core.$ZodType) => schema._zod.optin !== undefined;
const accepts = (schema: z.core.$ZodType, value: unknown) => z.safeParse(schema, value).success;
const exampleOf = (name: string): unknown => {
  if (!Object.hasOwn(EXAMPLES, name)) throw new Error(`the field ${name} needs an example here`);
  return EXAMPLES[name];
};
const examplesOf = (shape: object) => Object.fromEntries(Object.keys(shape).map((name) => [name, exampleOf(name)]));
const without = (value: object, name: string) =>
  Object.fromEntries(Object.entries(value).filter(([key]) => key !== name));

/** All bodies that a route accepts: for a union, each of its objects with an example. */
function bodiesOf(route: Route<any>): { readonly shape: Record<string, z.core.$ZodType>; readonly example: object }[] {
  const schema = route.documentedBody ?? route.request.shape.body;
  if (route.path !== '/v1/keys' || !(schema instanceof z.ZodMiniUnion)) {
    const shape = shapeOf(schema);
    const example = { ...examplesOf(shape), ...OF_BODY[route.path] };
    return Object.keys(shape).length === 0 ? [] : [{ shape, example }];
  }
  return schema.def.options.map((option) => {
    const shape = shapeOf(option);
    const kind = shape.kind instanceof z.ZodMiniLiteral ? shape.kind.def.values[0] : undefined;
    return { shape, example: { ...examplesOf(shape), kind } };
  });
}

const partsOf = (route: Route<any>) => {
  const params = examplesOf(shapeOf(route.request.shape.params));
  const queryShape = shapeOf(route.request.shape.query);
  const query = Object.fromEntries(
    Object.keys(queryShape)
      .filter((name) => !(name === 'cursor' && (queryShape.limit !== undefined || route.path.endsWith('/export'))))
      .map((name) => [name, String(OF_QUERY[route.path]?.[name] ?? exampleOf(name))]),
  );
  return { params, query, queryShape };
};
const textOf = (query: object) => new URLSearchParams(query as Record<string, string>).toString();

const names = (some: readonly Route<any>[]) => some.map((route) => ({ route, name: `${route.method} ${route.path}` }));
const taking = (part: string) => routes.filter((route) => Object.keys(shapeOf(route.request.shape[part])).length > 0);

describe.each(names(routes.filter((route) => bodiesOf(route).length > 0)))('the body of $name', ({ route }) => {
  const { params, query } = partsOf(route);
  const withBody = (body: unknown) => send(route, { params, query: textOf(query), body });
  const isOfEvents = route.path === '/ingest' || route.path === '/v1/import';
  const refused = route.path === '/ingest' ? [400] : isOfEvents ? [400, 422] : [422];

  it('is refused if a field is missing, null or wrong, unless it is optional', async () => {
    for (const { shape, example } of bodiesOf(route)) {
      for (const [name, schema] of Object.entries(shape)) {
        for (const body of [without(example, name), { ...example, [name]: null }]) {
          const sent = await withBody(body);
          if (isOptional(schema)) expect([400, 422], `${name}: ${sent.text}`).not.toContain(sent.status);
          else {
            expectRefusal(sent, refused, name);
            expect(sent.text).toContain('missing');
          }
        }
        const wrong = WRONG.filter((value) => !accepts(schema, value));
        expect(wrong.length, name).toBeGreaterThan(5);
        for (const value of wrong) {
          expectRefusal(await withBody({ ...example, [name]: value }), refused, name === 'events' ? 'event' : name);
        }
      }
    }
  });

  it('may contain an unknown field, unless its route belongs to /v1', async () => {
    for (const { example } of bodiesOf(route)) {
      const sent = await withBody({ ...example, pionts: 1 });
      if (route.path.startsWith('/v1/') && !isOfEvents) {
        expectRefusal(sent, [422], 'pionts');
        expect(sent.body).toMatchObject({ code: 'invalid_body', details: [{ field: 'pionts' }] });
      } else expect([400, 422]).not.toContain(sent.status);
    }
  });

  it('is an object', async () => {
    for (const body of ['[]', '5', '"text"', 'null', 'true']) expectRefusal(await withBody(body), refused);
  });
});

describe.each(names(taking('query')))('the query of $name', ({ route }) => {
  const { params, query, queryShape } = partsOf(route);
  const withQuery = (text: string) => send(route, { params, query: text });

  it('is refused if a parameter is missing, wrong or repeated', async () => {
    expect([400, 422], textOf(query)).not.toContain((await withQuery(textOf(query))).status);
    for (const [name, schema] of Object.entries(queryShape)) {
      const rest = textOf(without(query, name));
      if (!isOptional(schema)) {
        const missing = await withQuery(rest);
        expectRefusal(missing, [400], name);
        expect(missing.text).toContain('missing');
      }
      const own = textOf({ [name]: query[name] ?? '1' });
      if (route.takesRepeated !== true) expectRefusal(await withQuery(`${rest}&${own}&${own}`), [400], name);
      for (const value of WRONG_TEXTS.filter((text) => !accepts(schema, text))) {
        const sent = await withQuery(`${rest}&${textOf({ [name]: value })}`);
        expectRefusal(sent, [400], name);
        expect(sent.body).toMatchObject({ code: 'invalid_query', details: [{ field: name }] });
      }
    }
  });
});

it.each([
  'to=0000-01-01',
  'from=9999-12-31',
  'from=%2B010000-01-01',
  'to=1999-12-31',
  'from=2101-01-01',
  'to=-271821-04-20',
])('a history with %s is refused at once', async (query) => {
  const history = routes.find(({ path }) => path.endsWith('/history'))!;

  expectRefusal(await send(history, { params: { username: 'nobody' }, query }), [400], query.split('=')[0]);
});

describe.each(names(taking('params')))('the path of $name', ({ route }) => {
  const { params, query } = partsOf(route);

  it('is refused with a hand-written message if no resource can have that name', async () => {
    const body = bodiesOf(route)[0]?.example;
    for (const [name, schema] of Object.entries(shapeOf(route.request.shape.params))) {
      for (const value of [' ', 'a\u0000', '\u202ea', '__proto__ ', LONG].filter((text) => !accepts(schema, text))) {
        expectRefusal(
          await send(route, { params: { ...params, [name]: value }, query: textOf(query), body }),
          [404, 422],
        );
      }
    }
  });
});

describe('the properties of an event', () => {
  const ingest = routes.find(({ path }) => path === '/ingest')!;
  const of = { extension_name: 'net', version: '2026.11.03.1', username: 'ada' };
  const award = { award_id: 'a', username: 'ada', points: 5, reason: 'because' };

  it.each<[event: string, needed: object, optional: object]>([
    ['extension_pulled', { extension_name: of.extension_name, version: of.version }, { username: 'ada' }],
    ['extension_published', of, {}],
    ['award', award, { granted_by: 'brin' }],
    ['badge_granted', { badge_id: 'b', username: 'ada', points: 0 }, { reason: 'because' }],
    ['feed_post_created', { post_id: 'p', username: 'ada' }, {}],
    ['issue_created', { issue_id: 'i', username: 'ada' }, {}],
    ['daily_sign_in', { username: 'ada' }, {}],
    ['cli_invocation', {}, { startedAt: '2026-08-21T12:00:00Z', username: 'ada' }],
  ])('%s are refused if one is missing, null or wrong, unless it is optional', async (event, needed, optional) => {
    const timestamp = event === 'cli_invocation' ? undefined : '2026-08-21T12:00:00Z';
    const withProperties = (properties: object) =>
      send(ingest, { params: {}, query: '', body: { event, distinct_id: 'd', timestamp, properties } });
    const all = { ...needed, ...optional };
    expect((await withProperties(all)).status).toBe(500); // it got as far as the storage
    for (const name of Object.keys(all)) {
      const isNeeded = name in needed || name === 'startedAt';
      for (const properties of [without(all, name), { ...all, [name]: null }]) {
        const sent = await withProperties(properties);
        expect(sent.status, sent.text).toBe(isNeeded ? 400 : 500);
        if (isNeeded) expectRefusal(sent, [400], name === 'startedAt' ? 'startedAt' : `properties.${name}: missing`);
      }
      const text = ['', '   ', 'a\u0000', '\u202ea', '\ud800', LONG.slice(0, 10_000)];
      for (const value of [true, [], {}, -1, 0.5, 1e9, ...text]) {
        expectRefusal(await withProperties({ ...all, [name]: value }), [400], `properties.${name}`);
      }
    }
  });
});
