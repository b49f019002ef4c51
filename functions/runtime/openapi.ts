import * as z from 'zod/mini';
import { Problem, STATUS_OF_CODE, type ProblemCode } from './problems.ts';
import { isBodyOptional, isWithoutKey, type Route } from './route.ts';

type Json = Readonly<Record<string, unknown>>;
type DescribedRoute = Omit<Route<never>, 'answer'>;

const schemaOf = (schema: z.core.$ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
};
const jsonContent = (schema: Json): Json => ({ 'application/json': { schema } });

/** The fields of one part of a request schema, or none. */
function fieldsOf(route: DescribedRoute, part: 'params' | 'query'): readonly [string, Json, boolean][] {
  const schema = route.request.shape[part];
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'output' });
  return Object.entries(properties).flatMap(([name, property]) => {
    if (typeof property !== 'object') return [];
    return [[name, { ...property }, required.includes(name) && !('default' in property)]];
  });
}

/** The codes that a route can refuse with: its own, and the codes of its access and its request. */
function problemsOf(route: DescribedRoute): readonly ProblemCode[] {
  const { access, request, problems = [] } = route;
  const takes = (part: string) => part in request.shape;
  return [
    ...problems,
    ...(isWithoutKey(access) ? [] : (['unknown_key'] as const)),
    ...(access === 'signature' ? (['bad_signature'] as const) : []),
    ...(typeof access === 'object' ? (['missing_scope'] as const) : []),
    ...(takes('query') ? (['invalid_query'] as const) : []),
    ...(takes('body') ? (['invalid_json', 'too_large', 'unsupported_encoding'] as const) : []),
    ...(takes('body') && route.documentedBody === undefined ? (['invalid_body'] as const) : []),
    'internal',
  ];
}

function responsesOf(route: DescribedRoute): Json {
  const responses = new Map<string, Json>();
  const codes = Map.groupBy(new Set(problemsOf(route)), (code) => String(STATUS_OF_CODE[code]));
  for (const [status, group] of codes) {
    responses.set(status, {
      description: `Refused: ${group.join(', ')}`,
      content: jsonContent({ $ref: '#/components/schemas/Problem' }),
    });
  }
  for (const [status, { description, schema, types = [] }] of Object.entries(route.answers)) {
    const answer = schema === undefined ? undefined : schemaOf(schema, 'output');
    const refusal = responses.get(status);
    const either = refusal === undefined ? answer : { anyOf: [answer, { $ref: '#/components/schemas/Problem' }] };
    const text = refusal === undefined ? description : `${description}. ${String(refusal.description)}`;
    const content = {
      ...(either === undefined ? {} : jsonContent(either)),
      ...Object.fromEntries(types.map((type) => [type, { schema: { type: 'string' } }])),
    };
    responses.set(status, { description: text, ...(Object.keys(content).length === 0 ? {} : { content }) });
  }
  if (route.hasEtag === true) responses.set('304', { description: 'What `if-none-match` names is still the answer' });
  responses.set('429', { description: 'The gateway is asked too much at once: `{"message"}`' });
  return Object.fromEntries([...responses].sort());
}

/** `getScoresByUsernameHistory`, from the method and the path; `getRulesPage` for a page. */
function operationIdOf({ method, path, answers }: DescribedRoute): string {
  const words = path
    .replaceAll(/^\/api|\/v1(?=\/)/gu, '')
    .replaceAll(/\{(\w+)\+?\}/gu, 'by/$1')
    .split(/[^A-Za-z0-9]+/u);
  const capitals = words.map((word) => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`);
  const isPage = answers[200]?.types?.includes('text/html') === true;
  return `${method.toLowerCase()}${capitals.join('')}${isPage ? 'Page' : ''}`;
}

function operationOf(route: DescribedRoute): Json {
  const parameters = [
    ...fieldsOf(route, 'params').map(([name, schema]) => ({ name, in: 'path', required: true, schema })),
    ...fieldsOf(route, 'query').map(([name, schema, required]) => ({ name, in: 'query', required, schema })),
  ];
  const body = route.documentedBody ?? route.request.shape.body;
  const isKeyOptional = route.access === 'anonymous-or-key';
  return {
    operationId: operationIdOf(route),
    summary: route.summary,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body === undefined
      ? {}
      : { requestBody: { required: !isBodyOptional(route), content: jsonContent(schemaOf(body, 'input')) } }),
    security: isWithoutKey(route.access) ? [] : [{ key: [] }, ...(isKeyOptional ? [{}] : [])],
    responses: responsesOf(route),
  };
}

/**
 * The OpenAPI 3.1 document of these routes, from the very schemas that check their requests and describe their answers.
 */
export function openApiOf(
  routes: readonly DescribedRoute[],
  info: { readonly title: string; readonly version: string },
  basePath = '/',
): Json {
  const paths = new Map<string, Record<string, Json>>();
  for (const route of routes) {
    const path = route.path.replaceAll('+}', '}'); // OpenAPI has no word for a parameter of several segments
    paths.set(path, { ...paths.get(path), [route.method.toLowerCase()]: operationOf(route) });
  }
  return {
    openapi: '3.1.0',
    info: { ...info, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: basePath }],
    paths: Object.fromEntries(paths),
    components: {
      schemas: { Problem: schemaOf(Problem, 'output') },
      securitySchemes: { key: { type: 'apiKey', in: 'header', name: 'x-api-key' } },
    },
  };
}
