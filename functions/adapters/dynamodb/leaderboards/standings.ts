import { paginateQuery, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { AccountId } from '../../../../domain/identity/account.ts';
import type { Random, Sleep } from '../../../../domain/shared/environment.ts';
import type { Standing, Standings } from '../../../../domain/leaderboards/standings.port.ts';
import { SCORE_SHARDS, ScoreEntry, scoreShardOf } from '../scoring/score.items.ts';
import { getAll } from '../shared/get-all.ts';
import { userPk, type Item } from '../shared/item.ts';
import { BY_SHARD_INDEX, SCORE_SK } from '../../../runtime/names.ts';
import { fromItem } from '../shared/format.ts';

function standingOf(item: Item): Standing | null {
  const { username, memberScore, standingSince, isHidden, steps, ...rest } = ScoreEntry.parse(fromItem('score', item));
  if (memberScore === undefined) return null; // left behind by a bind that was undone
  const hidden = isHidden ? { isHidden } : {};
  return { username, canonicalScore: memberScore, since: Date.parse(standingSince), ...hidden, ...steps, ...rest };
}

async function* entriesOf(client: DynamoDBClient, TableName: string, segment: number): AsyncGenerator<Item[], void> {
  const query = {
    TableName,
    IndexName: BY_SHARD_INDEX,
    KeyConditionExpression: 'scoreShard = :shard',
    ExpressionAttributeValues: marshall({ ':shard': scoreShardOf(segment) }),
  };
  for await (const { Items = [] } of paginateQuery({ client }, query)) yield Items;
}

/**
 * Every score, from the index that has one small entry for each. The index follows its table within a moment. If a build
 * misses a change for that reason, another build follows, because each change requests one.
 */
export const dynamoStandings = (client: DynamoDBClient, tableName: string): Standings => ({
  segments: SCORE_SHARDS,

  async *read(segment) {
    for await (const items of entriesOf(client, tableName, segment)) {
      yield items.map(standingOf).filter((standing) => standing !== null);
    }
  },
});

/** The standings of some accounts, from their scores. Accounts that boards may not show are left out. */
export const dynamoStandingsOf =
  (client: DynamoDBClient, tableName: string, deps: { readonly random: Random; readonly sleep: Sleep }) =>
  async (accounts: readonly AccountId[]): Promise<ReadonlyMap<AccountId, Standing>> => {
    const keys = accounts.map((account) => ({ pk: userPk(account), sk: SCORE_SK }));
    const items = await getAll(client, tableName, keys, { ...deps, isConsistent: false });
    const shown = items.map(standingOf).filter((standing) => standing !== null);
    return new Map(shown.filter(({ isHidden }) => isHidden !== true).map((standing) => [standing.username, standing]));
  };

/** The version of the rules that computed each score. */
export async function* dynamoRulesVersions(client: DynamoDBClient, tableName: string): AsyncGenerator<string, void> {
  for (let segment = 0; segment < SCORE_SHARDS; segment += 1) {
    for await (const items of entriesOf(client, tableName, segment)) {
      for (const item of items) yield ScoreEntry.parse(fromItem('score', item)).rulesVersion;
    }
  }
}
