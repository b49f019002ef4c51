import { beforeEach, describe, expect, it } from 'vitest';
import type { UtcHour } from '../../../domain/shared/utc.ts';
import type { Chunk } from '../../../domain/telemetry/device-hour-set.ts';
import type { DeviceStore } from '../../../domain/telemetry/device-store.port.ts';
import { keptHours } from '../../../domain/telemetry/kept-hours.ts';

const hour: UtcHour = '2026-08-21T12';
const chunkOf = (index: number, revision: number): Chunk => ({ index, revision, closed: false, events: [] });

describe('kept hours', () => {
  let now = 0;
  let stored: readonly Chunk[] = [];
  let outcome: 'saved' | 'stale' | 'lost' = 'saved';
  let reads: string[] = [];
  let store: DeviceStore;
  beforeEach(() => {
    now = 0;
    stored = [chunkOf(0, 3)];
    outcome = 'saved';
    reads = [];
    const read = (name: string) => async (device: string) => {
      reads.push(`${name} ${device}`);
      return stored;
    };
    const saveChunk = async () => {
      if (outcome === 'lost') throw new Error('no answer');
      return outcome;
    };
    const given = { chunksOf: read('strong'), chunksLastSeen: read('weak'), saveChunk } as Partial<DeviceStore>;
    store = keptHours(given as DeviceStore, { clock: () => now });
  });
  const seen = (device = 'a') => store.chunksLastSeen(device, hour);

  it('are read once a minute, for each device and hour', async () => {
    for (now of [0, 59_999]) expect(await seen()).toBe(stored);
    await seen('b');
    now = 60_000;
    await seen();

    expect(reads).toEqual(['weak a', 'weak b', 'weak a']);
  });

  it('hold what was written since, at the revision that it has now', async () => {
    await seen();
    await store.saveChunk('a', hour, { ...chunkOf(0, 3), closed: true });
    await store.saveChunk('a', hour, chunkOf(1, 0));

    expect(await seen()).toEqual([{ ...chunkOf(0, 4), closed: true }, chunkOf(1, 1)]);
    expect(reads).toEqual(['weak a']);
    now = 60_000; // a write makes them live no longer
    expect(await seen()).toBe(stored);
  });

  it('are dropped by a write without an answer, and kept again after a strong read', async () => {
    await seen();
    outcome = 'lost';
    await store.saveChunk('a', hour, chunkOf(0, 3)).catch(() => undefined);
    await seen();
    stored = [chunkOf(0, 5)];
    expect(await store.chunksOf('a', hour)).toBe(stored);
    expect(await seen()).toBe(stored);

    expect(reads).toEqual(['weak a', 'weak a', 'strong a']);
  });

  it('are not kept for ten minutes after another environment wrote the hour', async () => {
    await seen();
    await seen('b');
    outcome = 'stale';
    await store.saveChunk('a', hour, chunkOf(0, 3));
    stored = [chunkOf(0, 5)];
    await store.chunksOf('a', hour);
    outcome = 'saved';
    await store.saveChunk('a', hour, chunkOf(0, 5));
    reads = [];
    for (now of [0, 599_999, 600_000, 600_001]) expect(await seen()).toBe(stored);

    expect(reads).toEqual(['weak a', 'weak a', 'weak a']);
  });

  it('are at most 1,000 chunks: the oldest ones go first', async () => {
    stored = Array.from({ length: 400 }, (_, index) => chunkOf(index, 1));
    for (const device of ['a', 'b', 'c', 'b', 'a']) await seen(device);

    expect(reads).toEqual(['weak a', 'weak b', 'weak c', 'weak a']);
  });
});
