import {
  appendFileSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  closeSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { reportedKindsOf } from '../domain/rules/reported-kinds.ts';
import { rulebookOf } from '../domain/rules/current-rules.ts';
import { RulesView } from '../domain/rules/views.ts';
import { activityEventsOf } from '../domain/telemetry/event-kind.ts';
import { IngestReport, type EventResult } from '../domain/telemetry/ingest-telemetry.ts';
import { judgeEvent, type AcceptableEvent, type KnownEvents } from '../domain/telemetry/telemetry-event.ts';
import { MAX_VERSIONS, spend } from '../domain/telemetry/write-budget.ts';
import { dateOf, dateOfHour } from '../domain/shared/utc.ts';
import { sha256 } from '../functions/runtime/environment.ts';
import { callApi, jsonOf, sendHttp } from './api.ts';
import type { HttpAccess } from './connection.ts';
import { eventsOfCsv } from './import-csv.ts';
import { linesOf, type LineFault } from './import-lines.ts';
import { OperatorError, usageError } from './outcome.ts';

export type ImportSource = {
  readonly file: string;
  readonly isCsv: boolean;
  readonly columnOf: ReadonlyMap<string, string>;
  readonly onMark: () => void;
};

/** An event of a file, or what is wrong with its line. */
type Found = { readonly line: number; readonly value: unknown } | LineFault;

const Batch = z.object({ events: z.array(z.unknown()) });

/** The events of a file, one after the other: a file may be larger than memory. */
export async function* eventsIn({ file, isCsv, columnOf, onMark }: ImportSource): AsyncGenerator<Found> {
  const lines = linesOf(file, onMark);
  if (isCsv) {
    yield* eventsOfCsv(file, lines, columnOf);
    return;
  }
  for await (const each of lines) {
    if ('fault' in each) yield each;
    else if (each.text.trim() !== '') {
      const value = jsonOf(each.text);
      if (value === undefined) yield { line: each.line, fault: 'expected JSON' };
      else for (const event of Batch.safeParse(value).data?.events ?? [value]) yield { line: each.line, value: event };
    }
  }
}

/** What the stack's rules name: an event is judged here by the rules of the stack, before it is sent. */
export async function knownEventsOf(http: HttpAccess): Promise<KnownEvents> {
  const view = await callApi(http, { method: 'GET', path: '/v1/rules', answer: RulesView });
  const rules = rulebookOf(
    view.versions.map((each) => each.rules),
    view.inForce,
  );
  return { reported: reportedKindsOf(rules), activity: activityEventsOf(rules.inForce) };
}

export type Refused = {
  readonly line: number;
  readonly code: string;
  readonly error: string;
  readonly event?: unknown;
};

const Progress = z.object({
  fingerprint: z.string(),
  target: z.string(),
  /** Everything up to this line is done. */
  line: z.int(),
  accepted: z.int(),
  duplicates: z.int(),
  refused: z.int(),
  /** The dates of the events. */
  from: z.nullable(z.string()),
  to: z.nullable(z.string()),
  reportBytes: z.int(),
});
export type Progress = z.infer<typeof Progress>;

export const nothingYet = (fingerprint: string, target: string): Progress => ({
  ...{ fingerprint, target, line: 0, accepted: 0, duplicates: 0, refused: 0 },
  ...{ from: null, to: null, reportBytes: 0 },
});

const SAMPLED_BYTES = 1024 * 1024;

/** Tells files apart without reading a whole one: by its size and its beginning, and how it is read. */
export function fingerprintOf({ file, isCsv, columnOf }: ImportSource): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat?.isFile() !== true) throw usageError(`file: there is no file ${file}`);
  const beginning = Buffer.alloc(Math.min(stat.size, SAMPLED_BYTES));
  const opened = openSync(file, 'r');
  try {
    readSync(opened, beginning, 0, beginning.length, 0);
  } finally {
    closeSync(opened);
  }
  const how = JSON.stringify([stat.size, isCsv, [...columnOf]]);
  return createHash('sha256').update(how).update(beginning).digest('hex');
}

/** Where an import goes on after an interruption. It is deleted at the end, so that a repeat sends everything again. */
export const progressFile = (path: string) => ({
  load(fresh: Progress): Progress {
    if (!existsSync(path)) return fresh;
    const { data } = Progress.safeParse(jsonOf(readFileSync(path, 'utf8')));
    if (data?.fingerprint === fresh.fingerprint && data.target === fresh.target) return data;
    throw usageError(`${path} is the progress of another file, --map or stack: delete it, or use --restart`);
  },
  save(progress: Progress): void {
    writeFileSync(`${path}.new`, JSON.stringify(progress), { mode: 0o600 });
    renameSync(`${path}.new`, path); // atomic
  },
  end: () => rmSync(path, { force: true }),
});

/** The refused lines as a file: one JSON object a line. Without any, there is no file. */
export function refusalsFile(path: string, bytes: number) {
  if (bytes === 0) rmSync(path, { force: true });
  else if (existsSync(path)) truncateSync(path, bytes); // what a killed run wrote after its last checkpoint
  let [waiting, written] = ['', bytes];
  const flush = (): number => {
    if (waiting !== '') appendFileSync(path, waiting, { mode: 0o600 });
    written += Buffer.byteLength(waiting);
    waiting = '';
    return written;
  };
  return {
    add(refused: Refused): void {
      waiting += `${JSON.stringify(refused)}\n`;
      if (waiting.length > SAMPLED_BYTES) flush();
    },
    flush,
  };
}

