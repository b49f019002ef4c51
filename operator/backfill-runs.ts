import { setTimeout as sleep } from 'node:timers/promises';
import { QueryCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { BackfillRun } from '../domain/backfill/backfill-run.ts';
import { parseRunItem, RUNS_PK } from '../functions/adapters/dynamodb/backfill/backfill-run.items.ts';
import type { Connection } from './connection.ts';

const NEWEST = 20;
const LOOK_AGAIN_MS = 1_000;

export type Run = Omit<BackfillRun, 'order'> & BackfillRun['order'];
const shown = ({ order, ...run }: BackfillRun): Run => ({ ...run, ...order });

/**
 * The newest runs, newest first. They are read from the table, because a call of the function would continue an
 * unfinished run.
 */
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
  return Items.map((item) => shown(parseRunItem(item)));
}

/**
 * Waits for a run that is not among `known` and has the same options as ours. Returns undefined if the signal aborts.
 */
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
