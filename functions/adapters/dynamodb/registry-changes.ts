import type { RegistryChange } from '../../../domain/announcing/registry-change.ts';
import { creditedByItem } from './registry-items.ts';
import type { StreamChange } from './stream-change.ts';

/** What a stream record of the `registry` table means: only the rows that count for a user matter to a score. */
export function registryChange({ keys, after }: StreamChange): RegistryChange | undefined {
  const username = creditedByItem(keys);
  return username === undefined ? undefined : { kind: 'registry-changed', username, isRemoval: after === undefined };
}
