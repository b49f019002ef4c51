import { TransactionCanceledException, TransactWriteItemsCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Random, RandomToken, Sleep } from '../../../../domain/shared/environment.ts';
import { settleAll } from '../../../../domain/shared/settle-all.ts';
import { ifNew } from './conditions.ts';
import { gather, type Asked } from './gather.ts';
import type { Item } from './item.ts';
import { sendBesideTransactions } from './retry-transaction.ts';
import { putOwn } from './put-if.ts';

export type PutDeps = { readonly randomToken: RandomToken; readonly random: Random; readonly sleep: Sleep };
export type Table = PutDeps & { readonly client: DynamoDBClient; readonly tableName: string };
type Outcome = 'recorded' | 'already-there';

/** A transaction costs twice the units, so only requests that would make very many calls use one. */
const TOGETHER_FROM = 50;
/** DynamoDB would take 100, and longer for each of them. */
const IN_TRANSACTION = 25;
const PARALLEL_PUTS = 8;
const MAX_TRIES = 5;

const putOf = ({ tableName }: Table, item: Item, writeId: string) => ({
  TableName: tableName,
  Item: { ...item, writeId: { S: writeId } },
  ...ifNew,
  ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
});

/** Puts an item if no item has its key: the write of a fact whose key is its identity. */
export async function putOnce(table: Table, item: Item): Promise<Outcome> {
  const input = putOf(table, item, table.randomToken(6));
  const isOwn = await sendBesideTransactions(table, () => putOwn(table.client, input));
  return isOwn ? 'recorded' : 'already-there';
}

/** The same for what may be very many at a time: 50 and more of them go into transactions of 25. */
export function putsGathered(table: Table): (item: Item) => Promise<Outcome> {
  const one = async ({ ask, answer }: Asked<Item, Outcome>) => answer(await putOnce(table, ask));
  return gather<Item, Outcome>(async (group) => {
    // A transaction takes each item once. A second put of an item follows the first.
    const first = new Map(
      group.toReversed().map((asked) => [JSON.stringify([asked.ask.pk?.S, asked.ask.sk?.S]), asked]),
    );
    let rest = [...first.values()];
    for (const isLarge = rest.length >= TOGETHER_FROM; isLarge && rest.length > 0; rest = rest.slice(IN_TRANSACTION)) {
      await putTogether(table, rest.slice(0, IN_TRANSACTION));
    }
    const isFirst = new Set(first.values());
    await settleAll([...rest, ...group.filter((asked) => !isFirst.has(asked))], PARALLEL_PUTS, one);
  });
}

/** One transaction, repeated without the items that exist; in the end each item by itself. */
async function putTogether(table: Table, group: readonly Asked<Item, Outcome>[]): Promise<void> {
  let rest = group.map((asked) => ({ asked, writeId: table.randomToken(6) }));
  for (let attempt = 1; rest.length > 0 && attempt <= MAX_TRIES; attempt += 1) {
    const TransactItems = rest.map(({ asked, writeId }) => ({ Put: putOf(table, asked.ask, writeId) }));
    try {
      await table.client.send(new TransactWriteItemsCommand({ TransactItems }));
      for (const { asked } of rest) asked.answer('recorded');
      return;
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error;
      // Items that exist are done. The others were not written, for any reason.
      const { CancellationReasons: reasons = [] } = error;
      rest = rest.filter(({ asked, writeId }, index) => {
        const isThere = reasons[index]?.Code === 'ConditionalCheckFailed';
        if (isThere) asked.answer(reasons[index]?.Item?.writeId?.S === writeId ? 'recorded' : 'already-there');
        return !isThere;
      });
    }
  }
  await settleAll(rest, PARALLEL_PUTS, async ({ asked }) => asked.answer(await putOnce(table, asked.ask)));
}
