import { existsSync } from 'node:fs';
import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { GetMetricDataCommand, type MetricDataQuery } from '@aws-sdk/client-cloudwatch';
import { GetAccountSettingsCommand, paginateListEventSourceMappings } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import type { UsernamePage } from '../domain/backfill/username-source.port.ts';
import { computedByNow } from '../domain/scoring/user-metrics.ts';
import { dateOf } from '../domain/shared/utc.ts';
import { dynamoRulesVersions } from '../functions/adapters/dynamodb/leaderboards/standings.ts';
import { tailOf } from '../functions/adapters/disk/log-file.ts';
import { dynamoUsernameSources } from '../functions/adapters/dynamodb/backfill/username-sources.ts';
import { sha256 } from '../functions/runtime/environment.ts';
import { jsonOf } from './api.ts';
import { type FailingFunction, readFailing } from './failing.ts';
import { newestRuns, type Run } from './backfill-runs.ts';
import type { Connection } from './connection.ts';
import { OperatorError } from './outcome.ts';
import { isDeadLetterRole, type QueueDepth, readQueue } from './queues.ts';

const REFRESH = 'refresh-score';
const LAG_METRIC = 'RefreshLag';
const HOUR_MS = 3_600_000;
const PERIOD_SECONDS = 300;

export type QueueStatus = QueueDepth & {
  readonly queue: string;
  readonly isDeadLetters: boolean;
  /** Null if it is unknown, or if no message waits. */
  readonly oldestAgeSeconds: number | null;
};

/** `idle`: nothing was refreshed in that time. `unknown`: no source has the metric. */
export type RefreshLag = { readonly state: 'measured' | 'idle' | 'unknown'; readonly lastHourMaxMs: number | null };

export type StackStatus = {
  readonly stack: string;
  readonly queues: readonly QueueStatus[];
  /** Functions that fail on their messages or records. */
  readonly failing: readonly FailingFunction[];
  readonly refreshLag: RefreshLag;
  /** Users with a score of other rules, or one that was due to change by today; null if the stack cannot tell. */
  readonly staleUsers: number | null;
  /** The number of scores per version of the rules, in order. */
  readonly rulesVersions: Readonly<Record<string, number>> | null;
  /** The newest run that was not a dry run; null if there is none, or if it is unknown. */
  readonly lastBackfill: Run | null;
  /** Invocations at a time; null for a local stack. */
  readonly concurrency: Concurrency | null;
  /** The address of the API, and whether it is CloudFront's; null for a local stack. */
  readonly address: { readonly url: string; readonly isEdge: boolean } | null;
};

export type Concurrency = {
  /** What the account allows. */
  readonly account: number;
  /** What no function has reserved. */
  readonly unreserved: number;
  /** What the workers use at most, by the limits of their queues and streams. */
  readonly workers: number;
};

export async function readStatus(connection: Connection, now: number): Promise<StackStatus> {
  const urls = [...(await connection.queues())].toSorted(([a], [b]) => a.localeCompare(b));
  const measured = await measure(
    connection,
    urls.map(([role]) => role),
    now,
  );
  const queues = [];
  const fed = new Map<string, Awaited<ReturnType<typeof readQueue>>>();
  for (const [role, url] of urls) {
    const queue = await readQueue(connection.sqs(), url);
    const { waiting, inFlight, delayed } = queue;
    fed.set(role, queue);
    const oldestAgeSeconds = measured?.ages.get(role) ?? null;
    queues.push({ queue: role, isDeadLetters: isDeadLetterRole(role), waiting, inFlight, delayed, oldestAgeSeconds });
  }
  return {
    stack: connection.name,
    queues,
    failing: await readFailing(connection, fed, now),
    refreshLag: measured?.lag ?? lagFromLog(connection.logFile(REFRESH), now),
    staleUsers: await ifThere(() => countStale(connection, now)),
    rulesVersions: await ifThere(() => countRulesVersions(connection)),
    lastBackfill: await ifThere(() => lastBackfill(connection)),
    concurrency: connection.cloudwatch === undefined ? null : await readConcurrency(connection),
    address: await readAddress(connection),
  };
}

/** The stack's own output: with `LAUREL_EDGE=on` it is the address of CloudFront. */
export async function readAddress({ cloudformation, target }: Connection): Promise<StackStatus['address']> {
  if (cloudformation === undefined || target.kind === 'local') return null;
  const { Stacks = [] } = await cloudformation().send(
    new DescribeStacksCommand({ StackName: `Laurel-${target.stage}` }),
  );
  const url = Stacks[0]?.Outputs?.find(({ OutputKey }) => OutputKey === 'ApiUrl')?.OutputValue;
  return url === undefined ? null : { url, isEdge: new URL(url).hostname.endsWith('.cloudfront.net') };
}

