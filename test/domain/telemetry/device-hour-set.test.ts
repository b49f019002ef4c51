import { describe, expect, it } from 'vitest';
import { decideHour, kindText, type Chunk } from '../../../domain/telemetry/device-hour-set.ts';
import type { EventEntry } from '../../../domain/telemetry/device-hour.ts';
import { aChunk, aKind, anEntry } from '../../builders/device-hour.ts';
import { aUsername } from '../../builders/identity.ts';

const [ada, bob] = [aUsername('ada'), aUsername('bob')];
const entries = (count: number, from = 0) => Array.from({ length: count }, (_, n) => anEntry(`event-${from + n}`));
const stored = (change: Partial<Chunk>) => aChunk({ revision: 1, ...change });

/** The hour after the decision was written. */
const after = (chunks: readonly Chunk[], incoming: readonly EventEntry[]): readonly Chunk[] => {
  const written = new Map(decideHour(chunks, incoming).writes.map(({ chunk }) => [chunk.index, chunk]));
  const all = new Map([...chunks.map((chunk) => [chunk.index, chunk] as const), ...written]);
  return [...all.values()].map((chunk) => ({ ...chunk, revision: chunk.revision + 1 }));
};
const outcomesOf = (chunks: readonly Chunk[], incoming: readonly EventEntry[]) =>
  incoming.map(({ id }) => decideHour(chunks, incoming).outcomes.get(id));

describe('an hour of a device', () => {
  it('stores its first events in chunk 0', () => {
    const [a, b] = [anEntry('a'), anEntry('b')];

    expect(decideHour([], [a, b]).writes).toEqual([{ chunk: aChunk({ events: [a, b] }), added: [a.id, b.id] }]);
  });

  it('stores an event once, whatever its other fields', () => {
    const chunks = [stored({ events: [anEntry('a')] })];

    const { writes, outcomes } = decideHour(chunks, [anEntry('a', { event: 'other' })]);

    expect(writes).toEqual([]);
    expect([...outcomes.values()]).toEqual(['duplicate']);
  });

  it('finds a duplicate in any chunk', () => {
    const chunks = [stored({ closed: true, events: entries(50) }), stored({ index: 1, events: entries(5, 50) })];

    expect(outcomesOf(chunks, [...entries(1), ...entries(1, 52), ...entries(1, 99)])).toEqual([
      'duplicate',
      'duplicate',
      'accepted',
    ]);
  });

  it('goes on after its last chunk, also if an earlier one has expired', () => {
    const left = stored({ index: 1, closed: true, events: entries(50) });

    expect(
      decideHour([left], entries(1, 50)).writes.map(({ chunk: { index, revision } }) => [index, revision]),
    ).toEqual([[2, 0]]);
  });

  it('stores the first of two copies within a batch', () => {
    const [first, second] = [anEntry('a', { command: 'run' }), anEntry('a', { command: 'model' })];

    expect(decideHour([], [first, second]).writes[0]?.chunk.events).toEqual([first]);
  });

  it.each<[what: string, before: EventEntry, incoming: EventEntry, sender: string | null, isWritten: boolean]>([
    ['gives an anonymous event its first sender', anEntry('a'), anEntry('a', {}, ada), ada, true],
    ['keeps the first of two senders', anEntry('a', {}, ada), anEntry('a', {}, bob), ada, false],
    ['keeps the sender if an anonymous copy comes', anEntry('a', {}, ada), anEntry('a'), ada, false],
    ['writes nothing for a second anonymous copy', anEntry('a'), anEntry('a'), null, false],
  ])('%s', (_rule, before, incoming, sender, isWritten) => {
    for (const closed of [false, true]) {
      const { writes } = decideHour([stored({ closed, events: [before] })], [incoming]);

      expect(writes.length).toBe(isWritten ? 1 : 0);
      expect(writes[0]?.chunk.events[0]?.sender ?? before.sender).toBe(sender);
      expect(writes[0]?.chunk.closed ?? closed).toBe(closed);
    }
  });

  it('changes only the sender: the kind of the first copy is kept', () => {
    const { writes } = decideHour([stored({ events: [anEntry('a')] })], [anEntry('a', { command: 'run' }, ada)]);

    expect(writes[0]?.chunk.events).toEqual([anEntry('a', {}, ada)]);
  });

  it('gives a new event the sender of a later copy in the batch', () => {
    expect(decideHour([], [anEntry('a'), anEntry('a', {}, ada)]).writes[0]?.chunk.events).toEqual([
      anEntry('a', {}, ada),
    ]);
  });

  it('bases each write on the revision that it read', () => {
    const chunks = [stored({ revision: 7, events: [anEntry('a')] })];

    expect(decideHour(chunks, [anEntry('b')]).writes[0]?.chunk.revision).toBe(7);
  });
});

describe('a chunk', () => {
  it('is closed by the write that fills it', () => {
    const [chunk] = after(after([], entries(25)), entries(25, 25));

    expect(chunk).toMatchObject({ closed: true, revision: 2 });
    expect(chunk?.events).toHaveLength(50);
  });

  it('accepts no event after it is closed, even if it has room', () => {
    const [first, second] = after([stored({ closed: true, events: [anEntry('a')] })], [anEntry('b')]);

    expect(first?.events).toEqual([anEntry('a')]);
    expect(second).toMatchObject({ index: 1, events: [anEntry('b')] });
  });

  it('is closed before its successor is created', () => {
    const { writes } = decideHour([stored({ events: entries(40) })], entries(40, 40));

    expect(writes.map(({ chunk }) => [chunk.index, chunk.closed])).toEqual([
      [0, true],
      [1, false],
    ]);
    expect(writes.flatMap(({ added }) => added)).toEqual(entries(40, 40).map(({ id }) => id));
  });

  it('is closed without a new event if the event does not fit', () => {
    const long = (n: number) => anEntry(`${n}`, { event: `${n}`.padStart(64, 'e') });
    const full = Array.from({ length: 9 }, (_, n) => long(n));
    const chunks = after([], full.slice(0, 8));

    const all = after(chunks, [...full.slice(8), long(10), long(11)]);

    expect(all.slice(0, -1).every(({ closed }) => closed)).toBe(true);
    expect(all.flatMap(({ events }) => events)).toHaveLength(11);
  });

  it('stays within one write unit, for any names', () => {
    const sender = aUsername('u'.repeat(64));
    const longest = Array.from({ length: 60 }, (_, n) => anEntry(`${n}`, { event: `${n}`.padStart(64, 'e') }, sender));

    for (const { events } of after([], longest)) {
      const kinds = new Set(events.map(({ kind }) => kindText(kind)));
      expect(events.length * 10 + [...kinds].join(' ').length + 65).toBeLessThanOrEqual(770);
    }
  });

  it('holds no more entries than its one-byte tables can distinguish', () => {
    const events = Array.from({ length: 600 }, (_, n) => anEntry(`${n}`, { event: `e${n.toString(36)}` }));

    const chunks = after([], events);

    expect(chunks.flatMap((chunk) => chunk.events)).toHaveLength(600);
    for (const chunk of chunks) expect(new Set(chunk.events.map(({ kind }) => kind.event)).size).toBeLessThan(255);
  });
});

describe('the text of a kind', () => {
  it('differs for different kinds', () => {
    const kinds = [
      aKind(),
      aKind({ success: false }),
      aKind({ command: 'run' }),
      aKind({ event: 'model' }),
      aKind({ event: 'run' }),
    ];

    expect(new Set(kinds.map(kindText)).size).toBe(kinds.length);
  });
});
