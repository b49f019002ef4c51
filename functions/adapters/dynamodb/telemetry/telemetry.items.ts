import * as z from 'zod/mini';
import { hourPlaceOf } from '../shared/hour-index.ts';
import { AccountId } from '../../../../domain/identity/account.ts';
import type { Place } from '../../../../domain/identity/logins.port.ts';
import { kindOfText, kindText, type Chunk } from '../../../../domain/telemetry/device-hour-set.ts';
import type { EventEntry, EventKind } from '../../../../domain/telemetry/device-hour.ts';
import type { UtcHour } from '../../../../domain/shared/utc.ts';
import type { Item } from '../shared/item.ts';
import { fromItem, toItem } from '../shared/format.ts';

/**
 * The items of the `telemetry` table.
 *
 *   DEVICE#<id>    DEVICE                     owner, boundAt, createdAt, lastOwner, barred; in the index `byHour` under createdAt's hour
 *   DEVICE#<id>    HOUR#2026-08-21T13#0000    a chunk of the hour's events; in the index `byHour`
 *   USER#<account>   DEVICE#<id>                link: a device whose events can count for the user; owned or not
 *   USER#<account>   LINKS                      how many devices it has links to, without devices that collect others
 *   USER#<account>   ISSUE#<id>                 an issue that the user created
 *   USER#<account>   SIGNIN#2026-08-21          a sign-in on that date
 *   USER#<account>   FACT#<event>#<id>          a fact of another kind that the rules name; with a date if it counts once a day
 *   USER#<account>   LOGIN#github               the user's login on GitHub, or on Discourse
 *   LOGIN#github#<id>  LOGIN                  whose login it is
 *   NAME#<name>    NAME                       the first name of a repository or of a thing in one; also by `github:<id>`
 */

export const DEVICE_SK = 'DEVICE';
/** How many devices an account has links to. */
export const LINKS_SK = 'LINKS';
export const devicePk = (deviceId: string): string => `DEVICE#${deviceId}`;
export const HOUR_PREFIX = 'HOUR#';
export const hourSkPrefix = (hour: UtcHour): string => `${HOUR_PREFIX}${hour}#`;
export const chunkSk = (hour: UtcHour, index: number): string => hourSkPrefix(hour) + String(index).padStart(4, '0');

export const LOGIN_SK = 'LOGIN';
export const NAME_SK = 'NAME';
export const LOGIN_PREFIX = 'LOGIN#';
export const loginPk = (place: Place, id: number): string => `${LOGIN_PREFIX}${place}#${id}`;
export const ownLoginSk = (place: Place): string => `${LOGIN_PREFIX}${place}`;
export const namePk = (name: string): string => `NAME#${name}`;

const KEY = {
  device: /^DEVICE#(?<deviceId>.+)$/su,
  user: /^USER#(?<username>.+)$/u,
  chunk: /^HOUR#(?<hour>\d{4}-\d{2}-\d{2}T\d{2})#(?<index>\d{4,})$/u,
};

/** The meaning of a pair of keys of this table. */
export type TelemetryKey =
  | { readonly kind: 'device'; readonly deviceId: string }
  | { readonly kind: 'chunk'; readonly deviceId: string; readonly hour: UtcHour; readonly index: number }
  | { readonly kind: 'link'; readonly username: AccountId; readonly deviceId: string }
  | { readonly kind: 'link-count'; readonly username: AccountId }
  | { readonly kind: 'report'; readonly username: AccountId }
  /** A login, or a name of a repository: no fold reads it. */
  | { readonly kind: 'hook' };

const Keys = z.object({ pk: z.string(), sk: z.string() });

/** Reads a key. Throws on one that this table does not know. */
export function parseKey(item: Item): TelemetryKey {
  const { pk, sk } = Keys.parse({ pk: item.pk?.S, sk: item.sk?.S });
  const deviceId = KEY.device.exec(pk)?.groups?.deviceId;
  const chunk = KEY.chunk.exec(sk)?.groups;
  const username = KEY.user.exec(pk)?.groups?.username;
  const linked = KEY.device.exec(sk)?.groups?.deviceId;
  if (deviceId !== undefined && sk === DEVICE_SK) return { kind: 'device', deviceId };
  if (deviceId !== undefined && chunk?.hour !== undefined) {
    return { kind: 'chunk', deviceId, hour: chunk.hour, index: Number(chunk.index) };
  }
  if (username !== undefined && linked !== undefined) {
    return { kind: 'link', username: AccountId.parse(username), deviceId: linked };
  }
  if (username !== undefined && sk === LINKS_SK) return { kind: 'link-count', username: AccountId.parse(username) };
  const isOwnLogin = username !== undefined && sk.startsWith(LOGIN_PREFIX);
  const isLogin = sk === LOGIN_SK && pk.startsWith(LOGIN_PREFIX);
  if (isOwnLogin || isLogin || (sk === NAME_SK && pk.startsWith(namePk('')))) return { kind: 'hook' };
  if (username !== undefined && FACT_PREFIXES.some((prefix) => sk.startsWith(prefix))) {
    return { kind: 'report', username: AccountId.parse(username) };
  }
  throw new Error(`no item of the telemetry table has the key ${pk} / ${sk}`);
}

