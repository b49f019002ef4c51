import { paginateQuery, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { Standing, Standings } from '../../../domain/leaderboards/standings.port.ts';
import { BY_SHARD_INDEX, SCORE_SHARDS, ScoreEntry, scoreShardOf, type Item } from './score-store.items.ts';

function standingOf(item: Item): Standing | null {
  const { username, memberScore, tier, standingSince, steps, isHidden } = ScoreEntry.parse(unmarshall(item));
  const isListed = memberScore !== undefined && !isHidden; // undefined: what a bind that was undone left behind
  return isListed ? { username, canonicalScore: memberScore, tier, since: Date.parse(standingSince), steps } : null;
}

/**
 * Every score, from the index that has one small entry for each. The index follows its table within a moment: what a
 * build misses so is in the next one, which the change itself asks for.
 */
export const dynamoStandings = (client: DynamoDBClient, TableName: string): Standings => ({
  segments: SCORE_SHARDS,

  async *read(segment) {
    const query = {
      TableName,
      IndexName: BY_SHARD_INDEX,
      KeyConditionExpression: 'scoreShard = :shard',
      ExpressionAttributeValues: marshall({ ':shard': scoreShardOf(segment) }),
    };
    for await (const { Items = [] } of paginateQuery({ client }, query)) {
      yield Items.map(standingOf).filter((standing) => standing !== null);
    }
  },
});
