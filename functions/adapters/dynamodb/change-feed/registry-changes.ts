import * as z from 'zod/mini';
import type { RegistryChange } from '../../../../domain/change-feed/registry-change.ts';
import { hourOf, type UtcHour } from '../../../../domain/shared/utc.ts';
import { creditedByItem, isExtensionItem, isVersionItem, parseExtensionItem } from '../registry/registry.items.ts';
import type { StreamChange } from './stream-record.ts';
import type { Item } from '../shared/item.ts';
import { readable } from '../shared/format.ts';

const Placed = z.object({ dayShard: z.string(), hour: z.string() });

/** Reads a stream record of the `registry` table; undefined if neither a score nor a metric counts the change. */
export function registryChange({ keys, before, after }: StreamChange): RegistryChange | undefined {
  const images = [before, after].filter((image) => image !== undefined);
  const account = creditedByItem(keys);
  const hours = [...new Set(images.flatMap((image) => hoursOf(keys, image)))];
  if (account === undefined) return hours.length === 0 ? undefined : { kind: 'extension-changed', hours };
  return { kind: 'registry-changed', username: account, isRemoval: after === undefined, hours };
}

/** The hour of a fact in the index. An extension has the hour of its first version, which shows its owner. */
function hoursOf(keys: Item, image: Item): readonly UtcHour[] {
  if (isExtensionItem(keys)) return [hourOf(Date.parse(parseExtensionItem(image).createdAt))];
  const { dayShard, hour } = readable(isVersionItem(keys) ? 'version' : 'pull', image);
  const placed = Placed.safeParse({ dayShard: dayShard?.S, hour: hour?.S });
  return placed.success ? [placed.data.hour] : [];
}
