import * as z from 'zod/mini';
import type { Credential } from '../identity/credential.ts';
import { hasScope } from '../identity/credential.ts';
import type { ResolveUsername, Username } from '../identity/username.ts';
import type { Clock, Random, Sha256, Sleep } from '../shared/environment.ts';
import { settleAll } from '../shared/settle-all.ts';
import { isoOf, type UtcHour } from '../shared/utc.ts';
import type { EventEntry } from './device-hour.ts';
import { decideHour, type StoreOutcome } from './device-hour-set.ts';
import { deviceIdOf } from './device-id.ts';
import type { DeviceStore } from './device-store.port.ts';
import { judgeEvent, type AcceptableEvent } from './telemetry-event.ts';

export const EventResult = z.object({
  /** Place in the request, from 0. */
  index: z.int(),
  /** The event's own id, or the one derived from its content; null where none could be read. */
  insert_id: z.nullable(z.string()),
  status: z.enum(['accepted', 'duplicate', 'rejected']),
  code: z.optional(z.string()),
  error: z.optional(z.string()),
});
export const IngestReport = z.object({
  accepted: z.int(),
  duplicates: z.int(),
  rejected: z.int(),
  results: z.array(EventResult),
});
export type EventResult = z.infer<typeof EventResult>;
export type IngestReport = z.infer<typeof IngestReport>;

export type IngestDeps = {
  readonly devices: DeviceStore;
  readonly resolveUsername: ResolveUsername;
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: Sleep;
  readonly sha256: Sha256;
};

/** Parallel device-hours of one request: enough to hide latency, few enough for a small function. */
const PARALLEL_WRITES = 8;
/** Each try that finds the hour changed means that another sender got through, so this bounds the senders at once. */
const MAX_TRIES = 60;

type DeviceBatch = { readonly deviceId: string; readonly hours: ReadonlyMap<UtcHour, readonly AcceptableEvent[]> };

/**
 * Stores a request's events, each once, and says of each what became of it.
 *
 * Whatever can be refused is refused before the first write, so a request whose events are all refused stores nothing.
 * A throw means that some of it may be stored: the same request again completes it and counts nothing twice.
 */
export async function ingestTelemetry(
  deps: IngestDeps,
  request: { readonly events: readonly unknown[]; readonly credential: Credential | undefined },
): Promise<IngestReport> {
  const { credential } = request;
  const now = deps.clock();
  const isTrusted = credential !== undefined && hasScope(credential, 'telemetry:trusted');
  const sender = credential?.kind === 'personal' ? await deps.resolveUsername(credential.username) : null;

  const verdicts = request.events.map((raw) => judgeEvent(raw, { now, isTrusted, sha256: deps.sha256 }));
  const acceptable = verdicts.flatMap((verdict) => (verdict.ok ? [verdict.value] : []));
  const batches = byDevice(acceptable);

  await settleAll(batches, PARALLEL_WRITES, ({ deviceId }) => prepareDevice(deps, deviceId, sender, isoOf(now)));
  const hours = batches.flatMap(({ deviceId, hours }) =>
    [...hours].map(([hour, events]) => ({ deviceId, hour, events })),
  );
  const stored = await settleAll(hours, PARALLEL_WRITES, async ({ deviceId, hour, events }) => ({
    events,
    outcomes: await storeHour(
      deps,
      deviceId,
      hour,
      events.map(({ id, kind }) => ({ id, kind, sender })),
    ),
  }));

  const outcomeOf = new Map<AcceptableEvent, StoreOutcome>();
  for (const { events, outcomes } of stored) {
    const seen = new Set<string>();
    for (const event of events) {
      const outcome = outcomes.get(event.id);
      if (outcome === undefined) throw new Error(`no outcome for a stored event of ${event.hour}`);
      outcomeOf.set(event, seen.has(event.id) ? 'duplicate' : outcome);
      seen.add(event.id);
    }
  }
  return reportOf(
    verdicts.map((verdict, index) => {
      if (!verdict.ok) {
        const { insertId, code, error } = verdict.error;
        return { index, insert_id: insertId, status: 'rejected', code, error };
      }
      const status = outcomeOf.get(verdict.value);
      if (status === undefined) throw new Error(`event ${index} was neither stored nor refused`);
      return { index, insert_id: verdict.value.insertId, status };
    }),
  );
}

function reportOf(results: readonly EventResult[]): IngestReport {
  const count = (status: EventResult['status']) => results.filter((result) => result.status === status).length;
  return {
    accepted: count('accepted'),
    duplicates: count('duplicate'),
    rejected: count('rejected'),
    results: [...results],
  };
}

function byDevice(events: readonly AcceptableEvent[]): DeviceBatch[] {
  const devices = new Map<string, Map<UtcHour, AcceptableEvent[]>>();
  for (const event of events) {
    const deviceId = deviceIdOf(event.distinctId);
    const hours = devices.get(deviceId) ?? new Map<UtcHour, AcceptableEvent[]>();
    devices.set(deviceId, hours.set(event.hour, [...(hours.get(event.hour) ?? []), event]));
  }
  return [...devices].map(([deviceId, hours]) => ({ deviceId, hours }));
}

/**
 * Before a device's first event the device is there, and before an hour names its sender the sender's link is: a link
 * without facts is harmless, a fact that no fold finds is not.
 */
async function prepareDevice(
  { devices }: IngestDeps,
  deviceId: string,
  sender: Username | null,
  at: string,
): Promise<void> {
  const device = await devices.find(deviceId);
  if (sender === null) {
    if (device === undefined) await devices.register(deviceId, at);
    return;
  }
  if (device?.owner === sender) return;
  if (device?.owner === undefined && (await devices.bind(deviceId, sender, at)) === 'bound') return;
  if (!(await devices.isLinked(deviceId, sender))) await devices.link(deviceId, sender);
}

/** Reads, decides and writes until every chunk is stored as decided, starting again whenever another sender was faster. */
async function storeHour(
  { devices, random, sleep }: IngestDeps,
  deviceId: string,
  hour: UtcHour,
  entries: readonly EventEntry[],
): Promise<ReadonlyMap<string, StoreOutcome>> {
  const acceptedHere = new Set<string>();
  for (let attempt = 1; attempt <= MAX_TRIES; attempt += 1) {
    const { writes, outcomes } = decideHour(await devices.chunksOf(deviceId, hour), entries);
    let isStale = false;
    for (const { chunk, added } of writes) {
      isStale = (await devices.saveChunk(deviceId, hour, chunk)) === 'stale';
      if (isStale) break;
      for (const id of added) acceptedHere.add(id);
    }
    if (!isStale) {
      return new Map([...outcomes].map(([id, outcome]) => [id, acceptedHere.has(id) ? 'accepted' : outcome]));
    }
    await sleep(random() * Math.min(200, 5 * attempt));
  }
  throw new Error(`hour ${hour} of a device changed under ${MAX_TRIES} tries to write it`);
}
