import { describe, expect, it } from 'vitest';
import { LATE_MS, lateStreams } from '../../../domain/change-feed/late-streams.ts';

describe('the note that streams are late', () => {
  const begin = Date.parse('2026-08-21T12:00:00.000Z');
  const world = (note: (lateAt: string) => void = () => undefined) => {
    const seen = { now: begin, notes: [] as string[], failures: 0 };
    const late = lateStreams({
      note: async (lateAt) => {
        note(lateAt);
        seen.notes.push(lateAt);
      },
      reportFailure: () => (seen.failures += 1),
      clock: () => seen.now,
    });
    return { seen, late };
  };

  it('is written for a change that is read half a minute after its commit, but not for an earlier read', async () => {
    const { seen, late } = world();
    await late.read(begin - LATE_MS + 1);
    await late.read(Infinity); // no record could be read
    expect(seen.notes).toEqual([]);

    await late.read(begin - LATE_MS);
    expect(seen.notes).toEqual(['2026-08-21T12:00:00.000Z']);
  });

  it('is written for changes that could not be announced, and again after ten seconds, but not for each batch', async () => {
    const { seen, late } = world();
    for (const seconds of [0, 1, 9, 10, 70]) {
      seen.now = begin + seconds * 1_000;
      await late.failed();
      await late.read(0);
    }

    expect(seen.notes.map((at) => (Date.parse(at) - begin) / 1_000)).toEqual([0, 10, 70]);
  });

  it('delays no announcement if it cannot be written, and is retried', async () => {
    let isBroken = true;
    const { seen, late } = world(() => {
      if (isBroken) throw new Error('no table');
    });
    await late.failed();
    expect(seen).toMatchObject({ notes: [], failures: 1 });

    isBroken = false;
    await late.failed();
    expect(seen.notes).toHaveLength(1);
  });
});
