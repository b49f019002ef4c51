import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import * as z from 'zod';
import { addDays, dayNumberOf, MILLISECONDS_PER_DAY } from '../domain/shared/utc.ts';
import { ExplainedError } from './explained-error.ts';
import type { LocalDescription } from './local-description.ts';

const SAMPLE = join(import.meta.dirname, '..', 'examples');
/** Few, because each additional sender starts one more thread of each function. */
const SENDERS = 2;
/** Of accounts and hours of devices: a request with at most this many is answered in time, also on a busy machine. */
const PLACES_A_REQUEST = 50;
const EVENTS_A_REQUEST = 500;
/** A machine that has just begun everything at once may not answer in time. What was sent before is a duplicate. */
const TRIES = 20;
/** How long to wait for an account to be counted, and how often: only a bound on hanging. */
const LATER_MS = 200;
const TRIES_LATER = 9_000;
/** `2026.11.03.1`: a version is named by its date, which moves with the others. */
const CALENDAR_VERSION = /^\d{4}\.\d{2}\.\d{2}(?=\.)/u;

const SampleEvent = z.looseObject({
  event: z.string(),
  distinct_id: z.string(),
  timestamp: z.iso.datetime(),
  properties: z.looseObject({ username: z.string().optional(), version: z.string().optional() }),
});
type SampleEvent = z.infer<typeof SampleEvent>;

/** What an import does not hold. */
const SampleCommunity = z.object({
  lastDay: z.iso.date(),
  collectives: z.record(z.string(), z.array(z.string())),
  hidden: z.array(z.string()),
  merged: z.array(z.object({ username: z.string(), into: z.string() })),
});

/**
 * The date that the sample was moved to. An interrupted load continues with the same dates, so that repeats are
 * duplicates.
 */
const Progress = z.object({ lastDay: z.iso.date(), done: z.boolean() });

export type SampleTarget = { readonly baseUrl: string; readonly adminKey: string };

/** The sample of a folder, with its times moved by whole days so that the last one falls on `lastDay`. */
export function readSample(lastDay: string, folder = SAMPLE) {
  const text = gunzipSync(readFileSync(join(folder, 'community.ndjson.gz'))).toString('utf8');
  const community = SampleCommunity.parse(JSON.parse(readFileSync(join(folder, 'community.json'), 'utf8')));
  const days = dayNumberOf(lastDay) - dayNumberOf(community.lastDay);
  const lines = text.trimEnd().split('\n');
  const events = lines.map((line) => moved(SampleEvent.parse(JSON.parse(line)), days));
  return { ...community, events };
}

function moved({ timestamp, properties, ...event }: SampleEvent, days: number): SampleEvent {
  const version = properties.version?.replace(CALENDAR_VERSION, (date) =>
    addDays(date.replaceAll('.', '-'), days).replaceAll('-', '.'),
  );
  return {
    ...event,
    timestamp: new Date(Date.parse(timestamp) + days * MILLISECONDS_PER_DAY).toISOString(),
    properties: { ...properties, ...(version !== undefined && { version }) },
  };
}

/** The load of a sample, in two parts. */
export type SampleLoad = {
  /** Before anything is counted: streams that are not read yet are then read once. */
  readonly importAll: (target: SampleTarget) => Promise<void>;
  /** While it is counted: nobody can be hidden before they are known. */
  readonly finish: (target: SampleTarget) => Promise<void>;
};

/**
 * The load of the sample through the API; undefined if `progressFile` records that it was loaded and the data is not
 * `fresh`. Versions come before
 * their pulls; then each account's events together.
 */
export function sampleLoad(
  progressFile: string,
  {
    now,
    fresh = false,
    folder,
  }: { readonly now: number; readonly fresh?: boolean; readonly folder?: string | undefined },
): SampleLoad | undefined {
  const before =
    !fresh && existsSync(progressFile)
      ? Progress.parse(JSON.parse(readFileSync(progressFile, 'utf8')))
      : { lastDay: new Date(now).toISOString().slice(0, 10), done: false };
  if (before.done) return undefined;
  const save = (done: boolean) => writeFileSync(progressFile, JSON.stringify({ ...before, done }));

  const { collectives, hidden, merged, events } = readSample(before.lastDay, folder);
  return {
    async importAll(target) {
      save(false);
      for (const [slug, members] of Object.entries(collectives)) {
        await send(target, 'PUT', `/v1/collectives/${slug}`, { members });
      }
      const [versions, others] = [events.filter(isVersion), events.filter((event) => !isVersion(event))];
      for (const batch of batchesOf(versions)) await importBatch(target, batch);
      const ofAccounts = [...Map.groupBy(others, ({ properties }) => properties.username).values()];
      const bySender = Map.groupBy(ofAccounts.entries(), ([index]) => index % SENDERS);
      await Promise.all(
        [...bySender.values()].map(async (accounts) => {
          for (const batch of batchesOf(accounts.flatMap(([, own]) => own))) await importBatch(target, batch);
        }),
      );
      for (const { username, into } of merged) await send(target, 'POST', `/v1/users/${username}/merge`, { into });
    },
    async finish(target) {
      for (const username of hidden) {
        await send(target, 'PUT', `/v1/users/${username}/visibility`, { leaderboards: 'hidden' });
      }
      save(true);
    },
  };
}

const isVersion = ({ event }: SampleEvent): boolean => event === 'extension_published';
const VERSIONS_A_REQUEST = 40;

/** In requests that one may be, by its events and by what it writes. */
function batchesOf(events: readonly SampleEvent[]): readonly (readonly SampleEvent[])[] {
  const batches: SampleEvent[][] = [];
  let places = new Set<string>();
  for (const event of events) {
    const place = `${event.distinct_id} ${event.properties.username} ${event.timestamp.slice(0, '2026-08-21T13'.length)}`;
    const most = isVersion(event) ? VERSIONS_A_REQUEST : EVENTS_A_REQUEST;
    const last = batches.at(-1);
    if (last === undefined || last.length === most || places.size === PLACES_A_REQUEST) {
      batches.push([event]);
      places = new Set([place]);
    } else {
      last.push(event);
      places.add(place);
    }
  }
  return batches;
}

const Report = z.object({ rejected: z.int(), results: z.array(z.object({ error: z.string().optional() })) });

async function importBatch(target: SampleTarget, events: readonly SampleEvent[]): Promise<void> {
  const { rejected, results } = Report.parse(await send(target, 'POST', '/v1/import', { events }));
  if (rejected === 0) return;
  const first = results.find(({ error }) => error !== undefined)?.error;
  throw new ExplainedError(`The sample was not loaded: ${rejected} events were rejected, the first because ${first}`);
}

async function send({ baseUrl, adminKey }: SampleTarget, method: string, path: string, body: object): Promise<unknown> {
  for (let attempt = 1; ; attempt += 1) {
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      headers: { 'content-type': 'application/json', 'x-api-key': adminKey },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (response.ok) return JSON.parse(text);
    const isMergedAlready = path.endsWith('/merge') && response.status === 409; // by an interrupted load
    if (isMergedAlready) return undefined;
    const isUncounted = path.endsWith('/visibility') && response.status === 404;
    const mayPass = isUncounted || response.status === 429 || response.status >= 500;
    if (!mayPass || attempt === (isUncounted ? TRIES_LATER : TRIES)) {
      throw new ExplainedError(`The sample was not loaded: ${path} answered ${response.status} ${text}`);
    }
    if (isUncounted) await sleep(LATER_MS);
  }
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
