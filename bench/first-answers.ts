import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';
import { marshall } from '@aws-sdk/util-dynamodb';
import { environmentOf } from '../local/lambda/environment.ts';

const KEY = `lrl_${'a'.repeat(43)}`;
const ACCOUNT = 'acc_aaaaaaaaaaaaaaaa';

const request = (method: string, rawPath: string, body?: object) => ({
  ...{ rawPath, rawQueryString: '', isBase64Encoded: false },
  headers: { 'x-api-key': KEY, 'content-type': 'application/json' },
  requestContext: { requestId: 'bench', http: { method } },
  ...(body === undefined ? {} : { body: JSON.stringify(body) }),
});

const event = () => ({ event: 'cli_invocation', distinct_id: 'laptop', timestamp: new Date().toISOString() });

/** The first event of a function, where nothing is stored. */
export const FIRST_EVENTS: Readonly<Record<string, () => object>> = {
  'ingest-telemetry': () => request('POST', '/ingest', event()),
  'read-api': () => request('GET', '/v1/leaderboards/alltime'),
  'confirm-publish': () => request('POST', '/api/v1/extensions/confirm', { name: '@ada/net', version: '2026.08.21.1' }),
  'refresh-score': () => ({
    Records: [{ messageId: 'bench', body: JSON.stringify({ username: ACCOUNT, days: ['2026-08-21'] }) }],
  }),
};

const Ready = z.tuple([z.object({ milliseconds: z.number(), answer: z.optional(z.unknown()) }), z.unknown()]);
const isFine = (answer: unknown): boolean =>
  z
    .union([z.object({ statusCode: z.int().check(z.lt(300)) }), z.object({ batchItemFailures: z.tuple([]) })])
    .safeParse(answer).success;

/** Answers every call as a store would that holds one key and nothing else. */
export async function nearlyEmptyStore() {
  const hash = createHash('sha256').update(KEY).digest('hex');
  const key = marshall({
    ...{ pk: hash.slice(0, 32), sk: 'KEY', v: 1, id: hash.slice(0, 32), hash, prefix: KEY.slice(0, 8) },
    ...{ kind: 'personal', account: ACCOUNT, scopes: ['telemetry:write', 'extensions:push'] },
    ...{ createdAt: '2026-08-21T12:00:00.000Z', lastUsedAt: new Date().toISOString() },
  });
  const answerTo = (target: string, body: string): object => {
    const found = { Items: [], Count: 0, Responses: {}, UnprocessedKeys: {}, UnprocessedItems: {} };
    if (!target.endsWith('.GetItem')) return found;
    return body.includes('credentials') ? { Item: key } : {};
  };
  const server = createServer((asked, answer) => {
    void text(asked).then((body) => {
      answer.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
      answer.end(JSON.stringify(answerTo(String(asked.headers['x-amz-target']), body)));
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the store has no port');
  return { endpoint: `http://127.0.0.1:${address.port}`, close: () => server.close() };
}

/** Writes the program of the processes into a directory and returns its path. */
export function programIn(directory: string): string {
  const program = join(directory, 'ready-handler.mjs');
  writeFileSync(program, stripTypeScriptTypes(readFileSync(new URL('ready-handler.ts', import.meta.url), 'utf8')));
  return program;
}

/** Milliseconds of CPU until a new process has loaded a bundle, and answered an event if there is one. */
export async function cpuToAnswer(start: {
  readonly program: string;
  readonly endpoint: string;
  readonly model: Parameters<typeof environmentOf>[0] & { readonly file: string };
  readonly event?: object | undefined;
}): Promise<number> {
  const { program, endpoint, model, event } = start;
  const env = environmentOf(model, { accessKeyId: 'bench', endpoint, region: 'us-east-1' });
  const words = [pathToFileURL(model.file).href, ...(event === undefined ? [] : [JSON.stringify(event)])];
  const child = fork(program, words, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, ...env },
  });
  const [{ milliseconds, answer }] = Ready.parse(await once(child, 'message'));
  if (event !== undefined && !isFine(answer)) throw new Error(`${model.name}: ${JSON.stringify(answer)}`);
  await once(child, 'exit');
  return milliseconds;
}
