import { isDeepStrictEqual } from 'node:util';
import type { TelemetryChange } from '../../../../domain/change-feed/telemetry-change.ts';
import { hourOf } from '../../../../domain/shared/utc.ts';
import type { EventEntry } from '../../../../domain/telemetry/device-hour.ts';
import type { StreamChange } from './stream-record.ts';
import { DeviceItem, parseChunk, parseKey } from '../telemetry/telemetry.items.ts';
import type { Item } from '../shared/item.ts';
import { fromItem } from '../shared/format.ts';

/**
 * Reads a stream record of the `telemetry` table; undefined if no count changes. Throws on a record of another table.
 */
export function telemetryChange({ keys, before, after, isExpiry }: StreamChange): TelemetryChange | undefined {
  const key = parseKey(keys);
  switch (key.kind) {
    case 'chunk': {
      // Facts of nobody that expire, or are kept because somebody owns them now, change no count.
      if (isExpiry === true || isDeepStrictEqual(withoutExpiry(before), withoutExpiry(after))) return undefined;
      const [was, is] = [eventsOf(before), eventsOf(after)];
      const senders = [...was, ...is].flatMap(({ sender }) => sender ?? []);
      const isAnonymous = !isDeepStrictEqual(anonymousOf(was), anonymousOf(is));
      const { deviceId, hour } = key;
      return { kind: 'hour-changed', deviceId, hour, senders: [...new Set(senders)], isAnonymous };
    }
    case 'device': {
      const [was, is] = [before, after].map((item) =>
        item === undefined ? undefined : DeviceItem.parse(fromItem('device', item)),
      );
      const owners = [was?.owner, is?.owner].filter((owner) => owner !== undefined);
      const created = [was?.createdAt, is?.createdAt].filter((at) => at !== undefined);
      const hours = was?.createdAt === is?.createdAt ? [] : created.map((at) => hourOf(Date.parse(at)));
      return { kind: 'device-changed', owners: was?.owner === is?.owner ? [] : owners, hours };
    }
    case 'link':
      return { kind: 'link-changed', username: key.username };
    case 'link-count': // the links announce themselves
    case 'hook': // it concerns only later reports
      return undefined;
    case 'report':
      return { kind: 'report-changed', username: key.username };
  }
}

function withoutExpiry(item: Item | undefined): Item | undefined {
  if (item === undefined) return undefined;
  const { expiresAt: _, ...rest } = item;
  return rest;
}

const eventsOf = (item: Item | undefined) => (item === undefined ? [] : parseChunk(item).chunk.events);
const anonymousOf = (events: readonly EventEntry[]) => events.filter(({ sender }) => sender === null);
