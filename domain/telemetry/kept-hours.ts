import type { Clock } from '../shared/environment.ts';
import type { UtcHour } from '../shared/utc.ts';
import type { Chunk } from './device-hour-set.ts';
import type { DeviceStore } from './device-store.port.ts';

/** An hour is read again this long after its last read, also if it was written meanwhile. */
const KEPT_MS = 60_000;
/**
 * How long an hour is not kept after another environment of the function wrote it: its next write would fail, and that
 * costs more than a read.
 */
const SHARED_MS = 600_000;
/** Of all hours together: about 10 MB. */
const MAX_CHUNKS = 1_000;

type Kept = { readonly chunks: readonly Chunk[]; readonly until: number };

/**
 * A store that keeps the chunks that it read and wrote, because the next event of a device is mostly of the same hour.
 * Only `chunksLastSeen` gives them, because they may be outdated: then the condition of the write fails, and they are
 * read again. `rememberingChunks` (`closed-chunks.ts`) also saves reads that must be strongly consistent.
 */
export function keptHours(store: DeviceStore, { clock }: { readonly clock: Clock }): DeviceStore {
  const kept = new Map<string, Kept>();
  /** By device and hour: until when it is not kept. The oldest come first. */
  const sharedUntil = new Map<string, number>();
  let size = 0;

  const share = (key: string): void => {
    sharedUntil.delete(key); // to the end
    sharedUntil.set(key, clock() + SHARED_MS);
    for (const oldest of sharedUntil.keys()) {
      if (sharedUntil.size <= MAX_CHUNKS) break;
      sharedUntil.delete(oldest);
    }
  };
  const forget = (key: string): Kept | undefined => {
    const found = kept.get(key);
    size -= found?.chunks.length ?? 0;
    kept.delete(key);
    return found;
  };
  const keep = (key: string, { chunks, until }: Kept): readonly Chunk[] => {
    forget(key);
    if (clock() < (sharedUntil.get(key) ?? 0)) return chunks;
    kept.set(key, { chunks, until });
    size += chunks.length;
    for (const oldest of kept.keys()) {
      if (size <= MAX_CHUNKS && kept.size <= MAX_CHUNKS) break;
      forget(oldest);
    }
    return chunks;
  };
  const keyOf = (deviceId: string, hour: UtcHour) => `${hour} ${deviceId}`;
  const untilLater = () => clock() + KEPT_MS;

  return {
    ...store,

    async chunksOf(deviceId, hour) {
      const until = untilLater();
      return keep(keyOf(deviceId, hour), { chunks: await store.chunksOf(deviceId, hour), until });
    },

    async chunksLastSeen(deviceId, hour) {
      const key = keyOf(deviceId, hour);
      const found = kept.get(key);
      if (found !== undefined && clock() < found.until) return found.chunks;
      const until = untilLater();
      return keep(key, { chunks: await store.chunksLastSeen(deviceId, hour), until });
    },

    async saveChunk(deviceId, hour, chunk) {
      const key = keyOf(deviceId, hour);
      const before = forget(key); // a write without an answer leaves nothing that is kept
      const outcome = await store.saveChunk(deviceId, hour, chunk);
      if (outcome === 'stale' && before !== undefined) share(key);
      if (outcome === 'saved' && before !== undefined) {
        const others = before.chunks.filter(({ index }) => index !== chunk.index);
        const saved = { ...chunk, revision: chunk.revision + 1 };
        keep(key, { ...before, chunks: [...others, saved].sort((a, b) => a.index - b.index) });
      }
      return outcome;
    },
  };
}
