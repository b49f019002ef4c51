import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import * as z from 'zod';
import { addDays, dateOf, dayNumberOf } from '../domain/shared/utc.ts';
import { jsonOf } from './api.ts';
import { usageError } from './outcome.ts';

const RecordedRequest = z.object({
  path: z.string().startsWith('/'),
  /** The username whose key sent it; null if it was sent without a key. */
  key: z.string().nullable(),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.unknown(),
});
/** A shorter format. */
const RecordedEvents = z
  .object({ username: z.string().nullable(), events: z.array(z.unknown()) })
  .transform(({ username, events }) => ({ path: '/ingest', key: username, headers: {}, body: { events } }));
const Line = z.union([RecordedRequest, RecordedEvents]);
export type RecordedRequest = z.infer<typeof RecordedRequest>;

/** Reads the requests of a recording line by line, in order: a recording may be larger than memory. */
export async function* readRecording(file: string): AsyncGenerator<RecordedRequest> {
  let number = 0;
  for await (const text of linesOf(file)) {
    number += 1;
    const line = Line.safeParse(jsonOf(text));
    if (!line.success) throw usageError(`${file}: line ${number} is not a recorded request {path, key, headers, body}`);
    yield line.data;
  }
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const bytes = createReadStream(file);
  const text = file.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes;
  bytes.once('error', (error) => text.destroy(error)); // a pipe does not forward errors
  try {
    for await (const line of createInterface({ input: text, crlfDelay: Infinity })) if (line !== '') yield line;
  } catch (error) {
    // ENOENT, EISDIR, EACCES, or Z_DATA_ERROR if it is not gzip.
    if (error instanceof Error && 'code' in error) throw usageError(`file: ${file} cannot be read: ${error.message}`);
    throw error;
  }
}

export type RecordingSummary = {
  readonly requests: number;
  readonly usernames: readonly string[];
  /** The UTC date of the latest event; undefined if no event has a time. */
  readonly lastDate: string | undefined;
  /** Equal for equal requests, whatever their compression. */
  readonly fingerprint: string;
};

/** Reads a whole recording before anything is sent, so that a broken line is found first. */
export async function summarize(file: string): Promise<RecordingSummary> {
  const usernames = new Set<string>();
  const hash = createHash('sha256');
  let requests = 0;
  let lastDate: string | undefined;
  for await (const request of readRecording(file)) {
    requests += 1;
    if (request.key !== null) usernames.add(request.key);
    hash.update(JSON.stringify(request));
    for (const date of datesOf(request.body)) if (lastDate === undefined || date > lastDate) lastDate = date;
  }
  return { requests, usernames: [...usernames], lastDate, fingerprint: hash.digest('hex') };
}

const EventTimes = z.looseObject({
  timestamp: z.string().optional(),
  properties: z.looseObject({ startedAt: z.string().optional(), completedAt: z.string().optional() }).optional(),
});
type EventTimes = z.infer<typeof EventTimes>;
const Batch = z.looseObject({ events: z.array(z.unknown()) });

const eventsOf = (body: unknown): readonly unknown[] => Batch.safeParse(body).data?.events ?? [body];

function datesOf(body: unknown): readonly string[] {
  return eventsOf(body).flatMap((event) => {
    const { data } = EventTimes.safeParse(event);
    const ms = Date.parse(data?.timestamp ?? data?.properties?.startedAt ?? '');
    return Number.isNaN(ms) ? [] : [dateOf(ms)];
  });
}

export const daysBetween = (from: string, to: string): number => dayNumberOf(to) - dayNumberOf(from);

const shiftedTime = (text: string, days: number): string => {
  // Only the date is replaced: the time of day and its format are kept.
  const date = /^\d{4}-\d{2}-\d{2}(?=T)/.exec(text)?.[0];
  return date === undefined || Number.isNaN(Date.parse(text)) ? text : addDays(date, days) + text.slice(date.length);
};

/**
 * Moves the times of a body's events by whole days, so that times of day and ties are kept. Other formats are not
 * changed.
 */
export function shifted(body: unknown, days: number): unknown {
  if (days === 0) return body;
  const move = (event: unknown): unknown => {
    const parsed = EventTimes.safeParse(event);
    return parsed.success ? shiftedEvent(parsed.data, days) : event;
  };
  const batch = Batch.safeParse(body);
  return batch.success ? { ...batch.data, events: batch.data.events.map(move) } : move(body);
}

function shiftedEvent(event: EventTimes, days: number): EventTimes {
  const { timestamp, properties } = event;
  const { startedAt, completedAt } = properties ?? {};
  return {
    ...event,
    ...(timestamp !== undefined && { timestamp: shiftedTime(timestamp, days) }),
    ...(properties !== undefined && {
      properties: {
        ...properties,
        ...(startedAt !== undefined && { startedAt: shiftedTime(startedAt, days) }),
        ...(completedAt !== undefined && { completedAt: shiftedTime(completedAt, days) }),
      },
    }),
  };
}
