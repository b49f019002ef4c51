import type { Sha256 } from '../shared/environment.ts';
import { LINES, type NewSorter, type Sorter } from '../shared/sorter.port.ts';
import { isTrustedDevice } from '../telemetry/device-id.ts';
import { communityMetrics, type MetricRollupHourMetric } from './catalog.ts';
import { noFacts, type CommunityHour, type HourFacts } from './community-hour.ts';
import { eventsOfLines, lineOfCopy } from './hour-events.ts';
import { scopeCounter, type Counted } from './scope-counts.ts';
import { countOf, plus, type Tally } from './tally.ts';

/** A member that counts once, as 16 hexadecimal digits: the first 8 bytes of the SHA-256 of its name. */
export type MemberHash = string;

/** The fold of the facts of one hour. */
export type CommunityHourFold = {
  readonly tallies: readonly Counted[];
  /** In the order of the hashes, each once; can be read again until the folder is closed. */
  readonly members: ReadonlyMap<MetricRollupHourMetric, Iterable<MemberHash>>;
};

/** Folds the facts of an hour that come in any number of pieces, in any order. Used once, and closed also after an error. */
export type HourFolder = {
  add(piece: HourFacts): void;
  fold(): CommunityHourFold;
  close(): void;
};

/** The first 8 bytes of a hash tell members apart: among a million there are two alike once in 37 million cases. */
const hashOf = (sha256: Sha256, text: string): MemberHash => sha256(text).slice(0, 16);

/**
 * Folds an hour for every metric of the registry: from its facts alone, so the same facts give the same numbers. Events,
 * members and keys of scopes may be more than memory holds: they go through sorters.
 */
export function hourFolder({
  sha256,
  newSorter,
}: {
  readonly sha256: Sha256;
  readonly newSorter: NewSorter;
}): HourFolder {
  const copies = newSorter(LINES);
  const scopes = scopeCounter(newSorter);
  const totals = new Map<MetricRollupHourMetric, Tally>();
  const members = new Map<MetricRollupHourMetric, ReturnType<typeof distinctMembers>>();
  for (const { kind, name } of communityMetrics) {
    if (kind === 'distinct') members.set(name, distinctMembers(newSorter, sha256));
  }

  function count(part: CommunityHour): void {
    for (const metric of communityMetrics) {
      switch (metric.kind) {
        case 'counter':
        case 'sum': {
          const occurrences = metric.fold(part);
          if (occurrences.length === 0) break;
          const valueSum = occurrences.reduce((sum, { value = 0 }) => (value === 0 ? sum : sum + BigInt(value)), 0n);
          const tally = { eventCount: BigInt(occurrences.length), valueSum };
          totals.set(metric.name, plus(totals.get(metric.name), tally));
          for (const occurrence of occurrences) scopes.add(metric.name, occurrence);
          break;
        }
        case 'distinct':
          members.get(metric.name)?.add(metric.fold(part));
          break;
        case 'gauge': // a state has no facts of an hour: it is sampled
          break;
      }
    }
  }

  return {
    add({ devices, ...facts }) {
      const activeDevices = new Set<string>();
      for (const { deviceId, events } of devices) {
        if (events.length > 0 && !isTrustedDevice(deviceId)) activeDevices.add(deviceId);
        for (const entry of events) copies.add(lineOfCopy(deviceId, entry));
      }
      count({ ...facts, activeDevices, events: [], deviceEvents: [] });
    },

    fold() {
      const { devices: _devices, ...nothing } = noFacts;
      for (const part of eventsOfLines(copies.sorted())) count({ ...nothing, ...part, activeDevices: new Set() });
      copies.close();
      for (const [metric, { hashes }] of members) {
        const eventCount = BigInt(countOf(hashes));
        if (eventCount > 0n) totals.set(metric, { eventCount, valueSum: 0n });
      }
      const tallies = [...totals].map(([metric, tally]): Counted => ({
        series: { metric, scope: 'community' },
        tally,
      }));
      return {
        tallies: [...tallies, ...scopes.rows()],
        members: new Map([...members].map(([metric, { hashes }]) => [metric, hashes])),
      };
    },

    close() {
      for (const sorter of [copies, scopes, ...members.values()]) sorter.close();
    },
  };
}

const NAMES_IN_MEMORY = 20_000;

/** The members of a distinct count. Most are named often: a name that was just seen is not hashed again. */
function distinctMembers(newSorter: NewSorter, sha256: Sha256) {
  const sorter = newSorter(LINES);
  const seen = new Set<string>();
  return {
    add(names: Iterable<string>): void {
      for (const name of names) {
        if (seen.has(name)) continue;
        if (seen.size >= NAMES_IN_MEMORY) seen.clear();
        seen.add(name);
        sorter.add(hashOf(sha256, name));
      }
    },
    hashes: {
      *[Symbol.iterator](): Generator<MemberHash> {
        let last = '';
        for (const hash of sorter.sorted()) if (hash !== last) yield (last = hash);
      },
    },
    close: () => sorter.close(),
  };
}

/** The same of facts that memory holds. */
export function foldCommunityHour(facts: HourFacts, sha256: Sha256): CommunityHourFold {
  const folder = hourFolder({ sha256, newSorter: sorterInMemory });
  folder.add(facts);
  return folder.fold();
}

const sorterInMemory: NewSorter = <Item>({
  compare,
}: {
  readonly compare: (a: Item, b: Item) => number;
}): Sorter<Item> => {
  const items: Item[] = [];
  return { add: (item) => void items.push(item), sorted: () => items.sort(compare), close: () => undefined };
};
