import type { AccountId } from '../identity/account.ts';
import type { EventEntry, EventKind } from './device-hour.ts';

/**
 * One item of a device-hour: a part of the hour's set of events.
 *
 * Only the last chunk is open. A chunk is closed by the very write that fills it, and only a closed chunk has a
 * successor: so at any time there is one place where a new event can go, and every addition to the hour passes one
 * conditional write there. A closed chunk takes no events any more, only a sender for an event that had none.
 */
export type Chunk = {
  /** 0 for the hour's first chunk, then 1, 2, … without gaps. */
  readonly index: number;
  /** Raised by one with every write; a write is conditional on the revision it was decided from. 0: not stored yet. */
  readonly revision: number;
  readonly closed: boolean;
  readonly events: readonly EventEntry[];
  /** When it expires, in seconds since the epoch: only while it counts for no account (`retention.ts`). */
  readonly expiresAt?: number | undefined;
};

/** What each event turns out to be. */
export type StoreOutcome = 'accepted' | 'duplicate';

export type HourDecision = {
  /** The chunks to write, in this order: a new state each, decided from `revision`. */
  readonly writes: readonly { readonly chunk: Chunk; readonly added: readonly string[] }[];
  /** By event id. */
  readonly outcomes: ReadonlyMap<string, StoreOutcome>;
};

const BYTES_PER_ENTRY = 10;
/**
 * An item up to 1 KB costs one write unit. Beside this payload it holds two keys (the device's id up to 128
 * characters, the hour) and a few small attributes, about 230 bytes in all for the longest id.
 */
const PAYLOAD_LIMIT = 760;
/** Two of the client's batches of 25 events: the second one closes the chunk without a write of its own. */
const CLOSE_AT_ENTRIES = 50;
const CLOSE_AT_PAYLOAD = 620;

/** Its commands are written without its name: it is the commonest event of the sample community's tool. */
const SHORTENED = 'cli_invocation';

/**
 * How a kind is written in an item's table: short for the commonest, and without loss. No event's name has `:` or `!`.
 */
export const kindText = ({ event, command, success }: EventKind): string =>
  command === null ? event : `${event === SHORTENED ? '' : event}${success ? ':' : '!'}${command}`;

export function kindOfText(text: string): EventKind {
  const [, event = text, mark, command = ''] = /^([^:!]*)([:!])(.*)$/su.exec(text) ?? [];
  if (mark === undefined) return { event, command: null, success: true };
  return { event: event === '' ? SHORTENED : event, command, success: mark === ':' };
}

const payloadOf = (events: readonly EventEntry[]): number => {
  const kinds = new Set(events.map(({ kind }) => kindText(kind)));
  const senders = new Set(events.map(({ sender }) => sender));
  const texts = [...kinds, ...senders].reduce((sum, text) => sum + (text === null ? 0 : text.length + 1), 0);
  return events.length * BYTES_PER_ENTRY + texts;
};

const isFull = (events: readonly EventEntry[]): boolean =>
  events.length >= CLOSE_AT_ENTRIES || payloadOf(events) >= CLOSE_AT_PAYLOAD;

/** The first sender to authenticate an event stays its sender; anonymous copies change nothing. */
const withSender = (entry: EventEntry, sender: AccountId | null): EventEntry =>
  entry.sender === null && sender !== null ? { ...entry, sender } : entry;

/**
 * Whether a chunk is missing before another one: the events in it cannot be told from new ones. Where it has expired, they
 * are new.
 */
export const hasGap = (chunks: readonly Chunk[]): boolean => chunks.some(({ index }, place) => index !== place);

/** Puts as many of `events` into a chunk as fit: all of them, or at least one into an empty chunk. */
function fill(
  chunk: Chunk,
  events: readonly EventEntry[],
): { readonly chunk: Chunk; readonly rest: readonly EventEntry[] } {
  let taken = 0;
  while (taken < events.length) {
    const isTooLarge = payloadOf([...chunk.events, ...events.slice(0, taken + 1)]) > PAYLOAD_LIMIT;
    if (isTooLarge && chunk.events.length + taken > 0) break;
    taken += 1;
  }
  const filled = [...chunk.events, ...events.slice(0, taken)];
  const rest = events.slice(taken);
  return { chunk: { ...chunk, events: filled, closed: rest.length > 0 || isFull(filled) }, rest };
}

/**
 * Decides what storing a batch's events of one hour changes. Pure; `chunks` are all chunks of the hour in order, or the
 * first ones, each as it was at some time: then a write of the decision meets another revision.
 *
 * An event that is there is a duplicate; it may bring the sender that the stored one lacks. Of two copies within the
 * batch the first is accepted. New events go into the open chunk, then into new ones.
 */
export function decideHour(chunks: readonly Chunk[], incoming: readonly EventEntry[]): HourDecision {
  const stored = new Set(chunks.flatMap(({ events }) => events.map(({ id }) => id)));
  const outcomes = new Map<string, StoreOutcome>();
  const senders = new Map<string, AccountId>();
  const additions = new Map<string, EventEntry>();
  for (const entry of incoming) {
    if (entry.sender !== null && !senders.has(entry.id)) senders.set(entry.id, entry.sender);
    if (outcomes.has(entry.id)) continue;
    const isStored = stored.has(entry.id);
    outcomes.set(entry.id, isStored ? 'duplicate' : 'accepted');
    if (!isStored) additions.set(entry.id, entry);
  }
  const signed = (entry: EventEntry): EventEntry => withSender(entry, senders.get(entry.id) ?? null);

  const writes: { chunk: Chunk; added: string[] }[] = [];
  let rest: readonly EventEntry[] = [...additions.values()].map(signed);
  for (const chunk of chunks) {
    const upgraded = { ...chunk, events: chunk.events.map(signed) };
    const isUpgraded = upgraded.events.some((entry, index) => entry !== chunk.events[index]);
    if (chunk.closed || rest.length === 0) {
      if (isUpgraded) writes.push({ chunk: upgraded, added: [] });
      continue;
    }
    const before = rest;
    const step = fill(upgraded, rest);
    rest = step.rest;
    writes.push({ chunk: step.chunk, added: idsOf(before.slice(0, before.length - rest.length)) });
  }
  for (let index = (chunks.at(-1)?.index ?? -1) + 1; rest.length > 0; index += 1) {
    const before = rest;
    const step = fill({ index, revision: 0, closed: false, events: [] }, rest);
    rest = step.rest;
    writes.push({ chunk: step.chunk, added: idsOf(before.slice(0, before.length - rest.length)) });
  }
  return { writes, outcomes };
}

const idsOf = (events: readonly EventEntry[]): string[] => events.map(({ id }) => id);
