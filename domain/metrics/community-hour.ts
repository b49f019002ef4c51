import type { Publisher } from '../registry/extension.ts';
import type { DeviceHour } from '../telemetry/device-hour.ts';
import { isTrustedDevice } from '../telemetry/device-id.ts';
import { winningCopies, type Copy } from '../telemetry/winning-copy.ts';

/** The facts of one hour of the community, as they are stored. */
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

/** An hour as the folds of metrics see it. */
export type CommunityHour = Omit<HourFacts, 'devices'> & {
  /** Each event once, from any number of reports. */
  readonly events: readonly Copy[];
  /** Each event of a device once: what servers report for a username makes nobody and nothing active. */
  readonly deviceEvents: readonly Copy[];
  /** Every device with an event, even if a copy under another device is the one that counts. */
  readonly activeDevices: ReadonlySet<string>;
};

export const noFacts: HourFacts = { devices: [], newDevices: [], versions: [], pulls: [], grants: [] };

export function communityHourOf({ devices, ...facts }: HourFacts): CommunityHour {
  const copies = devices.flatMap(({ deviceId, events }) => events.map((entry) => ({ deviceId, entry })));
  const ofDevices = copies.filter(({ deviceId }) => !isTrustedDevice(deviceId));
  return {
    ...facts,
    events: winningCopies(copies),
    deviceEvents: winningCopies(ofDevices),
    activeDevices: new Set(ofDevices.map(({ deviceId }) => deviceId)),
  };
}