export const DeviceItem = z.object({
  owner: z.optional(AccountId),
  lastOwner: z.optional(AccountId),
  barred: z.optional(z.set(AccountId)),
  createdAt: z.iso.datetime(),
});

/** Kinds that were stored before there were others, under prefixes of their own. */
const OWN_PREFIXES: ReadonlyMap<string, string> = new Map([
  ['issue_created', 'ISSUE#'],
  ['daily_sign_in', 'SIGNIN#'],
]);
const SHARED_PREFIX = 'FACT#';
const FACT_PREFIXES: readonly string[] = [...OWN_PREFIXES.values(), SHARED_PREFIX];

export const factSk = (event: string, id: string): string =>
  `${OWN_PREFIXES.get(event) ?? `${SHARED_PREFIX}${event}#`}${id}`;

/** The event of a reported fact. */
export function eventOfFact(sk: string): string {
  const [own] = [...OWN_PREFIXES].find(([, prefix]) => sk.startsWith(prefix)) ?? [];
  return own ?? sk.slice(SHARED_PREFIX.length).split('#', 1).join('');
}

/** Where the facts of these kinds are: as few ranges as there can be. */
export const prefixesOf = (events: Iterable<string>): readonly string[] => [
  ...new Set([...events].map((event) => OWN_PREFIXES.get(event) ?? SHARED_PREFIX)),
];

/** A fact that a server reported: its key is its identity. */
export const ReportItem = z.object({ hour: z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}T\d{2}$/u)) });

export const LoginItem = z.object({ username: AccountId, login: z.string() });
export const OwnLoginItem = z.object({ id: z.int(), login: z.string() });
export const NameItem = z.object({ first: z.string() });

export const LinkItem = z.object({ owned: z.boolean() });

/** Bytes of one packed event: 8 of its id, then its kind and its sender as places in the item's own tables. */
const ENTRY_BYTES = 10;
const NO_SENDER = 0;

const ChunkItem = z.object({
  rev: z.int(),
  closed: z.optional(z.boolean()),
  events: z.instanceof(Uint8Array),
  kinds: z.array(z.string()),
  senders: z.optional(z.array(AccountId)),
  expiresAt: z.optional(z.int()),
  writeId: z.string(),
});

/** A chunk as an item, at the revision after `chunk.revision`. `writeId` marks this very write. */
export function chunkItem(deviceId: string, hour: UtcHour, chunk: Chunk, writeId: string): Item {
  const kinds = [...new Set(chunk.events.map(({ kind }) => kindText(kind)))];
  const senders = [...new Set(chunk.events.flatMap(({ sender }) => (sender === null ? [] : [sender])))];
  const events = new Uint8Array(chunk.events.length * ENTRY_BYTES);
  for (const [index, { id, kind, sender }] of chunk.events.entries()) {
    events.set(Buffer.from(id, 'hex'), index * ENTRY_BYTES);
    events[index * ENTRY_BYTES + 8] = kinds.indexOf(kindText(kind));
    events[index * ENTRY_BYTES + 9] = sender === null ? NO_SENDER : senders.indexOf(sender) + 1;
  }
  return toItem('device-hour', {
    pk: devicePk(deviceId),
    sk: chunkSk(hour, chunk.index),
    ...hourPlaceOf(hour, deviceId),
    rev: chunk.revision + 1,
    closed: chunk.closed ? true : undefined,
    events,
    kinds,
    senders: senders.length > 0 ? senders : undefined,
    expiresAt: chunk.expiresAt,
    writeId,
  });
}

/** Reads a stored chunk. Throws on an item that was not written by `chunkItem`. */
export function parseChunk(item: Item): { readonly chunk: Chunk; readonly writeId: string } {
  const key = parseKey(item);
  if (key.kind !== 'chunk') throw new Error(`expected a chunk of an hour, found a ${key.kind}`);
  const { rev, closed, events, kinds, senders, expiresAt, writeId } = ChunkItem.parse(fromItem('device-hour', item));
  const tables = { kinds: kinds.map(kindOfText), senders: senders ?? [] };
  const chunk = { index: key.index, revision: rev, closed: closed ?? false, events: unpack(events, tables) };
  return { chunk: { ...chunk, ...(expiresAt === undefined ? {} : { expiresAt }) }, writeId };
}

function unpack(
  bytes: Uint8Array,
  tables: { readonly kinds: readonly EventKind[]; readonly senders: readonly AccountId[] },
): EventEntry[] {
  if (bytes.length % ENTRY_BYTES !== 0) throw new Error(`packed events: ${bytes.length} bytes are no whole entries`);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / ENTRY_BYTES }, (_, index) => {
    const at = index * ENTRY_BYTES;
    const kind = tables.kinds[buffer.readUInt8(at + 8)];
    const senderPlace = buffer.readUInt8(at + 9);
    const sender = senderPlace === NO_SENDER ? null : tables.senders[senderPlace - 1];
    if (kind === undefined || sender === undefined)
      throw new Error('packed events: an entry names no place in its table');
    return { id: buffer.toString('hex', at, at + 8), kind, sender };
  });
}
