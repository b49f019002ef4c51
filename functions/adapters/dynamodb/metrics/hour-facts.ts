import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { noFacts, type HourFacts } from '../../../../domain/metrics/community-hour.ts';
import type { HourFactsReader } from '../../../../domain/metrics/hour-facts.port.ts';
import type { Random, Sleep } from '../../../../domain/shared/environment.ts';
import { settleAll } from '../../../../domain/shared/settle-all.ts';
import { hourOf, type UtcHour } from '../../../../domain/shared/utc.ts';
import { parseGrantItem } from '../grants/grant.items.ts';
import { getAll } from '../shared/get-all.ts';
import { keysByHour } from '../shared/hour-index.ts';
import { isVersionItem, parseVersionItem, pullOfItem } from '../registry/registry.items.ts';
import { DeviceItem, parseChunk, parseKey } from '../telemetry/telemetry.items.ts';
import type { Item } from '../shared/item.ts';
import { fromItem } from '../shared/format.ts';

type Facts = Partial<HourFacts>;

/** The facts that the items of one hour hold, table by table. */
type Reading = { readonly table: string; readonly read: (items: readonly Item[], hour: UtcHour) => Facts };

export function dynamoHourFacts(
  client: DynamoDBClient,
  tables: { readonly telemetry: string; readonly grants: string; readonly registry: string },
  deps: { readonly random: Random; readonly sleep: Sleep },
): HourFactsReader {
  const readings: readonly Reading[] = [
    { table: tables.telemetry, read: telemetryFacts },
    { table: tables.grants, read: grantFacts },
    { table: tables.registry, read: registryFacts },
  ];
  return {
    async *factsOf(date, hours) {
      const listed = await settleAll(readings, readings.length, async ({ table, read }) => {
        const pieces = keysByHour(client, table, date, hours);
        return { table, read, pieces, piece: await pieces.next() };
      });
      for (;;) {
        const [hour] = listed.flatMap(({ piece }) => (piece.done === true ? [] : piece.value.hour)).sort();
        if (hour === undefined) return;
        for (const from of listed) {
          for (; from.piece.done !== true && from.piece.value.hour === hour; from.piece = await from.pieces.next()) {
            const items = await getAll(client, from.table, from.piece.value.keys, deps);
            yield { hour, facts: { ...noFacts, ...from.read(items, hour) } };
          }
        }
      }
    },
  };
}

function telemetryFacts(items: readonly Item[], hour: UtcHour): Facts {
  const devices: HourFacts['devices'][number][] = [];
  const newDevices: string[] = [];
  for (const item of items) {
    const key = parseKey(item);
    if (key.kind === 'chunk') devices.push({ deviceId: key.deviceId, events: parseChunk(item).chunk.events });
    // Its place in the index has the same hour, unless somebody moved it by hand.
    const isNew =
      key.kind === 'device' && hourOf(Date.parse(DeviceItem.parse(fromItem('device', item)).createdAt)) === hour;
    if (key.kind === 'device' && isNew) newDevices.push(key.deviceId);
  }
  return { devices, newDevices };
}

const grantFacts = (items: readonly Item[]): Facts => ({ grants: items.map((item) => parseGrantItem(item).line) });

function registryFacts(items: readonly Item[]): Facts {
  const [versions, pulls] = [items.filter(isVersionItem), items.filter((item) => !isVersionItem(item))];
  return { versions: versions.map(parseVersionItem), pulls: pulls.map(pullOfItem) };
}
