import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as z from 'zod';

/** The recorded traffic of a real client, and its truth file, which holds the counts of that traffic. */
const fixture = (name: string) => readFileSync(join(import.meta.dirname, '../fixtures', name));

const RecordedEvent = z.looseObject({
  event: z.string(),
  distinct_id: z.string(),
  insert_id: z.string(),
  properties: z.looseObject({
    startedAt: z.string(),
    invocation: z.looseObject({ command: z.string() }),
    result: z.looseObject({ status: z.string() }).optional(),
  }),
});
const Recorded = z.object({
  seq: z.int(),
  path: z.string(),
  key: z.string().nullable(),
  headers: z.record(z.string(), z.string()),
  body: z.union([z.looseObject({ events: z.array(RecordedEvent) }), RecordedEvent]),
});
export type Recorded = z.infer<typeof Recorded>;

export const requests = gunzipSync(fixture('cli-telemetry.ndjson.gz'))
  .toString()
  .trim()
  .split('\n')
  .map((line) => Recorded.parse(JSON.parse(line)));

/** False for a request that is refused as a whole, because its key is unknown. */
export const isTaken = ({ key }: Recorded): boolean => key !== 'unregistered';
export const eventsOf = ({ body }: Recorded) => ('events' in body ? z.array(RecordedEvent).parse(body.events) : [body]);

const Counts = z.record(z.string(), z.int());
export const truth = z
  .object({
    eventsSent: z.int(),
    eventsRefused: z.int(),
    distinctPerDevice: z.int(),
    devices: Counts,
    users: z.record(
      z.string(),
      z.object({
        totalEvents: z.int(),
        commandCounts: Counts,
        successByGroup: Counts,
        activeDates: z.array(z.string()),
        streak: z.int(),
        rollingDays: z.int(),
        activityScore: z.int(),
        devices: z.array(z.string()),
      }),
    ),
    /** Distinct events of the whole community, by hour. */
    communityHours: Counts,
    activeDevicesByDay: Counts,
    'activeDevicesWeekTo2026-11-20': z.int(),
  })
  .parse(JSON.parse(fixture('cli-telemetry.truth.json').toString()));
