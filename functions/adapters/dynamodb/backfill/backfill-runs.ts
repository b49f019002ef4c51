import {
  BatchWriteItemCommand,
  GetItemCommand,
  paginateQuery,
  QueryCommand,
  UpdateItemCommand,
  type DynamoDBClient,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { keyOfTask, newTask, segmentOf, type Task } from '../../../../domain/backfill/backfill-run.ts';
import type { BackfillRuns } from '../../../../domain/backfill/backfill-runs.port.ts';
import type { Random, RandomToken, Sleep } from '../../../../domain/shared/environment.ts';
import { settleAll } from '../../../../domain/shared/settle-all.ts';
import {
  parseRunItem,
  parseTaskItem,
  planPk,
  plannedSk,
  PlannedItem,
  runKey,
  runPk,
  RUNS_PK,
  TASK_PREFIX,
  toPlannedItem,
  toRunItem,
  toTaskItem,
  usernameOfPlanned,
} from './backfill-run.items.ts';
import { ifAt, ifNew, ifThere } from '../shared/conditions.ts';
import { putIf, putOwn } from '../shared/put-if.ts';
import { fromItem } from '../shared/format.ts';

const WRITES_A_BATCH = 25;
const BATCHES_AT_A_TIME = 4;
const MAX_TRIES = 8;

export function dynamoBackfillRuns(
  client: DynamoDBClient,
  tableName: string,
  deps: { readonly random: Random; readonly sleep: Sleep; readonly randomToken: RandomToken },
): BackfillRuns {
  const find: BackfillRuns['find'] = async (runId) => {
    const { Item } = await client.send(
      new GetItemCommand({ TableName: tableName, Key: runKey(runId), ConsistentRead: true }),
    );
    return Item === undefined ? undefined : parseRunItem(Item);
  };

  /** Items that a batch leaves unprocessed are not refused: they are sent again. */
  async function putAll(requests: WriteRequest[]): Promise<void> {
    let left = requests;
    for (let attempt = 1; left.length > 0; attempt += 1) {
      if (attempt > MAX_TRIES) throw new Error(`${left.length} items of a plan were put off ${MAX_TRIES} times`);
      if (attempt > 1) await deps.sleep(deps.random() * 25 * 2 ** attempt);
      const { UnprocessedItems } = await client.send(
        new BatchWriteItemCommand({ RequestItems: { [tableName]: left } }),
      );
      left = UnprocessedItems?.[tableName] ?? [];
    }
  }

  return {
    find,

    async start(run) {
      const put = await putIf(client, { TableName: tableName, Item: toRunItem(run), ...ifNew });
      return put.isWritten ? run : parseRunItem(put.existing ?? {});
    },

    async unfinished(since) {
      const runs = [];
      const pages = paginateQuery(
        { client },
        {
          TableName: tableName,
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :runs AND sk >= :since',
          FilterExpression: '#status = :running',
          ExpressionAttributeNames: { '#status': 'status' },
          ExpressionAttributeValues: marshall({
            ':runs': RUNS_PK,
            ':since': since.replaceAll(/[-:.]/gu, ''),
            ':running': 'running',
          }),
        },
      );
      for await (const page of pages) runs.push(...(page.Items ?? []).map(parseRunItem));
      return runs;
    },

    async finish(runId) {
      await client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key: runKey(runId),
          UpdateExpression: 'SET #status = :done',
          ...ifThere,
          ExpressionAttributeNames: { '#status': 'status' },
          ExpressionAttributeValues: marshall({ ':done': 'done' }),
        }),
      );
    },

    async tasks(runId, names) {
      const states = new Map<string, Task['state']>();
      const pages = paginateQuery(
        { client },
        {
          TableName: tableName,
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :run AND begins_with(sk, :task)',
          ExpressionAttributeValues: marshall({ ':run': runPk(runId), ':task': TASK_PREFIX }),
        },
      );
      for await (const page of pages) {
        for (const { key, state } of (page.Items ?? []).map(parseTaskItem)) states.set(key, state);
      }
      return names.map((name) => ({ name, state: states.get(keyOfTask(name)) ?? newTask }));
    },

    async checkpoint(run, name, expected, next) {
      const writeId = deps.randomToken(6);
      const Item = toTaskItem(run, keyOfTask(name), next, writeId);
      const isOwn = await putOwn(client, { TableName: tableName, Item, ...ifAt(expected.revision, 'revision') });
      return isOwn ? 'saved' : 'stale';
    },

    async plan(run, usernames) {
      // One request must not name a key twice: DynamoDB refuses it as a whole.
      const requests = [...new Set(usernames)].map((account) => ({
        PutRequest: { Item: toPlannedItem(run, segmentOf(account), account) },
      }));
      const batches = Array.from({ length: Math.ceil(requests.length / WRITES_A_BATCH) }, (_, index) =>
        requests.slice(index * WRITES_A_BATCH, (index + 1) * WRITES_A_BATCH),
      );
      await settleAll(batches, BATCHES_AT_A_TIME, putAll);
    },

    async countPlanned(runId, segment) {
      let count = 0;
      const pages = paginateQuery(
        { client },
        {
          TableName: tableName,
          ConsistentRead: true,
          Select: 'COUNT',
          KeyConditionExpression: 'pk = :plan',
          ExpressionAttributeValues: marshall({ ':plan': planPk(runId, segment) }),
        },
      );
      for await (const page of pages) count += page.Count ?? 0;
      return count;
    },

    async planned(runId, segment, { after, limit }) {
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: tableName,
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :plan AND sk > :after',
          ExpressionAttributeValues: marshall({
            ':plan': planPk(runId, segment),
            ':after': plannedSk(after ?? ''),
          }),
          Limit: limit,
        }),
      );
      return Items.map((item) => usernameOfPlanned(PlannedItem.parse(fromItem('planned-account', item))));
    },
  };
}
