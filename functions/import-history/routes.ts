import * as z from 'zod/mini';
import { check, sentenceOf } from '../../domain/shared/faults.ts';
import { IngestReport, ingestTelemetry, type IngestDeps } from '../../domain/telemetry/ingest-telemetry.ts';
import type { VersionDeps } from '../../domain/telemetry/record-versions.ts';
import { TelemetryEvent } from '../../domain/telemetry/telemetry-event.ts';
import { countsOf, eventsOf, MAX_EVENTS, refusedBody } from '../ingest-telemetry/routes.ts';
import { problem } from '../runtime/problems.ts';
import { TELEMETRY_BODY } from '../runtime/request-body.ts';
import { route, type HttpDeps } from '../runtime/route.ts';

export type ImportDeps = HttpDeps & IngestDeps & { readonly versions: VersionDeps };

const Options = z.object({ dryRun: z._default(z.boolean('expected true or false'), false) });

export const routes = [
  route({
    method: 'POST',
    path: '/v1/import',
    summary: 'Record the past: facts of any age, each once, however often and by whatever way they are sent',
    access: { scope: 'history:import' },
    request: z.object({ body: z.unknown() }),
    bodyLimits: TELEMETRY_BODY,
    documentedBody: z.object({
      events: z.array(TelemetryEvent).check(z.minLength(1)),
      /** Judges every event and stores none. */
      dryRun: z.optional(z.boolean()),
    }),
    answers: {
      202: { description: 'At least one event was accepted or was a duplicate', schema: IngestReport },
      400: { description: 'Every event was rejected', schema: IngestReport },
    },
    problems: ['too_large', 'invalid_json', 'unsupported_encoding'],
    async handle({ body }, deps: ImportDeps, { credential }) {
      const events = eventsOf(body);
      if (!events.ok) return refusedBody(events.error);
      const options = check(Options, body, 'body');
      if (!options.ok) return problem('invalid_body', sentenceOf(options.error), { details: options.error });
      if (events.value.length > MAX_EVENTS) return problem('too_large', `events: more than ${MAX_EVENTS}`);
      const history = { versions: deps.versions, dryRun: options.value.dryRun };
      const report = await ingestTelemetry(deps, { events: events.value, credential, history });
      return { status: report.rejected === events.value.length ? 400 : 202, body: report, counts: countsOf(report) };
    },
  }),
];
