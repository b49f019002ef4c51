import type { AccountId } from '../identity/account.ts';
import type { UtcHour } from '../shared/utc.ts';

/** The kind of an event. Two events of one kind count alike in every projection. */
export type EventKind = {
  /** An event of the tool's activity, such as `cli_invocation`, or a name of the sender's own. */
  readonly event: string;
  /**
   * The command of an event of the activity: a name matching `COMMAND_NAME`, or `other`; null for every other event.
   */
  readonly command: string | null;
  /** Whether an event of the activity succeeded. True for other events. */
  readonly success: boolean;
};

/** One event as it is kept: a member of its device-hour's set. */
export type EventEntry = {
  /** 16 hexadecimal digits: the first 8 bytes of the SHA-256 of the event's `insert_id`. */
  readonly id: string;
  readonly kind: EventKind;
  /** The authenticated sender; null if the event came without a personal key. */
  readonly sender: AccountId | null;
};

/** The events of one device in one hour of their own time, as a fold reads them. */
export type DeviceHour = {
  readonly deviceId: string;
  readonly hour: UtcHour;
  readonly events: readonly EventEntry[];
  /** The chunks that expire unless somebody owns the device. */
  readonly expiring?: readonly number[];
};