const MAX_EVENTS = 2_000;
/** Half of what the API takes. */
const MAX_BATCH_BYTES = 2 * 1024 * 1024;
/** Of lines that nothing is sent of: in a dry run, or where all are refused. */
const LINES_A_CHECKPOINT = 10_000;
const isOverBudget = (code: string | undefined): boolean => code?.startsWith('too_many_') === true;

type Due = { readonly line: number; readonly value: unknown };

export type Import = {
  readonly source: ImportSource;
  readonly known: KnownEvents;
  readonly http: HttpAccess;
  readonly isDryRun: boolean;
  readonly now: number;
  readonly begin: Progress;
  readonly onProgress: (progress: Progress) => void;
  readonly onRefused: (refused: Refused) => void;
  readonly flushReport: () => number;
  readonly signal: AbortSignal;
};

/**
 * Judges the events of a file and sends them in order, in requests that fit the budget of one. Memory does not grow with
 * the file. Killed at any point, it goes on after the last answered request; what is sent again is a duplicate.
 */
export async function importEvents(task: Import): Promise<Progress> {
  const { begin, known, now, isDryRun } = task;
  let progress = begin;
  let due: Due[] = [];
  let [bytes, versions, fits] = [0, 0, spend({ kind: 'admin' })];
  const renew = () => {
    [bytes, versions, fits] = [0, 0, spend({ kind: 'admin' })];
  };
  const refuse = (refused: Refused) => {
    progress = { ...progress, refused: progress.refused + 1 };
    task.onRefused(refused);
  };
  const checkpoint = (line: number) => {
    progress = { ...progress, line, reportBytes: task.flushReport() };
    task.onProgress(progress);
  };
  const send = async (throughLine: number): Promise<void> => {
    while (due.length > 0) {
      const results = await post(task.http, due);
      const over = due.filter((_, index) => isOverBudget(results[index]?.code));
      const isStuck = over.length === due.length;
      for (const [index, { line, value }] of due.entries()) {
        const { status, code = '', error = '' } = results[index] ?? {};
        if (status === 'accepted') progress = { ...progress, accepted: progress.accepted + 1 };
        else if (status === 'duplicate') progress = { ...progress, duplicates: progress.duplicates + 1 };
        else if (isStuck || !isOverBudget(code)) refuse({ line, code, error, event: value });
      }
      due = isStuck ? [] : over;
    }
    renew();
    checkpoint(throughLine);
  };

  let last = begin.line;
  for await (const found of eventsIn(task.source)) {
    if (found.line <= begin.line) continue;
    if (found.line !== last) {
      if (bytes >= MAX_BATCH_BYTES || due.length === MAX_EVENTS) await send(last);
      if (task.signal.aborted) break;
      if (due.length === 0 && found.line % LINES_A_CHECKPOINT === 0) checkpoint(last);
      last = found.line;
    }
    if ('fault' in found) {
      refuse({ line: found.line, code: 'invalid_line', error: found.fault });
      continue;
    }
    const { line, value } = found;
    const judged = judgeEvent(value, { now, isTrusted: true, isImported: true, sha256, known });
    if (!judged.ok) {
      refuse({ line, code: judged.error.code, error: judged.error.error, event: value });
      continue;
    }
    progress = withDate(progress, judged.value);
    if (isDryRun) {
      progress = { ...progress, accepted: progress.accepted + 1 };
      continue;
    }
    const isVersion = judged.value.type === 'trusted' && judged.value.report.kind === 'version';
    const isBeyond = fits(judged.value) !== undefined || (isVersion && versions === MAX_VERSIONS);
    if (isBeyond || due.length === MAX_EVENTS) {
      await send(line - 1);
      fits(judged.value);
    }
    versions += isVersion ? 1 : 0;
    bytes += JSON.stringify(value).length;
    due.push({ line, value });
  }
  if (!task.signal.aborted) await send(last);
  return progress;
}

function withDate(progress: Progress, event: AcceptableEvent): Progress {
  const date = event.type === 'telemetry' ? dateOfHour(event.hour) : dateOf(event.at);
  const { from, to } = progress;
  return { ...progress, from: from === null || date < from ? date : from, to: to === null || date > to ? date : to };
}

const Problem = z.object({ error: z.string(), code: z.string() });

/** One request: the API answers for each event, also where it refuses all of them. */
async function post({ baseUrl, adminKey }: HttpAccess, due: readonly Due[]): Promise<readonly EventResult[]> {
  const { status, text } = await sendHttp(baseUrl, {
    method: 'POST',
    path: '/v1/import',
    headers: { 'x-api-key': adminKey, 'content-type': 'application/json' },
    body: JSON.stringify({ events: due.map(({ value }) => value) }),
  });
  const answer = jsonOf(text);
  const report = IngestReport.safeParse(answer).data;
  if (report !== undefined) return report.results;
  const { error = `/v1/import answered ${status}`, code = `http_${status}` } = Problem.safeParse(answer).data ?? {};
  throw new OperatorError(code, `${error}: run the same command again to continue from here`);
}
