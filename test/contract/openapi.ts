import { createConfig, lintFromString } from '@redocly/openapi-core';
import { Validator } from '@seriousme/openapi-schema-validator';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { canonicalJson } from '../../domain/telemetry/canonical-json.ts';
import { type AwsCall, awsCaller } from '../../local/aws-client.ts';
import { stack } from '../support/shared-stack.ts';

/** Random requests generated from the published document, valid and invalid ones. */
const Operation = z.object({
  parameters: z.array(z.object({ name: z.string(), in: z.enum(['path', 'query']), schema: z.unknown() })).default([]),
  requestBody: z.object({ content: z.object({ 'application/json': z.object({ schema: z.unknown() }) }) }).optional(),
  responses: z.record(z.string(), z.unknown()),
});
const Document = z.looseObject({ paths: z.record(z.string(), z.record(z.string(), Operation)) });
type Operation = z.infer<typeof Operation>;

let call: AwsCall;
let operations: { method: string; path: string; operation: Operation }[];
beforeAll(async () => {
  call = awsCaller(stack.dynamodbEndpoint, 'test'); // the SDK costs several times as much, and this reads all, hundreds of times
  const { paths } = Document.parse(await (await fetch(`${stack.baseUrl}/openapi.json`)).json());
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
});

/** Tables that change a minute after an earlier request, or by a schedule, and not because of a later request. */
const NOT_BY_REQUESTS: ReadonlySet<string> = new Set(['metric_rollup_hour', 'leaderboards', 'backfill_runs']);

const Page = z.object({
  Items: z.array(z.record(z.string(), z.unknown())),
  LastEvaluatedKey: z.looseObject({}).optional(),
});

