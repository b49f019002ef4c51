import { expect, it } from 'vitest';
import { rememberingChunks } from '../../../domain/telemetry/closed-chunks.ts';
import type { Chunk } from '../../../domain/telemetry/device-hour-set.ts';
import type { DeviceStore } from '../../../domain/telemetry/device-store.port.ts';
import { aChunk, anEntry } from '../../builders/device-hour.ts';
import { aUsername } from '../../builders/identity.ts';

const HOUR = '2026-08-21T12';
const chunk = (index: number, closed: boolean): Chunk =>
  aChunk({ index, revision: 1, closed, events: [anEntry(`${index}a`), anEntry(`${index}b`)] });

/** The chunks that are stored of every device, and the indexes from which they were read. */
function aStore(...stored: Chunk[]) {
  const from: number[] = [];
  const read = async (_device: string, _hour: string, first = 0) => {
    from.push(first);
    return stored.filter(({ index }) => index >= first);
  };
  const saveChunk = async () => 'saved' as const;
  const devices = { chunksOf: read, chunksLastSeen: read, saveChunk } as unknown as DeviceStore;
  return { stored, from, devices: rememberingChunks(devices, 6) };
}

it('closed chunks are read once, the open one and later ones each time', async () => {
  const { stored, from, devices } = aStore(chunk(0, true), chunk(1, true), chunk(2, false));
  await devices.chunksLastSeen('d', HOUR);
  stored.push({ ...stored.pop()!, closed: true }, chunk(3, false));

  expect(await devices.chunksOf('d', HOUR)).toEqual(stored);
  expect(await devices.chunksLastSeen('d', HOUR)).toEqual(stored);
  expect(from).toEqual([0, 2, 3]);
});

it('an hour is forgotten with a write of a closed chunk: another one may have given it a sender', async () => {
  const { stored, from, devices } = aStore(chunk(0, true), chunk(1, false));
  await devices.chunksLastSeen('d', HOUR);
  await devices.saveChunk('d', HOUR, stored[1]!);
  await devices.chunksLastSeen('d', HOUR);
  await devices.saveChunk('d', HOUR, stored[0]!);
  stored[0] = { ...stored[0]!, revision: 2, events: [anEntry('0a', {}, aUsername('ada'))] };

  expect(await devices.chunksOf('d', HOUR)).toEqual(stored);
  expect(from).toEqual([0, 1, 0]);
});

it('nothing is remembered of an hour with a gap, and no open chunk', async () => {
  const { from, devices } = aStore(chunk(1, true));
  await devices.chunksLastSeen('d', HOUR);
  const open = aStore(chunk(0, false));
  await open.devices.chunksLastSeen('d', HOUR);
  await Promise.all([devices.chunksOf('d', HOUR), open.devices.chunksOf('d', HOUR)]);

  expect([from, open.from]).toEqual([
    [0, 0],
    [0, 0],
  ]);
});

it('what was used last is remembered, up to a number of events', async () => {
  const { from, devices } = aStore(chunk(0, true), chunk(1, false)); // two closed events each
  for (const device of ['d1', 'd2', 'd3', 'd1', 'd4']) await devices.chunksOf(device, HOUR);
  from.splice(0);
  for (const device of ['d1', 'd3', 'd4', 'd2']) await devices.chunksOf(device, HOUR);

  expect(from).toEqual([1, 1, 1, 0]);
});
