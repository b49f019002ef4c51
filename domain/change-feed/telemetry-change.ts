import type { AccountId } from '../identity/account.ts';
import type { UtcHour } from '../shared/utc.ts';

/** A committed change of the telemetry facts, from any writer. */
export type TelemetryChange =
  | {
      /** Events came in, or got a sender: they count for the senders and for the device's owner. */
      readonly kind: 'hour-changed';
      readonly deviceId: string;
      readonly hour: UtcHour;
      /** Every account that the hour names, before or after the change. */
      readonly senders: readonly AccountId[];
      /** Whether events without a sender came or went: only those count for the device's owner. */
      readonly isAnonymous: boolean;
    }
  | {
      readonly kind: 'device-changed';
      /** The former and the new owner: all anonymous events of the device move. */
      readonly owners: readonly AccountId[];
      /** The hours in which it was first seen, before and after the change; empty if that did not change. */
      readonly hours: readonly UtcHour[];
    }
  | {
      /** A user's fold has a device more or less to follow. */
      readonly kind: 'link-changed';
      readonly username: AccountId;
    }
  | {
      /** A server reported an issue or a sign-in of the user. */
      readonly kind: 'report-changed';
      readonly username: AccountId;
    };
