import type { AccountId } from '../identity/account.ts';
import type { UtcHour } from '../shared/utc.ts';
import type { Chunk } from './device-hour-set.ts';

export type Device = {
  readonly deviceId: string;
  /** The first account whose key was used on it. Its anonymous events, past and future, are this account's. */
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

/** A device, and the earliest time (ISO 8601) that the request has for it. */
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
 * The devices and their events. Reads are strongly consistent. Reads with `lastSeen` in their names cost half, and may
 * give what was stored a moment ago: they are for decisions whose write has a condition.
 */
export type DeviceStore = {
  find(deviceId: string): Promise<Device | undefined>;
  lastSeen(deviceId: string): Promise<DatedDevice | undefined>;
  /** Notes when a device was first seen. The first note stays. */
  register(deviceId: string, at: string): Promise<void>;
  /** Notes that a device was there at an earlier time already, as an import tells. A later time changes nothing. */
  seenBefore(deviceId: string, at: string): Promise<void>;
  /**
   * Makes `account` the owner, with the link that its fold follows, in one transaction. The first owner stays, and a
   * barred account is refused: both are `already-owned`. `full`: the account has `MAX_DEVICES` others.
   */
  bind(deviceId: string, account: AccountId, at: string): Promise<'bound' | 'already-owned' | 'full'>;
  /**
   * The same for several devices, at most `MAX_BOUND_TOGETHER`, all or none. False if nothing was bound: the caller
   * then binds them one by one.
   */
  bindTogether(devices: readonly SeenDevice[], account: AccountId): Promise<boolean>;
  /**
   * Takes the ownership away, and gives it to somebody else if asked, in one transaction with the links. The link of
   * the former owner stays, so that events that name them as sender are still found. `not-theirs`: the device has
   * another owner than `owner`, or has one although `owner` is undefined. `full`: the new owner has too many devices.
   */
  unbind(deviceId: string, owner: AccountId | undefined, then?: Unbinding): Promise<'unbound' | 'not-theirs' | 'full'>;
  /**
   * Lets the fold of an account find the device, because its events name the account. Changes no ownership. `full`: the
   * account has `MAX_DEVICES` others. Devices that collect others are not counted.
   */
  link(deviceId: string, account: AccountId): Promise<'linked' | 'full'>;
  isLinked(deviceId: string, account: AccountId): Promise<boolean>;
  /** All chunks of an hour, in order, or those from the index `from` on. Empty if nothing is stored. */
  chunksOf(deviceId: string, hour: UtcHour, from?: number): Promise<readonly Chunk[]>;
  /** The same as of a moment ago. The chunks may be of different moments, so one may be missing before another one. */
  chunksLastSeen(deviceId: string, hour: UtcHour, from?: number): Promise<readonly Chunk[]>;
  /**
   * Stores a chunk's new state if it is still at `chunk.revision` (0: not there at all). `stale`: somebody else
   * wrote since. `saved`: also if an earlier try of this very write was committed.
   */
  saveChunk(deviceId: string, hour: UtcHour, chunk: Chunk): Promise<'saved' | 'stale'>;
};
