import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { closeSync, constants, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NewSorter } from '../../../domain/shared/sorter.port.ts';

/** Items that are held in memory: of a row with its pack and unpack, some tens of megabytes. */
const ITEMS_IN_MEMORY = 50_000;
/** Bytes that all runs together read ahead, and the least that one run reads. */
const READ_AHEAD_BYTES = 4 << 20;
const LEAST_READ_BYTES = 4 << 10;
const WRITTEN_AT_ONCE = 1_000;
const LINE_BREAK = 10;

type Limits = { readonly itemsInMemory?: number; readonly readAheadBytes?: number };

/**
 * Sorts in memory, and from a number of items on through a file of sorted runs, which are merged when they are read.
 * The file has no name from the moment it is open: whatever ends the process, the system takes it back.
 *
 * Items that compare equal come in the order in which they were added.
 */
export const diskSorter =
  ({ itemsInMemory = ITEMS_IN_MEMORY, readAheadBytes = READ_AHEAD_BYTES }: Limits = {}): NewSorter =>
  ({ compare, pack, unpack }) => {
    const held: ReturnType<typeof unpack>[] = [];
    const runs: Run[] = [];
    let file: TemporaryFile | undefined;
    let isClosed = false;

    const spill = () => {
      file ??= openTemporaryFile();
      const start = file.size;
      held.sort(compare);
      for (let from = 0; from < held.length; from += WRITTEN_AT_ONCE) {
        const lines = held.slice(from, from + WRITTEN_AT_ONCE).map((item) => `${pack(item)}\n`);
        file.append(Buffer.from(lines.join('')));
      }
      runs.push({ start, end: file.size });
      held.length = 0;
    };
    const mustBeOpen = () => {
      if (isClosed) throw new Error('the sorter is closed');
    };

    return {
      add(item) {
        mustBeOpen();
        if (held.length >= itemsInMemory) spill();
        held.push(item);
      },

      *sorted() {
        mustBeOpen();
        held.sort(compare);
        const opened = file;
        if (opened === undefined) return yield* held;
        const chunkBytes = Math.max(LEAST_READ_BYTES, Math.floor(readAheadBytes / runs.length));
        const fromRun = function* (run: Run) {
          for (const line of linesOf(opened, run, chunkBytes)) yield unpack(line);
        };
        yield* merge([...runs.map(fromRun), held.values()], compare);
      },

      close() {
        isClosed = true;
        held.length = 0;
        file?.close();
        file = undefined;
      },
    };
  };

/** Where a run lies in the file, in bytes. */
type Run = { readonly start: number; readonly end: number };

type TemporaryFile = {
  readonly size: number;
  append(bytes: Uint8Array): void;
  /** Bytes from a position on: as many as there are, at most `length`. */
  read(position: number, length: number): Buffer;
  close(): void;
};

function openTemporaryFile(): TemporaryFile {
  const path = join(tmpdir(), `laurel-sort-${randomUUID()}`);
  const ownerOnly = 0o600;
  const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, ownerOnly);
  unlinkSync(path);
  let size = 0;
  return {
    get size() {
      return size;
    },
    append(bytes) {
      for (let written = 0; written < bytes.length;) {
        written += writeSync(descriptor, bytes, written, bytes.length - written, size + written);
      }
      size += bytes.length;
    },
    read(position, length) {
      const bytes = Buffer.allocUnsafe(length);
      return bytes.subarray(0, readSync(descriptor, bytes, 0, length, position));
    },
    close: () => closeSync(descriptor),
  };
}

function* linesOf(file: TemporaryFile, { start, end }: Run, chunkBytes: number): Generator<string> {
  let rest: Uint8Array = Buffer.alloc(0); // the beginning of a line whose end was not read yet
  for (let position = start; position < end;) {
    const chunk = file.read(position, Math.min(chunkBytes, end - position));
    if (chunk.length === 0) throw new Error('a sorted run ends before its end');
    position += chunk.length;
    const bytes = Buffer.concat([rest, chunk]);
    const whole = bytes.lastIndexOf(LINE_BREAK) + 1;
    rest = bytes.subarray(whole);
    if (whole > 0) yield* bytes.toString('utf8', 0, whole - 1).split('\n');
  }
}

type Head<Item> = { item: Item; readonly order: number; readonly rest: Iterator<Item, unknown> };

/** Merges sorted sources. Of items that compare equal, the items of the earlier source come first. */
function* merge<Item>(
  sources: readonly Iterator<Item, unknown>[],
  compare: (a: Item, b: Item) => number,
): Generator<Item> {
  const isBefore = (a: Head<Item>, b: Head<Item>): boolean => {
    const compared = compare(a.item, b.item);
    return compared < 0 || (compared === 0 && a.order < b.order);
  };
  const heap: Head<Item>[] = []; // the first is the least of all, and each one is before the two below it

  const sink = () => {
    for (let at = 0; ;) {
      const top = heap[at];
      const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
      const least = left !== undefined && right !== undefined && isBefore(right, left) ? right : left;
      if (top === undefined || least === undefined || isBefore(top, least)) return;
      const below = least === left ? 2 * at + 1 : 2 * at + 2;
      [heap[at], heap[below]] = [least, top];
      at = below;
    }
  };

  for (const [order, rest] of sources.entries()) {
    const { done, value } = rest.next();
    if (!done) heap.push({ item: value, order, rest });
  }
  heap.sort((a, b) => (isBefore(a, b) ? -1 : 1));

  for (let first = heap[0]; first !== undefined; first = heap[0]) {
    yield first.item;
    const { done, value } = first.rest.next();
    if (!done) {
      first.item = value;
    } else {
      const last = heap.pop();
      if (last !== undefined && heap.length > 0) heap[0] = last;
    }
    sink();
  }
}
