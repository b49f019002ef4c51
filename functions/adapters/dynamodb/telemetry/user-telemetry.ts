import {
  paginateQuery,
  UpdateItemCommand,
  type DynamoDBClient,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import { rulebook } from '../../../../domain/rules/current-rules.ts';
import { reportedKindsOf } from '../../../../domain/rules/reported-kinds.ts';
import { byDate } from '../../../../domain/shared/by-date.ts';
import type { EventEntry } from '../../../../domain/telemetry/device-hour.ts';
import { isOfNobody } from '../../../../domain/telemetry/device-id.ts';
import type { ChunkPlace } from '../../../../domain/telemetry/retention.ts';
import { settleAll } from '../../../../domain/shared/settle-all.ts';
import type { DeviceLink, UserTelemetry } from '../../../../domain/telemetry/user-telemetry.port.ts';
import { dateOfHour, type UtcHour } from '../../../../domain/shared/utc.ts';
import {
  HOUR_PREFIX,
  chunkSk,
  devicePk,
  eventOfFact,
  LinkItem,
  parseChunk,
  parseKey,
  prefixesOf,
  ReportItem,
} from './telemetry.items.ts';
import { ifItHolds, ifThere } from '../shared/conditions.ts';
import { userPk } from '../shared/item.ts';
import { fromItem } from '../shared/format.ts';

/**
 * The largest number of devices that are folded for an account. `MAX_DEVICES` and the devices that collect others are
 * far fewer. Only an account that is older than that limit can have so many.
 */
const MAX_LINKS = 200;
const WRITES_AT_A_TIME = 16;
const READS_AT_A_TIME = 3;

const FactItem = z.extend(ReportItem, { sk: z.string() });
const COUNTED = [...reportedKindsOf(rulebook).values()].filter(({ linePrefix }) => linePrefix === null);

/**
 * The facts that a fold reads, from the `telemetry` table itself: an index could lag behind them. `events`: the reported
 * kinds that are stored. The default is every kind that any version of the rules names.
 */
export function dynamoUserTelemetry(
  client: DynamoDBClient,
  tableName: string,
  events: Iterable<string> = COUNTED.map(({ event }) => event),
): UserTelemetry {
  const prefixes = prefixesOf(events);
  const query = (input: Omit<QueryCommandInput, 'TableName'>) =>
    paginateQuery({ client }, { TableName: tableName, ConsistentRead: true, ...input });

  async function factsUnder(pk: string, prefix: string) {
    const pages = query({
      KeyConditionExpression: 'pk = :user AND begins_with(sk, :kind)',
      ProjectionExpression: 'sk, #hour, v',
      ExpressionAttributeNames: { '#hour': 'hour' },
      ExpressionAttributeValues: marshall({ ':user': pk, ':kind': prefix }),
    });
    const facts: z.infer<typeof FactItem>[] = [];
    for await (const page of pages)
      facts.push(...(page.Items ?? []).map((item) => FactItem.parse(fromItem('report', item))));
    return facts;
  }

  return {
    async linksOf(account) {
      const links: DeviceLink[] = [];
      const pages = query({
        KeyConditionExpression: 'pk = :user AND begins_with(sk, :link)',
        ExpressionAttributeValues: marshall({ ':user': userPk(account), ':link': devicePk('') }),
        ScanIndexForward: false, // devices that collect others come first: `~` sorts after letters and digits
        Limit: MAX_LINKS,
      });
      for await (const page of pages) {
        for (const item of page.Items ?? []) {
          const key = parseKey(item);
          if (key.kind !== 'link' || isOfNobody(key.deviceId)) continue;
          links.unshift({ deviceId: key.deviceId, ...LinkItem.parse(fromItem('link', item)) });
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
          ':from': HOUR_PREFIX + (dates?.from ?? ''),
          ':to': `${HOUR_PREFIX}${dates?.to ?? ''}~`, // `~` sorts after every hour of the date
        }),
      });
      let current: { deviceId: string; hour: UtcHour; events: EventEntry[]; expiring?: number[] } | undefined;
      for await (const page of pages) {
        for (const item of page.Items ?? []) {
          const key = parseKey(item);
          if (key.kind !== 'chunk') continue;
          if (current !== undefined && current.hour !== key.hour) yield current;
          if (current?.hour !== key.hour) current = { deviceId, hour: key.hour, events: [] };
          const { chunk } = parseChunk(item);
          current.events.push(...chunk.events);
          if (chunk.expiresAt !== undefined) (current.expiring ??= []).push(chunk.index);
        }
      }
      if (current !== undefined) yield current;
    },

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

/** Keeps chunks whose device has an owner. It makes no chunk that has expired. False if one has. */
export const dynamoKeptChunks =
  (client: DynamoDBClient, TableName: string) =>
  async (places: readonly ChunkPlace[]): Promise<boolean> => {
    const kept = await settleAll(places, WRITES_AT_A_TIME, async ({ deviceId, hour, index }) => {
      const Key = marshall({ pk: devicePk(deviceId), sk: chunkSk(hour, index) });
      const change = { UpdateExpression: 'REMOVE expiresAt', ...ifThere };
      return await ifItHolds(client.send(new UpdateItemCommand({ TableName, Key, ...change })));
    });
    return kept.every((isKept) => isKept);
  };
