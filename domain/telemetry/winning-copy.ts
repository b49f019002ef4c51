import type { EventEntry } from './device-hour.ts';

/** One of the devices that an event came under. */
export type Copy = { readonly deviceId: string; readonly entry: EventEntry };

/** Which copy of an event counts: a keyed copy before an anonymous one, then the copy with the smallest device id. */
const winsOver = (a: Copy, b: Copy): boolean => {
  const [aIsKeyed, bIsKeyed] = [a.entry.sender !== null, b.entry.sender !== null];
  return aIsKeyed === bIsKeyed ? a.deviceId < b.deviceId : aIsKeyed;
};

/** The events of one hour, each once: the winning copy of each. */
export function winningCopies(copies: Iterable<Copy>): readonly Copy[] {
  const winners = new Map<string, Copy>();
  for (const copy of copies) {
    const rival = winners.get(copy.entry.id);
    if (rival === undefined || winsOver(copy, rival)) winners.set(copy.entry.id, copy);
  }
  return [...winners.values()];
}
