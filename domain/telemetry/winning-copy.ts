import type { EventEntry } from './device-hour.ts';

/** One of the devices that an event came under. */
export type Copy = { readonly deviceId: string; readonly entry: EventEntry };

/** Of copies of one event: keyed beats anonymous, then the one under the smallest device id stands. */
const standsBefore = (a: Copy, b: Copy): boolean => {
  const [aIsKeyed, bIsKeyed] = [a.entry.sender !== null, b.entry.sender !== null];
  return aIsKeyed === bIsKeyed ? a.deviceId < b.deviceId : aIsKeyed;
};

/** The events of one hour, each once: of its copies the one that stands. */
export function winningCopies(copies: Iterable<Copy>): readonly Copy[] {
  const standing = new Map<string, Copy>();
  for (const copy of copies) {
    const rival = standing.get(copy.entry.id);
    if (rival === undefined || standsBefore(copy, rival)) standing.set(copy.entry.id, copy);
  }
  return [...standing.values()];
}
