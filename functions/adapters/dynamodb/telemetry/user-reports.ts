import { paginateQuery, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { Username } from '../../../../domain/identity/username.ts';
import { settleAll } from '../../../../domain/shared/settle-all.ts';
import { byDate } from '../../../../domain/shared/by-date.ts';
import { dateOfHour, type UtcHour } from '../../../../domain/shared/utc.ts';
import type { ReportedCount, UserReports } from '../../../../domain/telemetry/user-reports.port.ts';
import { ISSUE_SK_PREFIX, ReportItem, SIGN_IN_SK_PREFIX } from './telemetry.items.ts';
import { userPk } from '../shared/item.ts';

export function dynamoUserReports(client: DynamoDBClient, tableName: string): UserReports {
  async function count(username: Username, skPrefix: string): Promise<ReportedCount> {
    const pages = paginateQuery(
      { client },
      {
        TableName: tableName,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :user AND begins_with(sk, :kind)',
        ProjectionExpression: '#hour',
        ExpressionAttributeNames: { '#hour': 'hour' },
        ExpressionAttributeValues: marshall({ ':user': userPk(username), ':kind': skPrefix }),
      },
    );
    const hours: UtcHour[] = [];
    for await (const page of pages) {
      hours.push(...(page.Items ?? []).map((item) => ReportItem.parse(unmarshall(item)).hour));
    }
    return {
      byDate: byDate(hours.map((hour) => [dateOfHour(hour), 1] as const)),
      lastHour: hours.sort().at(-1) ?? null,
    };
  }

  return {
    async reportsOf(username) {
      const counts = await settleAll([ISSUE_SK_PREFIX, SIGN_IN_SK_PREFIX], 2, (skPrefix) => count(username, skPrefix));
      const [issues, signIns] = counts;
      if (issues === undefined || signIns === undefined) throw new Error('a count of reports is missing');
      return { issues, signIns };
    },
  };
}
