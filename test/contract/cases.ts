import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { stack } from '../support/shared-stack.ts';

/** Requests of clients and of public bug reports, each with the expected answer. */
const Step = z.strictObject({
  as: z.string().nullable(),
  method: z.string(),
  path: z.string(),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.unknown().optional(),
  base64: z.string().optional(),
  repeat: z.strictObject({ count: z.int(), item: z.unknown() }).optional(),
  gzip: z.boolean().default(false),
});
const Case = Step.extend({
  name: z.string(),
  why: z.string(),
  setup: z.array(Step).default([]),
  expect: z.strictObject({
    status: z.union([z.int(), z.array(z.int())]),
    code: z.string().optional(),
    codes: z.array(z.string().nullish()).optional(),
    headers: z.record(z.string(), z.string()).default({}),
    body: z.record(z.string(), z.unknown()).optional(),
    contains: z.array(z.string()).default([]),
    absent: z.array(z.string()).default([]),
  }),
});
type Step = z.infer<typeof Step>;
type Case = z.infer<typeof Case>;

const RETRIES_MS = 20_000;
const cases = readFileSync(join(import.meta.dirname, '..', 'fixtures', 'http-cases.jsonl'), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line): unknown => JSON.parse(line));

const keys = new Map<string, string>();
beforeAll(async () => {
  keys.set('admin', stack.adminKey);
});

type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly text: string };

/** Not `fetch`, which normalizes paths and replaces some headers. */
async function send(step: Omit<Step, 'as'>, key?: string): Promise<Answer> {
  const plain = bytesOf(step);
  const body = step.gzip && plain !== undefined ? gzipSync(plain) : plain;
  const sent = request(stack.baseUrl, {
    method: step.method,
    path: step.path,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length }),
      ...(step.gzip ? { 'content-encoding': 'gzip' } : {}),
      ...(key === undefined ? {} : { 'x-api-key': key }),
      ...step.headers,
    },
  }).end(body);
  const [response] = await once(sent, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() };
}

function bytesOf({ body, base64, repeat }: Omit<Step, 'as'>): Buffer | undefined {
  if (base64 !== undefined) return Buffer.from(base64, 'latin1'); // replaced below: one character per byte
  if (repeat !== undefined) {
    const item = JSON.stringify(repeat.item);
    const events = Array.from({ length: repeat.count }, (_, index) => item.replaceAll('{i}', String(index)));
    return Buffer.from(`{"events":[${events.join()}]}`);
  }
  return body === undefined ? undefined : Buffer.from(JSON.stringify(body));
}

async function keyOf(as: string | null): Promise<string | undefined> {
  if (as === null) return undefined;
  const known = keys.get(as);
  if (known !== undefined) return known;
  const body = as === 'service' ? { kind: 'service' } : { kind: 'personal', username: as };
  const path = { method: 'POST', path: '/v1/keys', headers: {}, gzip: false };
  const made = await send({ ...path, body }, stack.adminKey);
  const { key } = z.object({ key: z.string() }).parse(JSON.parse(made.text));
  keys.set(as, key);
  return key;
}

/** A case with its placeholders filled in, also inside `base64`. */
function filled(raw: unknown, number: number): Case {
  const fill = (text: string) =>
    text
      .replaceAll('{n}', String(number))
      .replaceAll('{now}', new Date().toISOString())
      .replaceAll(/\{pad:(\d+)\}/g, (_, length: string) => 'x'.repeat(Number(length)));
  const walk = (value: unknown, name = ''): unknown => {
    if (typeof value === 'string') {
      return fill(name === 'base64' ? Buffer.from(value, 'base64').toString('latin1') : value);
    }
    if (Array.isArray(value)) return value.map((item) => walk(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, field]) => [fill(key), walk(field, key)]));
  };
  return Case.parse(walk(raw));
}

function judge({ expect: wanted }: Case, { status, headers, text }: Answer): void {
  const body: any = text.startsWith('{') ? JSON.parse(text) : undefined;
  expect([wanted.status].flat(), text.slice(0, 500)).toContain(status);
  if (wanted.code !== undefined) expect(body?.code).toBe(wanted.code);
  if (wanted.codes !== undefined) {
    expect(body?.results?.map(({ code }: { code?: string }) => code ?? null)).toEqual(
      wanted.codes.map((code) => code ?? null),
    );
  }
  for (const [name, value] of Object.entries(wanted.headers)) {
    expect(headers[name], name).toEqual(value === '*' ? expect.any(String) : value);
  }
  if (wanted.body !== undefined) expect(body).toMatchObject(wanted.body);
  const said = text.toLowerCase();
  for (const part of wanted.contains) expect(said).toContain(part.toLowerCase());
  for (const part of wanted.absent) expect(said).not.toContain(part.toLowerCase());
}

describe('a kind of request that once failed', () => {
  it.each(cases.map((raw, index) => ({ raw, index, name: Case.parse(raw).name })))(
    '$name',
    async ({ raw, index }) => {
      const given = filled(raw, 1_000 + index);
      for (const step of given.setup) await send(step, await keyOf(step.as));
      const key = await keyOf(given.as);
      const isRead = given.method === 'GET' || given.method === 'HEAD';
      const end = performance.now() + RETRIES_MS;
      for (;;) {
        const answer = await send(given, key);
        try {
          judge(given, answer);
          return;
        } catch (error) {
          if (!isRead || performance.now() > end) throw error;
          await sleep(200);
        }
      }
    },
    60_000,
  );
});
