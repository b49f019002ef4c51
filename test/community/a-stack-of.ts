import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalDescription } from '../../local/local-description.ts';
import { spawnLaurel, temporaryDirectory, type StackProcess } from '../support/stack.ts';
import type { Json } from '../builders/community.ts';

const FIXTURE = join(import.meta.dirname, '..', 'fixtures', 'community');

/** A copy of the tests' community in a temporary folder, to be changed file by file. */
export function aCommunityFolder() {
  const directory = join(temporaryDirectory(), 'community');
  mkdirSync(directory);
  cpSync(FIXTURE, directory, { recursive: true });
  return {
    directory,
    copy: (from: string, to: string) => cpSync(join(directory, from), join(directory, to)),
    edit(file: string, change: (json: Json) => unknown): void {
      const json = JSON.parse(readFileSync(join(directory, file), 'utf8'));
      change(json);
      writeFileSync(join(directory, file), JSON.stringify(json));
    },
  };
}

/** What `npm start -- --community` runs, and calls of its API. */
export async function aStackOf(community: string, dataDirectory: string, ...more: readonly string[]) {
  const running: StackProcess = spawnLaurel(dataDirectory, '--empty', '--community', community, ...more);
  const local: LocalDescription = await running.ready();
  const call = async (method: string, path: string, body?: unknown, key = local.adminKey): Promise<Json> => {
    const response = await fetch(`${local.baseUrl}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(key === '' ? {} : { 'x-api-key': key }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, ...((await response.json()) as object) };
  };
  const get = (path: string) => call('GET', path);
  return {
    local,
    get,
    call,
    stop: () => running.end('SIGTERM'),
    ingest: (events: readonly object[], key?: string) => call('POST', '/ingest', { events }, key),
    /** Asks until it is as it should be; an idle stack shows a change within seconds. */
    async until(path: string, isSo: (answer: Json) => boolean): Promise<Json> {
      for (let round = 0; round < 600; round += 1) {
        const answer = await get(path);
        if (isSo(answer)) return answer;
        await sleep(200);
      }
      throw new Error(`${path} did not become as expected: ${JSON.stringify(await get(path))}`);
    },
    /** A function's whole work now. */
    async invoke(role: string, event: object = {}): Promise<Json> {
      const url = `${local.lambdaEndpoint}/2015-03-31/functions/${local.functions[role]}/invocations`;
      return (await fetch(url, { method: 'POST', body: JSON.stringify(event) })).json();
    },
  };
}
export type Stack = Awaited<ReturnType<typeof aStackOf>>;
