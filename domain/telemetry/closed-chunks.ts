import { hasGap, type Chunk } from './device-hour-set.ts';
import type { DeviceStore } from './device-store.port.ts';

/** Events in all remembered chunks together: some 10 MB. */
const MAX_REMEMBERED = 100_000;

/**
 * A store that remembers the closed chunks of the hours that it read last, so that a busy device's hour is not read again
 * with each of its events: it reads from the first chunk that it does not know.
 *
 * A closed chunk takes no events any more, so an event that is remembered is a duplicate, and one that is not there is in
 * no such chunk. Only a sender can still come to it. A write of a remembered chunk is conditional on its revision, and
 * the hour is forgotten with it, so that what is decided next is decided from all that is stored.
 */
export function rememberingChunks(devices: DeviceStore, maxEvents = MAX_REMEMBERED): DeviceStore {
  /** The closed chunks of an hour from its first one on. What was used last comes last. */
  const closedOf = new Map<string, readonly Chunk[]>();
  let remembered = 0;
  const keyOf = (deviceId: string, hour: string) => `${hour} ${deviceId}`;

  function forget(key: string): void {
    remembered -= eventsIn(closedOf.get(key) ?? []);
    closedOf.delete(key);
  }

  function remember(key: string, closed: readonly Chunk[]): void {
    forget(key);
    if (closed.length === 0) return;
    closedOf.set(key, closed);
    remembered += eventsIn(closed);
    for (const [oldest] of closedOf) {
      if (remembered <= maxEvents) break;
      forget(oldest);
    }
  }

  const readingOn =
    (read: DeviceStore['chunksOf']): DeviceStore['chunksOf'] =>
    async (deviceId, hour) => {
      const key = keyOf(deviceId, hour);
      const closed = closedOf.get(key) ?? [];
      const chunks = [...closed, ...(await read(deviceId, hour, closed.length))];
      const open = chunks.findIndex((chunk) => !chunk.closed);
      if (!hasGap(chunks)) remember(key, open < 0 ? chunks : chunks.slice(0, open));
      return chunks;
    };

  return {
    ...devices,
    chunksOf: readingOn(devices.chunksOf),
    chunksLastSeen: readingOn(devices.chunksLastSeen),
    saveChunk(deviceId, hour, chunk) {
      const key = keyOf(deviceId, hour);
      if (chunk.index < (closedOf.get(key)?.length ?? 0)) forget(key);
      return devices.saveChunk(deviceId, hour, chunk);
    },
  };
}

const eventsIn = (chunks: readonly Chunk[]): number => chunks.reduce((sum, { events }) => sum + events.length, 0);
