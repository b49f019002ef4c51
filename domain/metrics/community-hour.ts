import type { Publisher } from '../registry/extension.ts';
import type { DeviceHour, EventKind } from '../telemetry/device-hour.ts';

/** The facts of one hour of the community, or of a part of it, as they are stored. */
export type HourFacts = {
  /** What came under each device; a device may come in several pieces. */
  readonly devices: readonly Pick<DeviceHour, 'deviceId' | 'events'>[];
  /** The devices that were first seen in this hour. */
  readonly newDevices: readonly string[];
  readonly versions: readonly { readonly name: string; readonly version: string; readonly publisher: Publisher }[];
  readonly pulls: readonly { readonly name: string; readonly version: string; readonly puller: string }[];
  /** Lines of the ledger, reversals included. */
  readonly grants: readonly { readonly grantId: string; readonly amount: number }[];
};

/** An event that counts, from the copy that counts. */
export type CountedEvent = {
  readonly entry: { readonly kind: EventKind; readonly sender: string | null };
};

/**
 * A part of an hour as the folds of metrics see it. Each event, version, pull and line is in one part. What a counter or a
 * sum makes of the hour is the sum of what it makes of the parts; of a distinct metric it is the union.
 */
export type CommunityHour = Omit<HourFacts, 'devices'> & {
  /** Each event once, from any number of reports. */
  readonly events: readonly CountedEvent[];
  /** Each event of a device once: what servers report for a username makes nobody and nothing active. */
  readonly deviceEvents: readonly CountedEvent[];
  /** Every device with an event, even if a copy under another device is the one that counts. It may be in several parts. */
  readonly activeDevices: ReadonlySet<string>;
};

export const noFacts: HourFacts = { devices: [], newDevices: [], versions: [], pulls: [], grants: [] };
