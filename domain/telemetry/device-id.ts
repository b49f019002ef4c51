import type { AccountId } from '../identity/account.ts';

/**
 * The device under which a client's events are kept. `~` marks the devices of a server's reports, so a
 * client's own leading `~` is doubled: no client can pass for one of them.
 */
export const deviceIdOf = (distinctId: string): string => (distinctId.startsWith('~') ? `~${distinctId}` : distinctId);

/**
 * The device of the events that a trusted server reports for an account: one for each account, so that none runs hot.
 */
export const trustedDeviceIdOf = (account: AccountId): string => `~${account}`;

/** Whether a device holds a server's reports about one account. */
export const isTrustedDevice = (deviceId: string): boolean => /^~[^~+]/u.test(deviceId);

/** How many devices of an account are folded one by one. Events from any more go to `furtherDevicesOf`. */
export const MAX_DEVICES = 100;

/** The one device for what an account's keys send from more than `MAX_DEVICES`. No account's id begins with `+`. */
export const furtherDevicesOf = (account: AccountId): string => `~+${account}`;

/** Whether a device is no client's own: one of the two above. */
export const isStandIn = (deviceId: string): boolean => /^~[^~]/u.test(deviceId);

/**
 * Placeholders that programs send if they have no id, in letters and digits alone. Zeros and an empty text are
 * placeholders too.
 */
const PLACEHOLDERS: ReadonlySet<string> = new Set([
  ...['undefined', 'null', 'nil', 'none', 'nan', 'na', 'unknown', 'unset', 'empty', 'missing', 'anonymous'],
  ...['objectobject', 'localhost', 'localhostlocaldomain', '127001', 'false', 'true'],
]);

/**
 * Whether a `distinct_id` names no installation of its own: many machines send it, so it is never bound and its events
 * credit nobody. They count for the community.
 */
export function isPlaceholder(distinctId: string): boolean {
  const core = distinctId.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
  return /^0*$/u.test(core) || PLACEHOLDERS.has(core);
}

/** Whether an id is a placeholder and no device. It may have been bound before placeholders were known. */
export const isOfNobody = (deviceId: string): boolean => !isStandIn(deviceId) && isPlaceholder(deviceId);
