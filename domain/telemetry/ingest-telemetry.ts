import * as z from 'zod/mini';
import type { Credential } from '../identity/credential.ts';
import { grantedByOf, hasScope } from '../identity/credential.ts';
import type { AccountId } from '../identity/account.ts';
import type { Clock, Random, Sha256, Sleep } from '../shared/environment.ts';
import { err, type Result } from '../shared/result.ts';
import { settleAll } from '../shared/settle-all.ts';
import { amongMany, untilSaved } from '../shared/until-saved.ts';
import { isoOf, startOfHour, type UtcHour } from '../shared/utc.ts';
import type { EventEntry } from './device-hour.ts';
import { decideHour, hasGap, type Chunk, type StoreOutcome } from './device-hour-set.ts';
import { deviceIdOf, isPlaceholder, trustedDeviceIdOf } from './device-id.ts';
import type { DeviceStore } from './device-store.port.ts';
import { devicesSeen, placeDevices, type DeviceBatch, type DevicesSeen } from './place-devices.ts';
import { recordVersions, type VersionDeps } from './record-versions.ts';
import {
  identityOf,
  isFactRecord,
  isGrantRecord,
  isVersionRecord,
  judgePulls,
  recordGrants,
  recordTrustedEvent,
  refreshPublishers,
  type AccountOf,
  type FactRecord,
  type GrantRecord,
  type JudgedPulls,
  type RecordTrustedDeps,
  type TrustedOutcome,
} from './record-trusted-event.ts';
import { judgeEvent, type AcceptableEvent, type EventRefusal, type TelemetryRecord } from './telemetry-event.ts';
import { expiryOf } from './retention.ts';
import { spend, type OverBudget } from './write-budget.ts';

export const EventResult = z.object({
  /** Place in the request, from 0. */
  index: z.int(),
  /** The event's own id, or an id derived from its content; null if it could not be read. */
  insert_id: z.nullable(z.string()),
  status: z.enum(['accepted', 'duplicate', 'rejected']),
  code: z.optional(z.string()),
  error: z.optional(z.string()),
  /** From a trusted key: no rule gives anything for such an event. Its name may be misspelled. */
  unscored: z.optional(z.literal(true)),
});
export const IngestReport = z.object({
  accepted: z.int(),
  duplicates: z.int(),
  rejected: z.int(),
  results: z.array(EventResult),
});
export type EventResult = z.infer<typeof EventResult>;
export type IngestReport = z.infer<typeof IngestReport>;

export type IngestDeps = RecordTrustedDeps & {
  readonly devices: DeviceStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: Sleep;
  readonly sha256: Sha256;
};

/**
 * Device-hours that are written at a time: enough to hide latency, few enough for a small function. Reads are asked for
 * all at once, so that the store can do them together.
 */
const PARALLEL_WRITES = 8;

type SentRecord = { readonly event: TelemetryRecord; readonly sender: AccountId | null };
type HourBatch = {
  readonly deviceId: string;
  readonly hour: UtcHour;
  readonly sent: readonly SentRecord[];
  readonly isOwned: boolean;
};
type Outcomes = ReadonlyMap<AcceptableEvent, TrustedOutcome>;

/**
 * Stores a request's events, each once, and reports the outcome of each.
 *
 * All that can be refused is refused before the first write, so a request whose events are all refused stores nothing.
 * If it throws, some events may be stored: the same request again stores the others, and counts nothing twice.
 */
