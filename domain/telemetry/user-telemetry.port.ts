import type { AccountId } from '../identity/account.ts';
import type { ByDate } from '../shared/by-date.ts';
import type { UtcDate, UtcHour } from '../shared/utc.ts';
import type { DeviceHour } from './device-hour.ts';

/** A device whose events can count for a user: one that the user owns, or whose events name the user as sender. */
export type DeviceLink = {
  readonly deviceId: string;
  /** Whether the device's anonymous events are this user's. */
  readonly owned: boolean;
};

/** How many facts of one kind servers reported of a user, by their own dates, and the hour of the newest. */
export type ReportedCount = { readonly byDate: ByDate; readonly lastHour: UtcHour | null };

/** By the events that reported them; a kind of which there is nothing is not there. */
export type ReportedFacts = ReadonlyMap<string, ReportedCount>;

/** The telemetry facts that a user's fold needs. Every read is strongly consistent and pages to the end. */
export type UserTelemetry = {
  linksOf(account: AccountId): Promise<readonly DeviceLink[]>;
  /** All hours of one device, or the hours of the dates `from` to `to`, both included, in the order of time. */
  hoursOf(deviceId: string, dates?: { readonly from: UtcDate; readonly to: UtcDate }): AsyncIterable<DeviceHour>;
  /**
   * The reported facts of a user and of the accounts merged into it, each identity once. Kinds that no rules name any
   * more are included.
   */
  reportsOf(account: AccountId, merged?: readonly AccountId[]): Promise<ReportedFacts>;
};
