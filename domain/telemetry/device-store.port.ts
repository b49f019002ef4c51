import type { Username } from '../identity/username.ts';
import type { UtcHour } from '../shared/utc.ts';
import type { Chunk } from './device-hour-set.ts';

export type Device = {
  readonly deviceId: string;
  /** The first username to authenticate from it; its anonymous events, past and future, are this user's. */
  readonly owner?: Username;
};

/** The devices and what was sent from them. Every read is strongly consistent. */
export type DeviceStore = {
  find(deviceId: string): Promise<Device | undefined>;
  /** Notes when a device was first seen. The first time stands. */
  register(deviceId: string, at: string): Promise<void>;
  /** Makes `username` the owner, with the link that its fold follows, in one transaction; the first owner stands. */
  bind(deviceId: string, username: Username, at: string): Promise<'bound' | 'already-owned'>;
  /**
   * Takes the ownership away from `owner`, in one transaction with the link, which stays: what the device's events name a
   * sender for is still found. `not-theirs` where the device has no owner or another one.
   */
  unbind(deviceId: string, owner: Username): Promise<'unbound' | 'not-theirs'>;
  /** Makes the device findable for the fold of a username that its events name. Changes no ownership. */
  link(deviceId: string, username: Username): Promise<void>;
  isLinked(deviceId: string, username: Username): Promise<boolean>;
  /** All chunks of an hour, in order. */
  chunksOf(deviceId: string, hour: UtcHour): Promise<readonly Chunk[]>;
  /**
   * Stores a chunk's new state if it is still at `chunk.revision` (0: not there at all). `stale` where somebody else
   * wrote since; `saved` also where an earlier try of this very write turns out to have been committed.
   */
  saveChunk(deviceId: string, hour: UtcHour, chunk: Chunk): Promise<'saved' | 'stale'>;
};