export async function ingestTelemetry(
  deps: IngestDeps,
  request: {
    readonly events: readonly unknown[];
    readonly credential: Credential | undefined;
    /** False if the key's account was erased: then this throws, and nothing is stored. */
    readonly isAccountThere?: Promise<boolean> | undefined;
    /** An import: events of any age, and versions. A dry run judges the events and stores nothing. */
    readonly history?: { readonly versions: VersionDeps; readonly dryRun: boolean };
  },
): Promise<IngestReport> {
  const { credential, history } = request;
  const now = deps.clock();
  const isImported = history !== undefined;
  const isTrusted = isImported || (credential !== undefined && hasScope(credential, 'telemetry:trusted'));
  const sender = credential?.kind === 'personal' && !isImported ? credential.account : null;

  const overBudget = spend(credential);
  const verdicts = request.events.map((raw) => {
    const verdict = judgeEvent(raw, {
      now,
      isTrusted,
      isImported,
      sender,
      sha256: deps.sha256,
    });
    const refusal = verdict.ok ? overBudget(verdict.value) : undefined;
    if (!verdict.ok || refusal === undefined) return verdict;
    return err({ ...refusal, insertId: verdict.value.insertId });
  });
  const acceptable = verdicts.flatMap((verdict) => (verdict.ok ? [verdict.value] : []));
  const telemetry = acceptable.filter((event) => event.type === 'telemetry');
  const trusted = acceptable.filter((event) => event.type === 'trusted');
  if (history?.dryRun === true) return judged(verdicts, isTrusted, () => 'accepted');
  const seen = await devicesSeen(deps.devices, telemetry);
  if ((await request.isAccountThere) === false) throw new Error('the account of the key was erased');
  const versions = trusted.filter(isVersionRecord);
  // Before the pulls: they may be of these versions.
  const recorded = history === undefined ? [] : await recordVersions(history.versions, versions);
  const facts = trusted.filter(isFactRecord);
  const pulls = await judgePulls(deps.pulls, facts);
  const isRefused = (record: FactRecord) => 'code' in (pulls.get(record) ?? {});
  const grants = trusted.filter(isGrantRecord);
  const named = await deps.names.accountsOf([
    ...telemetry.flatMap(({ reportedFor, sentBy }) => reportedFor ?? sentBy ?? []),
    ...facts.flatMap((record) => (isRefused(record) ? [] : (record.report.username ?? []))),
    ...grants.flatMap(({ report }) => report.username ?? []),
  ]);
  const accountOf: AccountOf = (username) => {
    if (username !== null) return named(username);
    if (sender === null) throw new Error('a report of nobody');
    return sender;
  };
  const outcomes: Outcomes = new Map([
    ...recorded,
    ...(await storeTelemetry(deps, byDevice(telemetry, { sender, now, isImported, accountOf }), { seen, isImported })),
    ...(await storeTrusted(deps, facts, { judged: pulls, accountOf })),
    ...(await storeGrants(deps, grants, { credential, accountOf })),
  ]);
  await refreshPublishers(deps, facts, { now, accountOf });

  return judged(verdicts, isTrusted, (event) => outcomes.get(event));
}

function judged(
  verdicts: readonly Result<AcceptableEvent, EventRefusal | (OverBudget & Pick<EventRefusal, 'insertId'>)>[],
  isTrusted: boolean,
  outcomeOf: (event: AcceptableEvent) => TrustedOutcome | undefined,
): IngestReport {
  return reportOf(
    verdicts.map((verdict, index) => {
      if (!verdict.ok) {
        const { insertId, code, error } = verdict.error;
        return { index, insert_id: insertId, status: 'rejected', code, error };
      }
      const outcome = outcomeOf(verdict.value);
      if (outcome === undefined) throw new Error(`event ${index} was neither stored nor refused`);
      const { insertId } = verdict.value;
      if (typeof outcome === 'object') return { index, insert_id: insertId, status: 'rejected', ...outcome };
      const isUnscored = isTrusted && outcome === 'accepted' && !verdict.value.isScored;
      return { index, insert_id: insertId, status: outcome, ...(isUnscored ? { unscored: true } : {}) };
    }),
  );
}

type ByDeviceContext = {
  readonly sender: AccountId | null;
  readonly now: number;
  readonly isImported: boolean;
  readonly accountOf: AccountOf;
};

function byDevice(
  events: readonly TelemetryRecord[],
  { accountOf, ...context }: ByDeviceContext,
): readonly DeviceBatch[] {
  const batches = new Map<string, DeviceBatch>();
  for (const event of events) {
    const named = event.reportedFor ?? event.sentBy;
    const account = named === null ? null : accountOf(named);
    const isReported = event.reportedFor !== null && account !== null;
    const deviceId = isReported ? trustedDeviceIdOf(account) : deviceIdOf(event.distinctId);
    const sender = isPlaceholder(event.distinctId) && !isReported ? null : (account ?? context.sender);
    const at = context.isImported ? startOfHour(event.hour) : isoOf(context.now);
    const key = `${sender} ${deviceId}`;
    const before = batches.get(key);
    const seenAt = before !== undefined && before.at < at ? before.at : at;
    batches.set(key, { deviceId, sender, at: seenAt, events: [...(before?.events ?? []), event] });
  }
  return [...batches.values()];
}