/** All stored items, without the times at which keys were last used. */
async function everythingStored(): Promise<string> {
  const items: string[] = [];
  for (const [role, TableName] of Object.entries(stack.tables)) {
    if (NOT_BY_REQUESTS.has(role)) continue;
    let ExclusiveStartKey: object | undefined;
    do {
      const request = { TableName, ConsistentRead: true, ...(ExclusiveStartKey && { ExclusiveStartKey }) };
      const { Items, LastEvaluatedKey } = Page.parse(await call('DynamoDB_20120810.Scan', request));
      items.push(...Items.map(({ lastUsedAt: _, ...item }) => `${TableName} ${canonicalJson(item)}`));
      ExclusiveStartKey = LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
  }
  return items.sort().join('\n');
}

const strangeText = fc.oneof(
  fc.constantFrom('', 'ada', '__proto__', 'a/b', '../..', '%2F', '%', '\u0000', '💥', '-1', '0', '1e9', '2026-02-30'),
  fc.string({ unit: 'binary', maxLength: 200 }),
);

/** A rough value of a JSON schema: enough to pass the first checks. */
function valueOf(schema: unknown): fc.Arbitrary<unknown> {
  const known = z
    .looseObject({
      type: z.string().optional(),
      properties: z.record(z.string(), z.unknown()).optional(),
      required: z.array(z.string()).optional(),
      items: z.unknown().optional(),
      enum: z.array(z.unknown()).optional(),
      const: z.unknown().optional(),
      anyOf: z.array(z.unknown()).optional(),
      oneOf: z.array(z.unknown()).optional(),
      allOf: z.array(z.unknown()).optional(),
      pattern: z.string().optional(),
      format: z.string().optional(),
    })
    .parse(schema ?? {});
  const choices = known.anyOf ?? known.oneOf ?? known.allOf;
  if (known.const !== undefined) return fc.constant(known.const);
  if (known.enum !== undefined) return fc.constantFrom(...known.enum);
  if (choices !== undefined) return fc.oneof(...choices.map(valueOf));
  switch (known.type) {
    case 'object': {
      const fields = Object.entries(known.properties ?? {}).map(([name, field]) => [name, valueOf(field)] as const);
      return fc.record(Object.fromEntries(fields), { requiredKeys: known.required ?? [] });
    }
    case 'array':
      return fc.array(valueOf(known.items), { maxLength: 4 });
    case 'integer':
    case 'number':
      return fc.oneof(fc.integer({ min: -2, max: 200_000 }), fc.double());
    case 'boolean':
      return fc.boolean();
    case 'string':
      if (known.format === 'date-time') return fc.constant(new Date().toISOString());
      if (known.format === 'date') return fc.constant(new Date().toISOString().slice(0, 10));
      return fc.oneof(fc.constantFrom('ada', 'cli_invocation', 'one'), strangeText);
    case undefined:
    default:
      return fc.jsonValue();
  }
}

const requestOf = ({ method, path, operation }: (typeof operations)[number]) =>
  fc.record({
    method: fc.oneof(
      { weight: 8, arbitrary: fc.constant(method) },
      { weight: 1, arbitrary: fc.constantFrom('GET', 'PUT', 'PATCH') },
    ),
    path: fc
      .record(Object.fromEntries([...path.matchAll(/\{(\w+)\+?\}/gu)].map(([, name]) => [name!, strangeText])))
      .map((params) => path.replaceAll(/\{(\w+)\+?\}/gu, (_, name: string) => encodeURIComponent(params[name]!))),
    query: fc.record(
      Object.fromEntries(operation.parameters.filter((p) => p.in === 'query').map(({ name }) => [name, strangeText])),
      { requiredKeys: [] },
    ),
    key: fc.constantFrom('admin', 'none', 'unknown'),
    body: fc.oneof(
      {
        weight: 4,
        arbitrary: valueOf(operation.requestBody?.content['application/json'].schema).map((v) => JSON.stringify(v)),
      },
      { weight: 1, arbitrary: fc.json() },
      { weight: 1, arbitrary: fc.constantFrom('', '{', '[]', '{"__proto__": {"a": 1}}', '['.repeat(5_000), 'null') },
    ),
  });

/** A request that the random generator might miss: an admin's, with a body that is not JSON. */
const unreadableRequestOf = ({ method, path }: (typeof operations)[number]) => ({
  method,
  path: path.replaceAll(/\{\w+\+?\}/gu, 'ada'),
  query: {},
  key: 'admin' as const,
  body: '{',
});

const keyHeader = (key: 'admin' | 'none' | 'unknown'): Record<string, string> =>
  key === 'none' ? {} : { 'x-api-key': key === 'admin' ? stack.adminKey : 'lrl_unknown' };

describe('the OpenAPI document', () => {
  it('passes the recommended rules of redocly, marks public routes, and names each operation', async () => {
    const source = await (await fetch(`${stack.baseUrl}/openapi.json`)).text();
    const config = await createConfig({ extends: ['recommended'] });

    const problems = await lintFromString({ source, config, absoluteRef: 'openapi.json' });

    expect(problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual([]);
    const { paths, ...rest } = z
      .looseObject({ paths: z.record(z.string(), z.record(z.string(), z.looseObject({}))) })
      .parse(JSON.parse(source));
    expect(rest).toMatchObject({ servers: [{ url: '/' }], info: { license: { identifier: 'MIT' } } });
    const all = Object.values(paths).flatMap((methods) => Object.values(methods));
    expect(new Set(all.map(({ operationId }) => operationId)).size).toBe(all.length);
    expect(paths['/health']?.get).toMatchObject({ security: [] });
    expect(paths['/v1/keys']?.post).toMatchObject({ security: [{ key: [] }] });
  });

  it('is valid OpenAPI 3.1', async () => {
    const document = (await (await fetch(`${stack.baseUrl}/openapi.json`)).json()) as Record<string, unknown>;

    const { valid, errors } = await new Validator().validate(document);

    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
    expect(document).toMatchObject({ openapi: '3.1.0' });
  });

  it('states the precision of the time of the last event', () => {
    const { responses } = operations.find(({ path }) => path === '/v1/stats')!.operation;
    expect(responses['200']).toHaveProperty('content.application/json.schema.properties.precision.const', 'hour');
    expect(responses['200']).toHaveProperty(
      'content.application/json.schema.required',
      expect.arrayContaining(['lastEventAt', 'precision']),
    );
  });

  it('never leads to a 5xx or a stack trace, and no 4xx stores anything', async () => {
    let stored = await everythingStored();
    for (const route of operations) {
      await fc.assert(
        fc.asyncProperty(requestOf(route), async ({ method, path, query, key, body }) => {
          const url = `${stack.baseUrl}${path}?${new URLSearchParams(query as Record<string, string>).toString()}`;
          const hasBody = method !== 'GET' && method !== 'DELETE';
          const response = await fetch(url, {
            method,
            headers: { 'content-type': 'application/json', ...keyHeader(key) },
            signal: AbortSignal.timeout(600_000),
            ...(hasBody ? { body } : {}),
          });
          const text = await response.text();

          expect({ status: response.status, text }).toMatchObject({ status: expect.toSatisfy((s: number) => s < 500) });
          expect(text).not.toMatch(/\n\s+at .+:\d+:\d+/u);
          const isPage = response.headers.get('content-type')?.startsWith('text/html') === true;
          if (isPage) expect(text).toMatch(/^<!doctype html>/u);
          if (response.status >= 400 && !isPage) {
            expect(
              z
                .looseObject({ error: z.string() })
                .or(z.looseObject({ results: z.array(z.unknown()) }))
                .or(z.strictObject({ message: z.literal('Bad Request') })) // the gateway's own answer to a % in a path
                .safeParse(JSON.parse(text)).success,
            ).toBe(true);
            expect(await everythingStored()).toBe(stored);
          } else if (method !== 'GET') {
            await stack.drain(); // consequences of a stored fact must not be attributed to the next request
            stored = await everythingStored();
          }
        }),
        { numRuns: 7, seed: 1, examples: [[unreadableRequestOf(route)]] },
      );
    }
  });

  it('names every status that its routes answer', () => {
    for (const { method, path, operation } of operations) {
      expect(Object.keys(operation.responses), `${method} ${path}`).toContain('500');
      expect(
        Object.keys(operation.responses).some((status) => status.startsWith('2')),
        `${method} ${path}`,
      ).toBe(true);
    }
  });
});
