import { GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import * as z from 'zod';
import { type LoggedError, readErrorLine, tailOf } from '../functions/adapters/disk/log-file.ts';
import { jsonOf } from './api.ts';
import type { Connection } from './connection.ts';
import { logHint } from './dead-letter-reason.ts';
import { FED_FUNCTIONS, type QueueDepth } from './queues.ts';

export type FailingFunction = {
  readonly function: string;
  /** The queue that feeds it; null for table streams. */
  readonly queue: string | null;
  /** The tables whose streams it failed at, as far as its log tells; empty for a queue. */
  readonly streams: readonly string[];
  /** Failed messages, records and whole invocations. */
  readonly failed: number;
  readonly withinSeconds: number;
  readonly lastError: string | null;
  /** ISO 8601. */
  readonly lastErrorAt: string | null;
  /** The command that shows all errors of the function. */
  readonly log: string;
};

/**
 * A failed message is retried after its visibility timeout, so the window is at least this long. Streams retry sooner.
 */
const LEAST_SECONDS = 600;
const FAILED_ITEMS = 'FailedItems';
const PERIOD_SECONDS = 300;
/** CloudWatch returns errors from oldest to newest. This is the number of pages to read to find the last one. */
const MAX_LOG_PAGES = 20;
const MAX_SHOWN = 300;

type Fed = (typeof FED_FUNCTIONS)[number] & { readonly since: number };

/** Functions with failed work that is still pending: it has not been delivered again since it failed. */
export async function readFailing(
  connection: Connection,
  queues: ReadonlyMap<string, QueueDepth & { readonly visibilitySeconds: number }>,
  now: number,
): Promise<readonly FailingFunction[]> {
  const fed = FED_FUNCTIONS.flatMap((each): Fed[] => {
    const queue = each.queue === null ? undefined : queues.get(each.queue);
    // failed messages are now done or dead
    if (queue?.waiting === 0 && queue.inFlight === 0 && queue.delayed === 0) return [];
    return [{ ...each, since: now - 1_000 * Math.max(LEAST_SECONDS, queue?.visibilitySeconds ?? 0) }];
  });
  const counts = await (connection.cloudwatch === undefined
    ? countInLogs(connection, fed)
    : countMetrics(connection, fed, now));
  const failing = fed.flatMap((each) => {
    const failed = counts.get(each.role) ?? 0;
    return failed === 0 ? [] : [{ ...each, failed }];
  });
  return Promise.all(
    failing.map(async ({ role, queue, since, failed }) => {
      const { last: error, tables } = await loggedErrors(connection, role, since);
      const stage = connection.functionName(role).slice(0, -role.length); // `laurel-prod-`
      return {
        function: role,
        queue,
        streams: tables.map((table) => table.replace(stage, '')).sort(),
        failed,
        withinSeconds: Math.round((now - since) / 1_000),
        lastError: error?.message.replaceAll(/\s+/g, ' ').slice(0, MAX_SHOWN) ?? null,
        lastErrorAt: error?.at ?? null,
        log: logHint(connection, role),
      };
    }),
  );
}

async function countMetrics(connection: Connection, fed: readonly Fed[], now: number) {
  const query = (Id: string, Namespace: string, MetricName: string, Name: string, role: string) => {
    const Dimensions = [{ Name, Value: connection.functionName(role) }];
    return { Id, MetricStat: { Metric: { Namespace, MetricName, Dimensions }, Period: PERIOD_SECONDS, Stat: 'Sum' } };
  };
  const counts = new Map<string, number>();
  if (connection.cloudwatch === undefined || fed.length === 0) return counts;
  const { MetricDataResults = [] } = await connection.cloudwatch.metrics().send(
    new GetMetricDataCommand({
      MetricDataQueries: fed.flatMap(({ role }, index) => [
        query(`items${index}`, 'Laurel', FAILED_ITEMS, 'service', role),
        query(`errors${index}`, 'AWS/Lambda', 'Errors', 'FunctionName', role),
      ]),
      StartTime: new Date(Math.min(...fed.map(({ since }) => since))),
      EndTime: new Date(now),
    }),
  );
  for (const [index, { role, since }] of fed.entries()) {
    const ours = MetricDataResults.filter(({ Id }) => Id === `items${index}` || Id === `errors${index}`);
    const isRecent = (at: Date | undefined) => at !== undefined && at.getTime() > since - PERIOD_SECONDS * 1_000;
    const values = ours.flatMap(({ Timestamps = [], Values = [] }) =>
      Values.filter((_, at) => isRecent(Timestamps[at])),
    );
    counts.set(
      role,
      values.reduce((sum, value) => sum + value, 0),
    );
  }
  return counts;
}

const FailedLine = z.object({ _aws: z.object({ Timestamp: z.number() }), [FAILED_ITEMS]: z.number() });

/** On a local stack, the metric is read from the function's log, as Lambda extracts it. */
async function countInLogs(connection: Connection, fed: readonly Fed[]) {
  return new Map(
    fed.map(({ role, since }) => {
      const lines = linesOf(connection, role);
      const items = lines.flatMap((line) => {
        const { data } = line.includes(FAILED_ITEMS) ? FailedLine.safeParse(jsonOf(line)) : {};
        return data === undefined || data._aws.Timestamp < since ? [] : [data[FAILED_ITEMS]];
      });
      const thrown = errorsIn(lines, since).filter(({ isThrown }) => isThrown);
      return [role, items.reduce((sum, count) => sum + count, thrown.length)] as const;
    }),
  );
}

async function loggedErrors(connection: Connection, role: string, since: number) {
  let last: LoggedError | undefined;
  const tables = new Set<string>();
  for await (const errors of pagesOfErrors(connection, role, since)) {
    last = errors.at(-1) ?? last;
    for (const { table = '' } of errors) if (table !== '') tables.add(table);
  }
  return { last, tables: [...tables] };
}

async function* pagesOfErrors(
  connection: Connection,
  role: string,
  since: number,
): AsyncGenerator<readonly LoggedError[]> {
  if (connection.cloudwatch === undefined) {
    yield errorsIn(linesOf(connection, role), since);
    return;
  }
  let pages = 0;
  const logGroupName = `/aws/lambda/${connection.functionName(role)}`;
  const filter = { logGroupName, startTime: since, filterPattern: '{ $.level = "ERROR" }' };
  for await (const { events = [] } of paginateFilterLogEvents({ client: connection.cloudwatch.logs() }, filter)) {
    yield events.flatMap(({ message = '' }) => readErrorLine(message) ?? []);
    pages += 1;
    if (pages === MAX_LOG_PAGES) return;
  }
}

const linesOf = (connection: Connection, role: string): readonly string[] => tailOf(connection.logFile(role) ?? '');

const errorsIn = (lines: readonly string[], since: number): readonly LoggedError[] =>
  lines.flatMap((line) => {
    const error = readErrorLine(line);
    return error !== undefined && Date.parse(error.at ?? '') >= since ? [error] : [];
  });
