import * as z from 'zod/mini';
import type { AccountId } from '../identity/account.ts';
import { Username } from '../identity/username.ts';
import { rulebook } from '../rules/current-rules.ts';
import { reportedKindsOf, type ReportedKind } from '../rules/reported-kinds.ts';
import { err, ok, type Result } from '../shared/result.ts';
import type { Sha256 } from '../shared/environment.ts';
import { check, sentenceOf, withoutNulls } from '../shared/faults.ts';
import { isLargerThan, printableText } from '../shared/text.ts';
import { hourOf, IsoTime, MILLISECONDS_PER_DAY, MILLISECONDS_PER_HOUR, type UtcHour } from '../shared/utc.ts';
import { canonicalJson } from './canonical-json.ts';
import type { EventKind } from './device-hour.ts';
import { activityEventsOf, kindOf, type ActivityEvents } from './event-kind.ts';
import { isBuiltIn, readBuiltIn, readReported, type TrustedReport } from './trusted-event.ts';

const MAX_EVENT_BYTES = 32 * 1024;
/** Deeper than any client's event, and far below the depth at which a recursive reader runs out of stack. */
const MAX_DEPTH = 64;
/** Clients' clocks run ahead. */
const MAX_AHEAD_MS = MILLISECONDS_PER_DAY;
/** Days are sealed at 36, so nothing later than this reaches a sealed day but a request under way over midnight. */
const MAX_AGE_MS = 35 * MILLISECONDS_PER_DAY;

/** Dates in any request begin with this one. */
const FIRST_IMPORTED_MS = Date.parse('2000-01-01T00:00:00.000Z');

const MAX_ID = { characters: 128, bytes: 512 };
const EXPECTED_NAME = 'expected 1 to 64 of a-z 0-9 _ starting with a letter';

/** The name that a client gives its installation. */
export const DistinctId = printableText(MAX_ID);

export const TelemetryEvent = z.object({
  event: z.string(EXPECTED_NAME).check(z.regex(/^[a-z][a-z0-9_]{0,63}$/, EXPECTED_NAME)),
  distinct_id: DistinctId,
  insert_id: z.optional(printableText(MAX_ID)),
  timestamp: z.optional(IsoTime),
  properties: z.optional(z.looseObject({})),
});
/** The actor that a trusted key names. It is not read from any other key. */
const ReportedFor = z.object({ properties: z.object({ username: z.optional(Username) }) });
const StartedAt = z.object({ properties: z.object({ startedAt: z.optional(IsoTime) }) });

/** An event that passed every rule that needs no stored data. */
export type AcceptableEvent = TelemetryRecord | TrustedRecord;

export type TelemetryRecord = {
  readonly type: 'telemetry';
  readonly insertId: string;
  /** 16 hexadecimal digits: the first 8 bytes of the SHA-256 of `insertId`. */
  readonly id: string;
  readonly distinctId: string;
  /** The actor that a trusted key names; null if it names nobody, and always null for other keys. */
  readonly reportedFor: Username | null;
  /** In an import, the account whose key sent it; else null: the request's own key tells. */
  readonly sentBy: Username | null;
  readonly hour: UtcHour;
  readonly kind: EventKind;
  /** Whether the rules in force give anything for such an event. */
  readonly isScored: boolean;
};

export type TrustedRecord = {
  readonly type: 'trusted';
  readonly insertId: string;
  readonly distinctId: string;
  readonly report: TrustedReport;
  /** Epoch milliseconds: the event's own time, or the time of its receipt. */
  readonly at: number;
  readonly isScored: boolean;
};

export type EventRefusalCode =
  | 'invalid_event'
  | 'event_too_large'
  | 'missing_scope'
  | 'timestamp_missing'
  | 'timestamp_in_future'
  | 'timestamp_too_old';
export type EventRefusal = {
  readonly code: EventRefusalCode;
  readonly error: string;
  /** The sender's own id, if it could be read. */
  readonly insertId: string | null;
};

/** How deep a JSON value nests, told without recursion; stops counting past `limit`. */
function isDeeperThan(value: unknown, limit: number): boolean {
  const hasFields = (item: unknown): item is object => typeof item === 'object' && item !== null;
  let level = [value].filter(hasFields);
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth >= limit) return true;
    level = level.flatMap((item) => Object.values(item).filter(hasFields));
  }
  return false;
}

/** The id that an event without `insert_id` gets: from its whole content, so that an identical retry is a duplicate. */
const derivedInsertId = (raw: unknown, sha256: Sha256): string => `sha256:${sha256(canonicalJson(raw))}`;

/** Kinds of events in addition to the names that the code knows. */
export type KnownEvents = {
  readonly reported: ReadonlyMap<string, ReportedKind>;
  readonly activity: ActivityEvents;
};
const KNOWN: KnownEvents = { reported: reportedKindsOf(rulebook), activity: activityEventsOf(rulebook.inForce) };

export type JudgeContext = {
  readonly now: number;
  readonly isTrusted: boolean;
  /** The account whose key sent it, if it is a personal key. */
  readonly sender?: AccountId | null;
  /** Whether it is of an import: of any age, with a time of its own, and it names its sender. */
  readonly isImported?: boolean;
  readonly sha256: Sha256;
  /** The default is the rules of this release. */
  readonly known?: KnownEvents;
};

