import { kindOfText, kindText } from '../telemetry/device-hour-set.ts';
import type { EventEntry, EventKind } from '../telemetry/device-hour.ts';
import { isTrustedDevice } from '../telemetry/device-id.ts';
import type { CommunityHour, CountedEvent } from './community-hour.ts';

const ID_LENGTH = 16;
const DEVICE_AT = ID_LENGTH + 2;
const EVENTS_AT_A_TIME = 5_000;
const KINDS_IN_MEMORY = 1_000;

/**
 * A copy of an event as a line of text. Lines in their order have the copies of an event together, and the copy that counts
 * first: a keyed copy before an anonymous one, then the smallest device. No part of a line holds a tab or a line break.
 */
export const lineOfCopy = (deviceId: string, { id, kind, sender }: EventEntry): string =>
  `${id}${sender === null ? 1 : 0}\t${deviceId}\t${sender ?? ''}\t${kindText(kind)}`;

/** The events of an hour, each once, some at a time. */
export function* eventsOfLines(sorted: Iterable<string>): Generator<Pick<CommunityHour, 'events' | 'deviceEvents'>> {
  let events: CountedEvent[] = [];
  let deviceEvents: CountedEvent[] = [];
  const kinds = new Map<string, EventKind>();
  const kindOf = (text: string): EventKind => {
    const known = kinds.get(text) ?? kindOfText(text);
    if (kinds.size >= KINDS_IN_MEMORY) kinds.clear(); // strangers invent as many as they like
    kinds.set(text, known);
    return known;
  };
  let last = { id: '', isOfDevice: false };
  for (const line of sorted) {
    const id = line.slice(0, ID_LENGTH);
    const deviceEnd = line.indexOf('\t', DEVICE_AT);
    const isFirst = id !== last.id;
    if (isFirst) last = { id, isOfDevice: false };
    const isFirstOfDevice = !last.isOfDevice && !isTrustedDevice(line.slice(DEVICE_AT, deviceEnd));
    if (!isFirst && !isFirstOfDevice) continue;
    if (isFirst && events.length >= EVENTS_AT_A_TIME) {
      yield { events, deviceEvents };
      [events, deviceEvents] = [[], []];
    }
    const senderEnd = line.indexOf('\t', deviceEnd + 1);
    const sender = line.slice(deviceEnd + 1, senderEnd);
    const kind = line.slice(senderEnd + 1);
    const event = { entry: { kind: kindOf(kind), sender: sender === '' ? null : sender } };
    if (isFirst) events.push(event);
    if (isFirstOfDevice) {
      deviceEvents.push(event);
      last.isOfDevice = true;
    }
  }
  yield { events, deviceEvents };
}
