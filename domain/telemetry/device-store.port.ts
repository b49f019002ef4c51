import type { AccountId } from '../identity/account.ts';
import type { UtcHour } from '../shared/utc.ts';
import type { Chunk } from './device-hour-set.ts';

export type Device = {
  readonly deviceId: string;
  /** The first username to authenticate from it; its anonymous events, past and future, are this user's. */
  readonly owner?: AccountId;
  /** The last owner, if there is none now. */
  readonly lastOwner?: AccountId;
  /** Who may not bind it again. */
  readonly barred?: readonly AccountId[];
};

export type DatedDevice = Device & {
  /** When it was first seen, ISO 8601. */
  readonly createdAt: string;
};

/** A device, and when it was first seen as far as the request tells, ISO 8601. */
export type SeenDevice = { readonly deviceId: string; readonly at: string };

/** Each takes two of the hundred actions of a transaction. */
export const MAX_BOUND_TOGETHER = 49;

/** What becomes of a device that is taken from its owner. */
export type Unbinding = {
  /** The new owner and the time; undefined if nobody gets it. */
  readonly to?: { readonly username: AccountId; readonly at: string } | undefined;
  /** Who may not bind it again. */
  readonly bar?: AccountId | undefined;
};

/**
 * The devices and their events. Reads are strongly consistent. Those that are called `lastSeen` cost half and may be of a
 * moment ago: for decisions that are held by a condition when they are written.
 */
export type DeviceStore = {
  find(deviceId: string): Promise<Device | undefined>;
  lastSeen(deviceId: string): Promise<DatedDevice | undefined>;
  /** Notes when a device was first seen. The first note stays. */
  register(deviceId: string, at: string): Promise<void>;
  /** Notes that a device was there at an earlier time already, as an import tells. A later time changes nothing. */
  seenBefore(deviceId: string, at: string): Promise<void>;
  /**
   * Makes `username` the owner, with the link that its fold follows, in one transaction. The first owner stays. A
   * barred user is refused. `full` as below.
   */
  bind(deviceId: string, account: AccountId, at: string): Promise<'bound' | 'already-owned' | 'full'>;
  /**
   * The same for several devices, at most `MAX_BOUND_TOGETHER`, all or none: false where one of them has to be looked at
   * by itself.
   */
  bindTogether(devices: readonly SeenDevice[], account: AccountId): Promise<boolean>;
  /**
   * Takes the ownership away, and gives it to somebody else if asked, in one transaction with the links. The link of
   * the former owner stays, so that events that name them as sender are still found. `not-theirs`: the device has
   * another owner than `owner`, or has one although `owner` is undefined. `full`: the new owner has too many devices.
   */
  unbind(deviceId: string, owner: AccountId | undefined, then?: Unbinding): Promise<'unbound' | 'not-theirs' | 'full'>;
  /**
   * Lets the fold of a username find the device, whose events name it. Changes no ownership. `full`: the username has
   * `MAX_DEVICES` others. Devices that collect others are not counted.
   */
  link(deviceId: string, account: AccountId): Promise<'linked' | 'full'>;
  isLinked(deviceId: string, account: AccountId): Promise<boolean>;
  /** All chunks of an hour, in order; or those from an index on. */
  chunksOf(deviceId: string, hour: UtcHour, from?: number): Promise<readonly Chunk[]>;
  /** Perhaps of a moment ago, and not all of one moment: a chunk may be missing before one that is there. */
  chunksLastSeen(deviceId: string, hour: UtcHour, from?: number): Promise<readonly Chunk[]>;
  /**
   * Stores a chunk's new state if it is still at `chunk.revision` (0: not there at all). `stale`: somebody else
   * wrote since. `saved`: also if an earlier try of this very write was committed.
   */
  saveChunk(deviceId: string, hour: UtcHour, chunk: Chunk): Promise<'saved' | 'stale'>;
};