export async function readConcurrency({ lambda, functions, functionName }: Connection): Promise<Concurrency> {
  const client = lambda();
  const { AccountLimit } = await client.send(new GetAccountSettingsCommand());
  const { ConcurrentExecutions: account = 0, UnreservedConcurrentExecutions: unreserved = 0 } = AccountLimit ?? {};
  const names = new Set(functions.map(functionName));
  let workers = 0;
  for await (const { EventSourceMappings = [] } of paginateListEventSourceMappings({ client }, {})) {
    for (const { FunctionArn = '', ScalingConfig, ParallelizationFactor = 1 } of EventSourceMappings) {
      if (!names.has(FunctionArn.split(':')[6] ?? '')) continue;
      workers += ScalingConfig?.MaximumConcurrency ?? ParallelizationFactor;
    }
  }
  return { account, unreserved, workers };
}

const lastBackfill = async (connection: Connection): Promise<Run | null> =>
  (await newestRuns(connection)).find(({ dryRun }) => !dryRun) ?? null;

/** Reads one index entry per stale user, and none of the others. */
async function countStale(connection: Connection, now: number): Promise<number> {
  const { tableName } = connection;
  const tables = { accounts: tableName('accounts'), scores: tableName('user_scores') };
  const stale = new Set<string>();
  for (const source of dynamoUsernameSources(connection.dynamodb(), tables, computedByNow(sha256)).stale) {
    for (let segment = 0; segment < source.segments; segment += 1) {
      for (let position: string | null = null, isFirst = true; isFirst || position !== null; isFirst = false) {
        const page: UsernamePage = await source.page(segment, position, dateOf(now));
        for (const account of page.usernames) stale.add(account);
        position = page.next;
      }
    }
  }
  return stale.size;
}

/** Reads the same entries as a build of the boards. */
async function countRulesVersions(connection: Connection): Promise<Readonly<Record<string, number>>> {
  const counts = new Map<string, number>();
  const versions = dynamoRulesVersions(connection.dynamodb(), connection.tableName('user_scores'));
  for await (const version of versions) counts.set(version, (counts.get(version) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Null on a stack of an older release without this resource. */
async function ifThere<Value>(read: () => Promise<Value>): Promise<Value | null> {
  try {
    return await read();
  } catch (error) {
    const isAbsent =
      (error instanceof OperatorError && error.code === 'not_there') ||
      (error instanceof Error && error.name === 'ResourceNotFoundException');
    if (isAbsent) return null;
    throw error;
  }
}

type Measured = { readonly ages: ReadonlyMap<string, number>; readonly lag: RefreshLag };

/** Measures that SQS itself does not report: message ages, from CloudWatch if there is one. */
async function measure(connection: Connection, roles: readonly string[], now: number): Promise<Measured | undefined> {
  const client = connection.cloudwatch?.metrics();
  if (client === undefined) return undefined;
  const ages = roles.map((role, index) =>
    query(`age${index}`, 'AWS/SQS', 'ApproximateAgeOfOldestMessage', 'QueueName', connection.queueName(role)),
  );
  const lag = query('lag', 'Laurel', LAG_METRIC, 'service', connection.functionName(REFRESH));
  const { MetricDataResults = [] } = await client.send(
    new GetMetricDataCommand({
      MetricDataQueries: [...ages, lag],
      StartTime: new Date(now - HOUR_MS),
      EndTime: new Date(now),
      ScanBy: 'TimestampDescending',
    }),
  );
  const values = new Map(MetricDataResults.map(({ Id, Values = [] }) => [Id, Values]));
  const lags = values.get('lag') ?? [];
  return {
    ages: new Map(
      roles.flatMap((role, index): [string, number][] => {
        const newest = values.get(`age${index}`)?.[0];
        return newest === undefined ? [] : [[role, newest]];
      }),
    ),
    lag: lagOf(lags),
  };
}

const query = (Id: string, Namespace: string, MetricName: string, Name: string, Value: string): MetricDataQuery => ({
  Id,
  MetricStat: {
    Metric: { Namespace, MetricName, Dimensions: [{ Name, Value }] },
    Period: PERIOD_SECONDS,
    Stat: 'Maximum',
  },
});

const lagOf = (lags: readonly number[]): RefreshLag =>
  lags.length === 0
    ? { state: 'idle', lastHourMaxMs: null }
    : { state: 'measured', lastHourMaxMs: lags.reduce((most, lag) => Math.max(most, lag)) };

const LagLine = z.object({ timestamp: z.iso.datetime(), [LAG_METRIC]: z.number() });

/** On a local stack, the metric is read from the function's log, as a filter of the log extracts it. */
function lagFromLog(file: string | undefined, now: number): RefreshLag {
  if (file === undefined || !existsSync(file)) return { state: 'unknown', lastHourMaxMs: null };
  const lags = tailOf(file)
    .filter((line) => line.includes(LAG_METRIC))
    .flatMap((line) => {
      const { data } = LagLine.safeParse(jsonOf(line));
      return data === undefined || Date.parse(data.timestamp) < now - HOUR_MS ? [] : [data[LAG_METRIC]];
    });
  return lagOf(lags);
}
