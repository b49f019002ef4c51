import * as z from 'zod/mini';
import { hasScope } from '../../domain/identity/credential.ts';
import { IngestReport, ingestTelemetry, type IngestDeps } from '../../domain/telemetry/ingest-telemetry.ts';
import { check, sentenceOf, type Fault } from '../../domain/shared/faults.ts';
import { err, ok, type Result } from '../../domain/shared/result.ts';
import { TelemetryEvent } from '../../domain/telemetry/telemetry-event.ts';
import { problem, type Reply } from '../runtime/problems.ts';
import { TELEMETRY_BODY } from '../runtime/request-body.ts';
import { route, type HttpDeps } from '../runtime/route.ts';

export const MAX_EVENTS = 2_000;

/** One event or a batch. Events are judged one by one later, so their content is not checked here. */
const EXPECTED = 'expected an event, or a non-empty array of them in events';
const Batch = z.object({ events: z.array(z.unknown(), EXPECTED).check(z.minLength(1, EXPECTED)) });

export const routes = [
  route({
    method: 'POST',
    path: '/ingest',
    summary: 'Send one telemetry event, or a batch',
    access: 'anonymous-or-key',
    admitsLate: true,
    request: z.object({ body: z.unknown() }),
    bodyLimits: TELEMETRY_BODY,
    documentedBody: z.union([TelemetryEvent, z.object({ events: z.array(TelemetryEvent).check(z.minLength(1)) })]),
    answers: {
      202: { description: 'At least one event was accepted or was a duplicate', schema: IngestReport },
      400: { description: 'Every event was rejected', schema: IngestReport },
    },
    problems: ['unknown_key', 'missing_scope', 'too_large', 'invalid_json', 'unsupported_encoding'],
    async handle({ body }, deps: IngestDeps & HttpDeps, { credential, isAccountThere }) {
      // A server that may speak for others may also send events of its own.
      const maySend =
        credential === undefined ||
        hasScope(credential, 'telemetry:write') ||
        hasScope(credential, 'telemetry:trusted');
      if (!maySend) return problem('missing_scope', 'this requires the telemetry:write scope');

      const events = eventsOf(body);
      if (!events.ok) return refusedBody(events.error);
      if (events.value.length > MAX_EVENTS) return problem('too_large', `events: more than ${MAX_EVENTS}`);
      const report = await ingestTelemetry(deps, { events: events.value, credential, isAccountThere });
      return { status: report.rejected === events.value.length ? 400 : 202, body: report, counts: countsOf(report) };
    },
  }),
];

export const refusedBody = (faults: readonly Fault[]): Reply =>
  problem('invalid_body', sentenceOf(faults), { details: faults, status: 400 });

export function eventsOf(body: unknown): Result<readonly unknown[], readonly Fault[]> {
  if (typeof body !== 'object' || body === null) return err([{ field: 'body', expected: EXPECTED }]);
  if (Object.hasOwn(body, 'event') && !Object.hasOwn(body, 'events')) return ok([body]);
  const batch = check(Batch, body, 'body');
  return batch.ok ? ok(batch.value.events) : batch;
}

/**
 * The request's metrics: `Accepted`, and above zero `Duplicates` and `Rejected.<code>`. Zeros are left out, because
 * each byte of a log line costs.
 */
export function countsOf({ accepted, duplicates, results }: IngestReport): Record<string, number> {
  const counts = new Map([['Accepted', accepted], ...(duplicates > 0 ? [['Duplicates', duplicates] as const] : [])]);
  for (const { code } of results) {
    if (code !== undefined) counts.set(`Rejected.${code}`, (counts.get(`Rejected.${code}`) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}
