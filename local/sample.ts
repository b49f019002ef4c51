import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import * as z from 'zod';
import { ExplainedError } from './explained-error.ts';
import type { LocalDescription } from './local-description.ts';

const SAMPLE = new URL('../examples/community.ndjson.gz', import.meta.url);
const MILLISECONDS_PER_DAY = 86_400_000;
/** Few, because each additional sender starts one more thread of each function. */
const SENDERS = 2;
/** Far more than a client sends at once, because the user waits for the load. */
const EVENTS_A_REQUEST = 200;

const SampleEvent = z.object({
  event: z.string(),
  distinct_id: z.string(),
  insert_id: z.string(),
  properties: z.looseObject({ startedAt: z.iso.datetime(), completedAt: z.iso.datetime().optional() }),
});
const SampleRequest = z.object({ username: z.string().nullable(), events: z.array(SampleEvent).min(1) });
type SampleRequest = z.infer<typeof SampleRequest>;

/**
 * The date that the sample was moved to. An interrupted load continues with the same dates, so that repeats are
 * duplicates.
 */
const Progress = z.object({ lastDay: z.iso.date(), done: z.boolean() });

export type SampleTarget = { readonly baseUrl: string; readonly adminKey: string };

/** The sample's requests, with their times moved so that the last event falls on `lastDay`. */
export function readSample(lastDay: string): readonly SampleRequest[] {
  const lines = gunzipSync(readFileSync(SAMPLE)).toString('utf8').trimEnd().split('\n');
  const requests = lines.map((line) => SampleRequest.parse(JSON.parse(line)));
  const dayOf = (time: string) => Math.floor(Date.parse(time) / MILLISECONDS_PER_DAY);
  const days = requests.flatMap(({ events }) => events.map(({ properties }) => dayOf(properties.startedAt)));
  const shiftMs = (dayOf(lastDay) - days.reduce((latest, day) => Math.max(latest, day))) * MILLISECONDS_PER_DAY;
  const shifted = (time: string) => new Date(Date.parse(time) + shiftMs).toISOString();

  return requests.map(({ username, events }) => ({
    username,
    events: events.map((event) => {
      const { startedAt, completedAt } = event.properties;
      const times = { startedAt: shifted(startedAt), ...(completedAt && { completedAt: shifted(completedAt) }) };
      return { ...event, properties: { ...event.properties, ...times } };
    }),
  }));
}

/**
 * Sends the sample through the API, unless `progressFile` records that it was sent. The events of one account keep
 * their order. Returns true if it sent anything.
 */
export async function loadSample(target: SampleTarget, progressFile: string, now: number): Promise<boolean> {
  const before = existsSync(progressFile)
    ? Progress.parse(JSON.parse(readFileSync(progressFile, 'utf8')))
    : { lastDay: new Date(now).toISOString().slice(0, 10), done: false };
  if (before.done) return false;
  const save = (done: boolean) => writeFileSync(progressFile, JSON.stringify({ ...before, done }));
  save(false);

  const queues = [...Map.groupBy(readSample(before.lastDay), ({ username }) => username)];
  const sendNext = async (): Promise<void> => {
    for (let next = queues.shift(); next !== undefined; next = queues.shift()) {
      const [username, requests] = next;
      const key = username === null ? undefined : await makeKey(target, username);
      const all = requests.flatMap(({ events }) => events);
      for (let from = 0; from < all.length; from += EVENTS_A_REQUEST) {
        await post(target, '/ingest', { events: all.slice(from, from + EVENTS_A_REQUEST) }, key);
      }
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, sendNext));
  save(true);
  return true;
}

async function makeKey(target: SampleTarget, username: string): Promise<string> {
  const body = { kind: 'personal', username, label: 'sample' };
  return z.object({ key: z.string() }).parse(await post(target, '/v1/keys', body, target.adminKey)).key;
}

async function post({ baseUrl }: SampleTarget, path: string, body: unknown, key: string | undefined): Promise<unknown> {
  const response = await fetch(`${baseUrl}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key !== undefined && { 'x-api-key': key }) },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new ExplainedError(`The sample was not loaded: ${path} answered ${response.status} ${text}`);
  return JSON.parse(text);
}

const Leaders = z.object({
  rows: z.array(z.object({ rank: z.number(), username: z.string(), points: z.number(), tier: z.string() })),
});

/** The first account on the leaderboard; undefined if the board is empty. */
export async function firstOf({ baseUrl }: Pick<LocalDescription, 'baseUrl'>): Promise<string | undefined> {
  const board = await fetch(`${baseUrl}/v1/leaderboards/alltime?limit=1`);
  return board.ok ? Leaders.parse(await board.json()).rows[0]?.username : undefined;
}

/** Builds the boards now and returns the leaders, best first. */
export async function leaders(
  { baseUrl, lambdaEndpoint, functions }: LocalDescription,
  count: number,
): Promise<z.infer<typeof Leaders>['rows']> {
  const ranker = functions['rank-leaderboards'];
  const built = await fetch(`${lambdaEndpoint}/2015-03-31/functions/${ranker}/invocations`, {
    method: 'POST',
    body: '{}',
  });
  const failure = built.headers.get('x-amz-function-error');
  if (!built.ok || failure !== null) throw new Error(`The boards were not built: ${await built.text()}`);
  const board = await fetch(`${baseUrl}/v1/leaderboards/alltime?limit=${count}`);
  return Leaders.parse(await board.json()).rows;
}
