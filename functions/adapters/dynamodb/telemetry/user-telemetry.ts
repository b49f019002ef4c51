import { paginateQuery, type DynamoDBClient, type QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { EventEntry } from '../../../../domain/telemetry/device-hour.ts';
import { isOfNobody } from '../../../../domain/telemetry/device-id.ts';
import type { DeviceLink, UserTelemetry } from '../../../../domain/telemetry/user-telemetry.port.ts';
import type { UtcHour } from '../../../../domain/shared/utc.ts';
import { devicePk, LinkItem, parseChunk, parseKey } from './telemetry.items.ts';
import { userPk } from '../shared/item.ts';

/**
 * The largest number of devices that are folded for an account. `MAX_DEVICES` and the devices that collect others are
 * far fewer: only an account from before that bound can have as many.
 */
const MAX_LINKS = 200;

/** The facts that a fold reads, from the `telemetry` table itself: an index could lag behind them. */
export function dynamoUserTelemetry(client: DynamoDBClient, tableName: string): UserTelemetry {
  const query = (input: Omit<QueryCommandInput, 'TableName'>) =>
    paginateQuery({ client }, { TableName: tableName, ConsistentRead: true, ...input });

  return {
    async linksOf(username) {
      const links: DeviceLink[] = [];
      const pages = query({
        KeyConditionExpression: 'pk = :user AND begins_with(sk, :link)',
        ExpressionAttributeValues: marshall({ ':user': userPk(username), ':link': devicePk('') }),
        ScanIndexForward: false, // devices that collect others come first: `~` sorts after letters and digits
        Limit: MAX_LINKS,
      });
      for await (const page of pages) {
        for (const item of page.Items ?? []) {
          const key = parseKey(item);
          if (key.kind !== 'link' || isOfNobody(key.deviceId)) continue;
          links.unshift({ deviceId: key.deviceId, ...LinkItem.parse(unmarshall(item)) });
        }
        if (links.length >= MAX_LINKS) break;
      }
      return links.slice(-MAX_LINKS);
    },

    async *hoursOf(deviceId, dates) {
      const pages = query({
        KeyConditionExpression: 'pk = :device AND sk BETWEEN :from AND :to',
        ExpressionAttributeValues: marshall({
          ':device': devicePk(deviceId),
          ':from': `HOUR#${dates?.from ?? ''}`,
          ':to': `HOUR#${dates?.to ?? ''}~`, // `~` sorts after every hour of the date
        }),
      });
      let current: { deviceId: string; hour: UtcHour; events: EventEntry[] } | undefined;
      for await (const page of pages) {
        for (const item of page.Items ?? []) {
          const key = parseKey(item);
          if (key.kind !== 'chunk') continue;
          if (current !== undefined && current.hour !== key.hour) yield current;
          if (current?.hour !== key.hour) current = { deviceId, hour: key.hour, events: [] };
          current.events.push(...parseChunk(item).chunk.events);
        }
      }
      if (current !== undefined) yield current;
    },
  };
}
