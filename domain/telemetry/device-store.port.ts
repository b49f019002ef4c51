import type { Username } from '../identity/username.ts';
import type { UtcHour } from '../shared/utc.ts';
import type { Chunk } from './device-hour-set.ts';

export type Device = {
  readonly deviceId: string;
  /** The first username to authenticate from it; its anonymous events, past and future, are this user's. */
  readonly owner?: Username;
  /** Who had it last, where nobody has it now. */
  readonly lastOwner?: Username;
  /** Who may not bind it again. */
  readonly barred?: readonly Username[];
};

/** What becomes of a device that is taken from its owner. */
export type Unbinding = {
  /** Who gets it, and when; undefined where it is to be nobody's. */
  readonly to?: { readonly username: Username; readonly at: string } | undefined;
  /** Who may not bind it again. */
  readonly bar?: Username | undefined;
};

/** The devices and what was sent from them. Every read is strongly consistent. */
export type DeviceStore = {
  find(deviceId: string): Promise<Device | undefined>;
  /** Notes when a device was first seen. The first time stands. */
  register(deviceId: string, at: string): Promise<void>;
  /** Makes `username` the owner, with the link that its fold follows, in one transaction; the first owner stands. Whoever is barred from it is refused. `full` as below. */
  bind(deviceId: string, username: Username, at: string): Promise<'bound' | 'already-owned' | 'full'>;
  /**
   * Takes the ownership away, and gives it to somebody else where that is asked for, in one transaction with the links. The
   * link of the former owner stays: what the device's events name a sender for is still found. `not-theirs` where the
   * device has another owner than `owner`, or one where that is undefined; `full` where the new owner has too many devices.
   */
  unbind(deviceId: string, owner: Username | undefined, then?: Unbinding): Promise<'unbound' | 'not-theirs' | 'full'>;
  /**
   * Makes the device findable for the fold of a username that its events name. Changes no ownership. `full` where the username
   * has `MAX_DEVICES` others; devices that stand in for others are not counted.
   */
  link(deviceId: string, username: Username): Promise<'linked' | 'full'>;
  isLinked(deviceId: string, username: Username): Promise<boolean>;
  /** All chunks of an hour, in order. */
  chunksOf(deviceId: string, hour: UtcHour): Promise<readonly Chunk[]>;
  /**
   * Stores a chunk's new state if it is still at `chunk.revision` (0: not there at all). `stale` where somebody else
   * wrote since; `saved` also where an earlier try of this very write turns out to have been committed.
   */
  saveChunk(deviceId: string, hour: UtcHour, chunk: Chunk): Promise<'saved' | 'stale'>;
};
