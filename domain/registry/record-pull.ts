import { err, ok, type Result } from '../shared/result.ts';
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

const PARALLEL_WRITES = 8;

/**
 * Records a pull for everyone whom the registry credits for the version: never for whom an event names.
 *
 * A throw may leave it recorded for some of a collective's members: the same pull again completes it.
 */
export async function recordPull(
  pulls: Pulls,
  pull: Pull,
  at: number,
): Promise<Result<'recorded' | 'already-there', { readonly kind: 'unknown-extension' }>> {
  const version = await pulls.findVersion(pull.name, pull.version);
  if (version === undefined) return err({ kind: 'unknown-extension' });
  const outcomes = await settleAll(version.credited, PARALLEL_WRITES, (author) =>
    pulls.recordPull(author, pull, at, { isCounted: author === version.credited[0] }),
  );
  return ok(outcomes.includes('recorded') ? 'recorded' : 'already-there');
}
