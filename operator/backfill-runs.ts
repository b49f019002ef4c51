import { setTimeout as sleep } from 'node:timers/promises';
import { QueryCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod';
import type { Connection } from './connection.ts';

/** `backfill_runs` keeps its runs under one key, sorted by their ids, which start with the time of their start. */
const RUNS_PK = 'RUNS';
const NEWEST = 20;
const LOOK_AGAIN_MS = 1_000;

const Run = z
  .object({
    sk: z.string(),
    mode: z.string(),
    dryRun: z.boolean(),
    usernames: z.array(z.string()).nullable(),
    startedAt: z.string(),
    status: z.enum(['running', 'done']),
  })
  .transform(({ sk, ...run }) => ({ runId: sk, ...run }));
export type Run = z.infer<typeof Run>;

/** The newest runs, newest first: read from the table, since asking the function would take an unfinished one up. */
export async function newestRuns(connection: Connection): Promise<readonly Run[]> {
  const { Items = [] } = await connection.dynamodb().send(
    new QueryCommand({
      TableName: connection.tableName('backfill_runs'),
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :runs',
      ExpressionAttributeValues: marshall({ ':runs': RUNS_PK }),
      ScanIndexForward: false,
      Limit: NEWEST,
    }),
  );
  return Items.map((item) => Run.parse(unmarshall(item)));
}

/** Waits for a run that is not among `known` and was asked for like ours; undefined once the signal ends it. */
export async function awaitRun(
  connection: Connection,
  isOurs: (run: Run) => boolean,
  known: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<string | undefined> {
  while (!signal.aborted) {
    const run = (await newestRuns(connection)).find((each) => !known.has(each.runId) && isOurs(each));
    if (run !== undefined) return run.runId;
    await sleep(LOOK_AGAIN_MS);
  }
  return undefined;
}
