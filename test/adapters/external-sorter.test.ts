import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { diskSorter } from '../../functions/adapters/disk/external-sorter.ts';
import { runs } from '../properties/telemetry-world.ts';

type Entry = { readonly key: number; readonly text: string };

const how = {
  compare: (a: Entry, b: Entry) => a.key - b.key,
  pack: (entry: Entry) => JSON.stringify(entry),
  unpack: (line: string): Entry => JSON.parse(line) as Entry,
};

function sorted(entries: readonly Entry[], limits: Parameters<typeof diskSorter>[0]): Entry[] {
  const sorter = diskSorter(limits)<Entry>(how);
  try {
    for (const entry of entries) sorter.add(entry);
    return [...sorter.sorted()];
  } finally {
    sorter.close();
  }
}

describe('a sorter on disk', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'laurel-test-'));
    vi.stubEnv('TMPDIR', directory);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(directory, { recursive: true });
  });
  const openFiles = () =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(directory);
      } catch {
        return false; // the process that lists the directory itself
      }
    }).length;

  it('returns the same order as a sort in memory, however little it holds at once', () => {
    const entry = fc.record({ key: fc.integer({ min: -5, max: 5 }), text: fc.string({ unit: 'binary' }) });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 60 }), fc.integer({ min: 1, max: 70 }), (entries, itemsInMemory) => {
        expect(sorted(entries, { itemsInMemory })).toEqual(entries.toSorted(how.compare));
      }),
      { numRuns: runs(25) },
    );
  });

  it("reads lines longer than its buffer, and characters of several bytes across the buffer's edge", () => {
    const entries = Array.from({ length: 40 }, (_, n) => ({ key: (n * 7) % 40, text: 'é€𝄞'.repeat(n * 60) }));

    expect(sorted(entries, { itemsInMemory: 5, readAheadBytes: 1 })).toEqual(entries.toSorted(how.compare));
  });

  it('returns nothing if nothing was added', () => {
    expect(sorted([], {})).toEqual([]);
  });

  it('writes to the disk only if its memory limit is reached', () => {
    vi.stubEnv('TMPDIR', join(directory, 'missing'));
    const entries = Array.from({ length: 10 }, (_, key) => ({ key, text: '' }));

    expect(sorted(entries, { itemsInMemory: 10 })).toEqual(entries);
    expect(() => sorted(entries, { itemsInMemory: 9 })).toThrow('ENOENT');
  });

  it('leaves no file name on the disk while it works, and no open file after it was closed', () => {
    const sorter = diskSorter({ itemsInMemory: 2 })<Entry>(how);
    for (let key = 0; key < 9; key += 1) sorter.add({ key, text: '' });
    const hasProc = process.platform === 'linux';

    expect(readdirSync(directory)).toEqual([]);
    if (hasProc) expect(openFiles()).toBe(1);
    sorter.sorted()[Symbol.iterator]().next(); // read only in part, as after an error of the reader
    sorter.close();
    sorter.close();
    if (hasProc) expect(openFiles()).toBe(0);
  });

  it('cannot be used after it was closed', () => {
    const sorter = diskSorter()<Entry>(how);
    sorter.close();

    expect(() => sorter.add({ key: 1, text: '' })).toThrow('closed');
    expect(() => [...sorter.sorted()]).toThrow('closed');
  });
});
