import { paginateQuery, QueryCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { AccountId } from '../../../../domain/identity/account.ts';
import type { DayScore } from '../../../../domain/scoring/score-steps.ts';
import type {
  DayRow,
  HistoryStore,
  MetricsStore,
  Revision,
  ScoreStore,
  StoredUser,
} from '../../../../domain/scoring/score-store.port.ts';
import { addDays, type UtcDate } from '../../../../domain/shared/utc.ts';
import {
  DAY_PREFIX,
  daySk,
  METRICS_SK,
  parseDayItem,
  parseTurnItem,
  REFRESH_SK,
  storedUserOf,
  toDayItem,
  toMetricsItem,
  toScoreItem,
  toTurnItem,
} from './score.items.ts';
import {
  beforeMonthSk,
  daysOfMonth,
  MONTH_PREFIX,
  monthSk,
  parseMonthItem,
  toMonthItem,
} from './refolded-month.items.ts';
import { type Item, userPk } from '../shared/item.ts';
import { type Condition, ifAt, ifNew } from '../shared/conditions.ts';
import { putIf as putItemIf, type PutIf } from '../shared/put-if.ts';
import { SCORE_SK } from '../../../runtime/names.ts';

const BETWEEN = 'pk = :user AND sk BETWEEN :from AND :to';
const between = (account: AccountId, from: string, to: string) => ({
  KeyConditionExpression: BETWEEN,
  ExpressionAttributeValues: marshall({ ':user': userPk(account), ':from': from, ':to': to }),
});

/** Holds while the row of a past date is missing, or is of an older score. */
const ifOfOlderScore = (revision: Revision): Condition => ({
  ConditionExpression: 'attribute_not_exists(pk) OR scoreRev < :rev',
  ExpressionAttributeValues: marshall({ ':rev': revision }),
});

/** Holds while the turn is the one that this refresh took. */
const ifTurnOf = (by: string): Condition => ({
  ConditionExpression: '#by = :by',
  ExpressionAttributeNames: { '#by': 'by' },
  ExpressionAttributeValues: marshall({ ':by': by }),
});

export function dynamoScoreStore(client: DynamoDBClient, tableName: string): ScoreStore & MetricsStore & HistoryStore {
  /** False if the condition fails. After a lost answer our own write can make it fail: the caller reads again. */
  const putIf = async (input: Omit<PutIf, 'TableName'>): Promise<boolean> =>
    (await putItemIf(client, { TableName: tableName, ...input })).isWritten;

  const putAfter = (Item: Item, revision: Revision): Promise<boolean> => putIf({ Item, ...ifAt(revision) });

  const putMetrics: MetricsStore['saveMetrics'] = async (account, guard, next) => {
    const revision = guard.metrics?.revision ?? 0;
    return (await putAfter(toMetricsItem(account, next, revision + 1), revision)) ? 'saved' : 'stale';
  };

  /** If the condition fails, the row is this one already, or one that a newer score left behind. */
  const writeDayRow = (
    { score: { username, rulesVersion }, revision }: NonNullable<StoredUser['score']>,
    leaving: readonly DayScore[],
  ): Promise<boolean> =>
    putIf({ Item: toDayItem(username, leaving, rulesVersion, revision), ...ifOfOlderScore(revision) });

  async function itemsBetween(account: AccountId, from: string, to: string): Promise<Item[]> {
    const items: Item[] = [];
    const input = { TableName: tableName, ConsistentRead: true, ...between(account, from, to) };
    for await (const page of paginateQuery({ client }, input)) items.push(...(page.Items ?? []));
    return items;
  }

  async function nextTo(account: AccountId, first: string, last: string, ScanIndexForward: boolean): Promise<Item[]> {
    const input = { TableName: tableName, ConsistentRead: true, ScanIndexForward, Limit: 1 };
    return (await client.send(new QueryCommand({ ...input, ...between(account, first, last) }))).Items ?? [];
  }

  async function ownRows(account: AccountId, from: UtcDate, to: UtcDate): Promise<readonly DayRow[]> {
    const before = await nextTo(account, DAY_PREFIX, daySk(addDays(from, -1)), false);
    const within = await itemsBetween(account, daySk(from), daySk(to));
    const after = await nextTo(account, daySk(addDays(to, 1)), daySk('9999-12-31'), true); // it may hold dates before its own
    return [...before, ...within, ...after].flatMap(parseDayItem);
  }

  async function pastMonths(account: AccountId, from: UtcDate, to: UtcDate): Promise<Item[]> {
    const before = await nextTo(account, MONTH_PREFIX, beforeMonthSk(from), false);
    return [...before, ...(await itemsBetween(account, monthSk(from), monthSk(to)))];
  }

  return {
    ownRows,

    async pastMonths(account, from, to) {
      return (await pastMonths(account, from, to)).map(parseMonthItem);
    },

    async savePastMonth(account, { month, days, revision }, rulesVersion) {
      const Item = toMonthItem(account, { month, days, revision: revision + 1 }, rulesVersion);
      return (await putAfter(Item, revision)) ? 'saved' : 'stale';
    },

    async load(account) {
      // One query for all: their sizes are billed together, which reads of their own would round up each.
      const items = await itemsBetween(account, METRICS_SK, SCORE_SK);
      return storedUserOf(items);
    },

    saveMetrics: putMetrics,

    async save(guard, { score, leaving, ...next }) {
      const { username } = score;
      if ((await putMetrics(username, guard, next)) === 'stale') return 'stale';
      if (guard.score !== null && leaving.length > 0) await writeDayRow(guard.score, leaving);
      const scoreRevision = guard.score?.revision ?? 0;
      const madeOf = { metrics: next.metrics, revision: (guard.metrics?.revision ?? 0) + 1 };
      return (await putAfter(toScoreItem(score, madeOf, scoreRevision + 1), scoreRevision)) ? 'saved' : 'stale';
    },

    async takeTurn(account, turn, before) {
      const ifUnchanged = before === undefined ? ifNew : ifTurnOf(before.by);
      if (await putIf({ Item: toTurnItem(account, turn), ...ifUnchanged })) return true;
      // After a lost answer the SDK sends again and finds its own turn.
      const [now] = await itemsBetween(account, REFRESH_SK, REFRESH_SK);
      return now !== undefined && parseTurnItem(now).by === turn.by;
    },

    async endTurn(account, by) {
      await putIf({ Item: toTurnItem(account, { by, until: 0 }), ...ifTurnOf(by) });
    },

    async dayRows(account, from, to) {
      const [own, months] = [await ownRows(account, from, to), await pastMonths(account, from, to)];
      const saved = new Set(own.map(({ date }) => date));
      const refolded = months.flatMap(daysOfMonth).filter(({ date }) => !saved.has(date));
      return [...own, ...refolded].sort((a, b) => (a.date < b.date ? -1 : 1));
    },
  };
}
