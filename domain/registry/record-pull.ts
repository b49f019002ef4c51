import type { AccountId } from '../identity/account.ts';
import { settleAll } from '../shared/settle-all.ts';
import type { ExtensionName, ExtensionVersion } from './extension.ts';
import type { Pulls } from './registry.port.ts';

export type Pull = {
  readonly name: ExtensionName;
  readonly version: ExtensionVersion;
  /** `userPuller` or `devicePuller`: as it was sent, never merged. */
  readonly puller: string;
};

export const userPuller = (username: string): string => `user:${username}`;
export const devicePuller = (deviceId: string): string => `device:${deviceId}`;

/**
 * Records a pull for every user whom the registry credits for the version, never for a user whom an event names.
 *
 * A throw may leave it recorded for some of a collective's members: the same pull again completes it.
 */
export async function recordPull(
  pulls: Pick<Pulls, 'recordPull'>,
  pull: Pull,
  credited: readonly AccountId[],
  at: number,
): Promise<'recorded' | 'already-there'> {
  const outcomes = await settleAll(credited, credited.length, (author) =>
    pulls.recordPull(author, pull, at, { isCounted: author === credited[0] }),
  );
  return outcomes.includes('recorded') ? 'recorded' : 'already-there';
}
