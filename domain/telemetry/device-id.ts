import type { Username } from '../identity/username.ts';

/**
 * The device under which a client's events are kept. `~` marks the devices that stand for a server's reports, so a
 * client's own leading `~` is doubled: no client can pass for one of them.
 */
export const deviceIdOf = (distinctId: string): string => (distinctId.startsWith('~') ? `~${distinctId}` : distinctId);

/** The device of the events that a trusted server reports for a username: one each, so that none runs hot. */
export const trustedDeviceIdOf = (username: Username): string => `~${username}`;

/** Whether a device stands for a server's reports about one username. */
export const isTrustedDevice = (deviceId: string): boolean => deviceId.startsWith('~') && !deviceId.startsWith('~~');
