import { paginateQuery, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import { rulebook } from '../../../../domain/rules/current-rules.ts';
import { reportedKindsOf } from '../../../../domain/rules/reported-kinds.ts';
import { settleAll } from '../../../../domain/shared/settle-all.ts';
import { byDate } from '../../../../domain/shared/by-date.ts';
import { dateOfHour } from '../../../../domain/shared/utc.ts';
import type { UserReports } from '../../../../domain/telemetry/user-reports.port.ts';
import { eventOfFact, prefixesOf, ReportItem } from './telemetry.items.ts';
import { userPk } from '../shared/item.ts';
import { fromItem } from '../shared/format.ts';

const FactItem = z.extend(ReportItem, { sk: z.string() });
const READS_AT_A_TIME = 3;

const COUNTED = [...reportedKindsOf(rulebook).values()].filter(({ linePrefix }) => linePrefix === null);

/** `events`: the kinds that are stored. The default is every kind that any version of the rules names. */
export function dynamoUserReports(
  client: DynamoDBClient,
  tableName: string,
  events: Iterable<string> = COUNTED.map(({ event }) => event),
): UserReports {
  const prefixes = prefixesOf(events);

  async function factsUnder(pk: string, prefix: string) {
    const pages = paginateQuery(
      { client },
      {
        TableName: tableName,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :user AND begins_with(sk, :kind)',
        ProjectionExpression: 'sk, #hour, v',
        ExpressionAttributeNames: { '#hour': 'hour' },
        ExpressionAttributeValues: marshall({ ':user': pk, ':kind': prefix }),
      },
    );
    const facts: z.infer<typeof FactItem>[] = [];
    for await (const page of pages)
      facts.push(...(page.Items ?? []).map((item) => FactItem.parse(fromItem('report', item))));
    return facts;
  }

  return {
    async reportsOf(account, merged = []) {
      const places = [account, ...merged].flatMap((each) => prefixes.map((prefix) => [userPk(each), prefix] as const));
      const found = await settleAll(places, READS_AT_A_TIME, ([pk, prefix]) => factsUnder(pk, prefix));
      // The first account's fact counts: of two with one identity only one would have been stored.
      const facts = [
        ...new Map(
          found
            .flat()
            .toReversed()
            .map((fact) => [fact.sk, fact]),
        ).values(),
      ];
      const byEvent = Map.groupBy(facts, ({ sk }) => eventOfFact(sk));
      return new Map(
        [...byEvent].map(([event, facts]) => [
          event,
          {
            byDate: byDate(facts.map(({ hour }) => [dateOfHour(hour), 1] as const)),
            lastHour:
              facts
                .map(({ hour }) => hour)
                .sort()
                .at(-1) ?? null,
          },
        ]),
      );
    },
  };
}
