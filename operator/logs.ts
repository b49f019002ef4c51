import { paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import * as z from 'zod';
import { settleAll } from '../domain/shared/settle-all.ts';
import { tailOf } from '../functions/adapters/disk/log-file.ts';
import { jsonOf } from './api.ts';
import type { Connection } from './connection.ts';

export type LogLine = {
  readonly function: string;
  /** ISO 8601; null if the line does not tell, and none before it does. */
  readonly at: string | null;
  readonly text: string;
};

/** Reads the lines of some functions' logs, in the order of time. Each read returns what is new since the one before. */
export type Logs = { read(): Promise<readonly LogLine[]> };

/** CloudWatch shows a line some seconds after it was written: this much is read again. */
const LATE_MS = 30_000;
/** Requests for log groups at the same time. */
const PARALLEL = 4;

export function openLogs(connection: Connection, roles: readonly string[], since: number): Logs {
  const readers = roles.map((role) => {
    const { cloudwatch } = connection;
    return cloudwatch === undefined
      ? fileReader(connection, role, since)
      : groupReader(connection, role, since, cloudwatch.logs);
  });
  return {
    async read() {
      const lines = (await settleAll(readers, PARALLEL, (read) => read())).flat();
      return lines.toSorted((a, b) => (a.at ?? '').localeCompare(b.at ?? '')); // keeps the order of lines of one time
    },
  };
}

type Reader = () => Promise<readonly LogLine[]>;

const Timed = z.union([
  z.object({ timestamp: z.iso.datetime() }).transform(({ timestamp }) => Date.parse(timestamp)),
  z.object({ _aws: z.object({ Timestamp: z.number() }) }).transform(({ _aws }) => _aws.Timestamp),
]);

/** A local log. A line without a time is as old as the one before it. Trimming a file in between loses no line. */
function fileReader(connection: Connection, role: string, since: number): Reader {
  const file = connection.logFile(role) ?? '';
  let seen: readonly string[] = [];
  return async () => {
    const lines = [...tailOf(`${file}.old`), ...tailOf(file)].filter((line) => line !== '');
    const fresh = lines.slice(overlapOf(seen, lines));
    const isFirst = seen.length === 0;
    seen = lines;
    let time: number | undefined;
    return fresh.flatMap((text): LogLine[] => {
      time = Timed.safeParse(jsonOf(text)).data ?? time;
      if (isFirst && time !== undefined && time < since) return [];
      return [{ function: role, at: time === undefined ? null : new Date(time).toISOString(), text }];
    });
  };
}

/** How many of the lines were seen before: the front of the file may have gone meanwhile. */
function overlapOf(seen: readonly string[], lines: readonly string[]): number {
  const last = seen.at(-1);
  if (last === undefined) return 0;
  for (let index = lines.length - 1; index >= 0; index -= 1) {
    const isSame = lines[index] === last && (index === 0 || seen.length < 2 || lines[index - 1] === seen.at(-2));
    if (isSame) return index + 1;
  }
  return 0;
}

/** A log group in CloudWatch. */
function groupReader(
  connection: Connection,
  role: string,
  since: number,
  logs: NonNullable<Connection['cloudwatch']>['logs'],
): Reader {
  const logGroupName = `/aws/lambda/${connection.functionName(role)}`;
  let startTime = since;
  let seen: ReadonlySet<string> = new Set();
  return async () => {
    const lines: LogLine[] = [];
    const ids = new Set<string>();
    let newest = startTime;
    for await (const { events = [] } of paginateFilterLogEvents({ client: logs() }, { logGroupName, startTime })) {
      for (const { eventId = '', timestamp = startTime, message = '' } of events) {
        ids.add(eventId);
        newest = Math.max(newest, timestamp);
        if (seen.has(eventId)) continue;
        lines.push({ function: role, at: new Date(timestamp).toISOString(), text: message.trimEnd() });
      }
    }
    seen = ids;
    startTime = Math.max(startTime, newest - LATE_MS);
    return lines;
  };
}
