import { paginateQuery, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import type { ScoreTotalsReader } from '../../../../domain/metrics/score-totals.port.ts';
import { settleAll } from '../../../../domain/shared/settle-all.ts';
import { SCORE_SHARDS, scoreShardOf } from '../scoring/score.items.ts';
import { BY_SHARD_INDEX } from '../../../runtime/names.ts';
import { fromItem } from '../shared/format.ts';

const Entry = z.object({ memberScore: z.optional(z.int()) });

/** Adds up the index that has one small entry for each score, instead of a table with all their days. */
export function dynamoScoreTotals(client: DynamoDBClient, TableName: string): ScoreTotalsReader {
  return {
    async read() {
      const shards = Array.from({ length: SCORE_SHARDS }, (_, shard) => scoreShardOf(shard));
      const parts = await settleAll(shards, shards.length, async (shard) => {
        let members = 0;
        let totalScore = 0n;
        const query = {
          TableName,
          IndexName: BY_SHARD_INDEX,
          KeyConditionExpression: 'scoreShard = :shard',
          ExpressionAttributeValues: marshall({ ':shard': shard }),
        };
        for await (const page of paginateQuery({ client }, query)) {
          for (const item of page.Items ?? []) {
            const { memberScore } = Entry.parse(fromItem('score', item));
            if (memberScore === undefined) continue; // left behind by a bind that was undone
            members += 1;
            totalScore += BigInt(memberScore);
          }
        }
        return { members, totalScore };
      });
      return parts.reduce((a, b) => ({ members: a.members + b.members, totalScore: a.totalScore + b.totalScore }));
    },
  };
}