/**
 * Judges one record of a request by the rules of the contract: shape, size, scope and time. Pure: `now` is the time of
 * receipt in epoch milliseconds.
 */
export function judgeEvent(sent: unknown, context: JudgeContext): Result<AcceptableEvent, EventRefusal> {
  const { sender = null, isImported = false, known = KNOWN } = context;
  const refuse = (code: EventRefusalCode, error: string, insertId: string | null = null) =>
    err({ code, error, insertId });

  const raw = withoutNulls(sent);
  if (isDeeperThan(raw, MAX_DEPTH)) return refuse('invalid_event', `event: nested deeper than ${MAX_DEPTH} levels`);
  const checked = check(TelemetryEvent, raw, 'event');
  if (!checked.ok) return refuse('invalid_event', sentenceOf(checked.error), readableInsertId(raw));
  const { event, distinct_id: distinctId, insert_id: sentInsertId, timestamp } = checked.value;
  const properties = withoutNulls(checked.value.properties ?? {});
  const refuseThis = (code: EventRefusalCode, error: string) => refuse(code, error, sentInsertId ?? null);

  if (isLargerThan(JSON.stringify(raw), MAX_EVENT_BYTES)) {
    return refuseThis('event_too_large', `event: larger than ${MAX_EVENT_BYTES} bytes`);
  }
  const reportedKind = known.reported.get(event);
  const isReport = isBuiltIn(event) || reportedKind !== undefined;
  const isOwn = reportedKind?.isOpen === true && sender !== null;
  if (isReport && !context.isTrusted && !isOwn) {
    const needed = reportedKind?.isOpen === true ? 'a personal key, or the' : 'the';
    return refuseThis('missing_scope', `event: ${event} requires ${needed} telemetry:trusted scope`);
  }

  const time = timeOf(timestamp, properties, { now: context.now, isImported });
  if (!time.ok) {
    // A server may leave the time out for a fact that has just happened.
    const isTimeless = isReport && context.isTrusted && !isImported && time.error.code === 'timestamp_missing';
    if (!isTimeless) return refuseThis(time.error.code, time.error.error);
  }
  const at = time.ok ? time.value : context.now;
  const insertId = sentInsertId ?? derivedInsertId(raw, context.sha256);

  const report = isBuiltIn(event)
    ? readBuiltIn(event, properties, isImported)
    : reportedKind && readReported(reportedKind, properties, context.isTrusted ? null : sender);
  if (report !== undefined) {
    const isScored = reportedKind?.isScored ?? true;
    if (report.ok) return ok({ type: 'trusted', insertId, distinctId, report: report.value, at, isScored });
    return refuseThis('invalid_event', sentenceOf(report.error));
  }

  const reported = check(ReportedFor, { properties: context.isTrusted ? properties : {} }, 'event');
  if (!reported.ok) return refuseThis('invalid_event', sentenceOf(reported.error));
  const id = context.sha256(insertId).slice(0, 16);
  const named = reported.value.properties.username ?? null;
  return ok({
    type: 'telemetry',
    insertId,
    id,
    distinctId,
    reportedFor: isImported ? null : named,
    sentBy: isImported ? named : null,
    hour: hourOf(at),
    kind: kindOf(event, properties, known.activity),
    isScored: known.activity.has(event),
  });
}

/** An event's own time in epoch milliseconds, if it has one within the bounds of the contract. */
function timeOf(
  timestamp: string | undefined,
  properties: unknown,
  { now, isImported }: { readonly now: number; readonly isImported: boolean },
): Result<number, { readonly code: EventRefusalCode; readonly error: string }> {
  const started = check(StartedAt, { properties: timestamp === undefined ? properties : {} }, 'event');
  if (!started.ok) return err({ code: 'invalid_event', error: sentenceOf(started.error) });
  const time = timestamp ?? started.value.properties.startedAt;
  if (time === undefined) {
    const error = 'timestamp: missing, expected an ISO 8601 time here or in properties.startedAt';
    return err({ code: 'timestamp_missing', error });
  }
  const epochMs = Date.parse(time);
  if (epochMs > now + MAX_AHEAD_MS) {
    const error = `timestamp: more than ${MAX_AHEAD_MS / MILLISECONDS_PER_HOUR} hours ahead`;
    return err({ code: 'timestamp_in_future', error });
  }
  if (isImported && epochMs < FIRST_IMPORTED_MS) {
    return err({ code: 'timestamp_too_old', error: 'timestamp: before the year 2000' });
  }
  if (!isImported && epochMs < now - MAX_AGE_MS) {
    const error = `timestamp: older than ${MAX_AGE_MS / MILLISECONDS_PER_DAY} days`;
    return err({ code: 'timestamp_too_old', error });
  }
  return ok(epochMs);
}

const readableInsertId = (raw: unknown): string | null => {
  const parsed = z.object({ insert_id: z.string().check(z.maxLength(128)) }).safeParse(raw);
  return parsed.success ? parsed.data.insert_id : null;
};