async function storeTelemetry(
  deps: IngestDeps,
  batches: readonly DeviceBatch[],
  given: { readonly seen: DevicesSeen; readonly isImported: boolean },
): Promise<Outcomes> {
  const placed = await placeDevices(deps.devices, batches, given);
  const hours = new Map<string, HourBatch>();
  for (const { deviceId, sender, events, isOwned = sender !== null } of placed) {
    for (const event of events) {
      const { hour } = event;
      const key = `${hour} ${deviceId}`;
      const before = hours.get(key);
      const sent = [...(before?.sent ?? []), { event, sender }];
      hours.set(key, { deviceId, hour, sent, isOwned: isOwned || before?.isOwned === true });
    }
  }
  const read = await settleAll([...hours.values()], hours.size, async (batch) => {
    return { ...batch, chunks: await deps.devices.chunksLastSeen(batch.deviceId, batch.hour) };
  });
  const stored = await settleAll(read, PARALLEL_WRITES, async ({ deviceId, hour, sent, isOwned, chunks }) => {
    const entries = sent.map(({ event: { id, kind }, sender }) => ({ id, kind, sender }));
    const byId = await storeHour(deps, { deviceId, hour, chunks, isOwned }, entries);
    return firstOfEach(
      sent.map(({ event }) => event),
      ({ id }) => id,
      (event) => byId.get(event.id),
    );
  });
  return new Map(stored.flat());
}

async function storeTrusted(
  deps: IngestDeps,
  records: readonly FactRecord[],
  given: { readonly judged: JudgedPulls; readonly accountOf: AccountOf },
): Promise<Outcomes> {
  const first = [...new Map(records.toReversed().map((record) => [identityOf(record), record])).values()];
  const stored = await settleAll(first, first.length, async (record) => {
    return [record, await recordTrustedEvent(deps, record, given)] as const;
  });
  const outcomes = new Map(stored);
  return new Map(firstOfEach(records, identityOf, (record) => outcomes.get(record)));
}

async function storeGrants(
  deps: IngestDeps,
  records: readonly GrantRecord[],
  { credential, accountOf }: { readonly credential: Credential | undefined; readonly accountOf: AccountOf },
): Promise<Outcomes> {
  if (records.length === 0 || credential === undefined) return new Map();
  const outcomes = await recordGrants(deps, records, { grantedBy: grantedByOf(credential), accountOf });
  return new Map(
    records.flatMap((record, index) => {
      const outcome = outcomes[index];
      return outcome === undefined ? [] : [[record, outcome]];
    }),
  );
}

/**
 * The outcomes of a request's events. Of several copies of one event, only the first can be more than a repeat. A
 * refusal applies to all copies.
 */
function firstOfEach<Event extends AcceptableEvent>(
  events: readonly Event[],
  identityOf: (event: Event) => string,
  outcomeOf: (event: Event) => TrustedOutcome | undefined,
): (readonly [Event, TrustedOutcome])[] {
  const first = new Map<string, TrustedOutcome>();
  return events.map((event) => {
    const identity = identityOf(event);
    const before = first.get(identity);
    if (before !== undefined) return [event, typeof before === 'object' ? before : 'duplicate'];
    const outcome = outcomeOf(event);
    if (outcome === undefined) throw new Error('a stored event has no outcome');
    first.set(identity, outcome);
    return [event, outcome];
  });
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

/**
 * Decides and writes until every chunk is stored as decided. It reads again if another sender came first. The first
 * decision uses chunks as they were a moment ago: new events go into the open chunk, whose condition then fails.
 */
async function storeHour(
  deps: IngestDeps,
  {
    deviceId,
    hour,
    chunks: read,
    isOwned,
  }: Pick<HourBatch, 'deviceId' | 'hour' | 'isOwned'> & { readonly chunks: readonly Chunk[] },
  entries: readonly EventEntry[],
): Promise<ReadonlyMap<string, StoreOutcome>> {
  const acceptedHere = new Set<string>();
  return untilSaved<ReadonlyMap<string, StoreOutcome>>(amongMany(deps, `hour ${hour} of a device`), async (isFirst) => {
    const chunks = isFirst ? read : await deps.devices.chunksOf(deviceId, hour);
    if (isFirst && hasGap(chunks)) return 'stale'; // a strongly consistent one has it only where a chunk has expired
    const { writes, outcomes } = decideHour(chunks, entries);
    for (const { chunk, added } of writes) {
      const isAnonymous = chunk.events.every(({ sender }) => sender === null);
      const expiresAt = isAnonymous && !isOwned ? expiryOf(hour, deps.clock()) : undefined;
      if ((await deps.devices.saveChunk(deviceId, hour, { ...chunk, expiresAt })) === 'stale') return 'stale';
      for (const id of added) acceptedHere.add(id);
    }
    return new Map([...outcomes].map(([id, outcome]) => [id, acceptedHere.has(id) ? 'accepted' : outcome]));
  });
}
