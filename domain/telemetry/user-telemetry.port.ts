import type { AccountId } from '../identity/account.ts';
import type { UtcDate } from '../shared/utc.ts';
import type { DeviceHour } from './device-hour.ts';

/** A device whose events can count for a user: one that the user owns, or whose events name the user as sender. */
export type DeviceLink = {
  readonly deviceId: string;
  /** Whether the device's anonymous events are this user's. */
  readonly owned: boolean;
};

/** The telemetry facts that a user's fold needs. Every read is strongly consistent and pages to the end. */
export type UserTelemetry = {
  linksOf(account: AccountId): Promise<readonly DeviceLink[]>;
  /** All hours of one device, or the hours of the dates `from` to `to`, both included, in the order of time. */
  hoursOf(deviceId: string, dates?: { readonly from: UtcDate; readonly to: UtcDate }): AsyncIterable<DeviceHour>;
};
