import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import type { Clock, Sleep } from '../../../../domain/shared/environment.ts';
import type { Item } from '../shared/item.ts';

/** Actions that are written together, and the write units that they take from the key of their guard. */
export type Change = { readonly actions: readonly TransactWriteItem[]; readonly units: number };

/** A transaction takes 100 actions. Each one here also holds the guard, and the last one the totals. */
const MAX_ROWS = 98;
/** DynamoDB gives a key 1,000 write units a second. Other writes of the key are small. */
const UNITS_A_SECOND = 900;
/** The guard, which knows all hours of a day, or all leaves of a list. */
const UNITS_OF_GUARD = 20;
const SECOND_MS = 1_000;

/** About the size of an item, and never less. */
export const bytesOf = (item: Item): number =>
  Object.entries(item).reduce((sum, [name, value]) => {
    return sum + name.length + (value.B?.length ?? JSON.stringify(value).length);
  }, 0);

/** The write units of an item of that size in a transaction, which takes two for each KB. */
export const unitsOf = (bytes: number): number => 2 * Math.max(1, Math.ceil(bytes / 1_024));

/** Groups of changes, each small enough for one transaction. At least one, even if nothing changed: a save moves the guard. */
export function* inBatches(changes: Iterable<Change>): Generator<Change> {
  let actions: TransactWriteItem[] = [];
  let units = UNITS_OF_GUARD;
  for (const change of changes) {
    const isFull = actions.length + change.actions.length > MAX_ROWS || units + change.units > UNITS_A_SECOND;
    if (isFull && actions.length > 0) {
      yield { actions, units };
      [actions, units] = [[], UNITS_OF_GUARD];
    }
    actions.push(...change.actions);
    units += change.units;
  }
  yield { actions, units };
}

/**
 * Lets a key's writes through so that no second has more of them than the key can take. Without it, DynamoDB would refuse
 * some, and their transactions would be tried again as a whole.
 */
export function pacedWrites({ clock, sleep }: { readonly clock: Clock; readonly sleep: Sleep }) {
  let written: { readonly key: string; readonly at: number; readonly units: number }[] = [];
  return async function paced<Outcome>(key: string, units: number, write: () => Promise<Outcome>): Promise<Outcome> {
    const now = clock();
    written = written.filter(({ at }) => at > now - SECOND_MS);
    const recent = written.filter((each) => each.key === key);
    let taken = recent.reduce((sum, each) => sum + each.units, units);
    let wait = 0;
    for (const each of recent) {
      if (taken <= UNITS_A_SECOND) break;
      taken -= each.units;
      wait = each.at + SECOND_MS - now;
    }
    if (wait > 0) await sleep(wait);
    try {
      return await write();
    } finally {
      written.push({ key, at: Math.max(clock(), now + wait), units });
    }
  };
}
