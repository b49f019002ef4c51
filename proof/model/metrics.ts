import type { StoredLine } from './ledger.ts';
import type { Pulled, StoredVersion } from './registry.ts';
import { isServerDevice, winningOf, type StoredDevice, type StoredEvent } from './telemetry.ts';

export type CommunityFacts = {
  readonly events: readonly StoredEvent[];
  readonly devices: readonly StoredDevice[];
  readonly versions: readonly Pick<StoredVersion, 'name' | 'publishedAt' | 'publisher'>[];
  readonly pulls: readonly Pick<Pulled, 'name' | 'hour'>[];
  readonly lines: readonly Pick<StoredLine, 'grantId' | 'grantedAt' | 'amount'>[];
};

/** One counted fact: `who` counts once in a period. `name` is a metric, or a metric with a key. */
export type Counted = {
  readonly hour: string;
  readonly name: string;
  readonly who?: string | undefined;
  readonly points?: number | undefined;
};

/** A metric that brings what is counted along: `hour` is one, or a time in it. */
type Told = {
  readonly name: string;
  readonly oracle?: (facts: CommunityFacts) => readonly (Omit<Counted, 'name'> & { readonly hour: string })[];
};

/**
 * The community metrics implemented again: an entry for each fact in each of its metrics. `metrics` are those that tell
 * their own.
 */
export function countedIn(facts: CommunityFacts, metrics: readonly Told[]): readonly Counted[] {
  const ofDevices = facts.events.filter(({ deviceId }) => !isServerDevice(deviceId));
  const one = (at: string, names: readonly string[], more: Pick<Counted, 'who' | 'points'> = {}): Counted[] =>
    names.map((name) => ({ hour: at.slice(0, 13), name, ...more }));
  return [
    ...winningOf(facts.events)
      .filter(({ kind }) => kind.startsWith('cli_invocation '))
      .flatMap(({ hour, kind }) => one(hour, ['CLI_INVOCATION', `CLI_INVOCATION ${kind.split(' ')[1]}`])),
    ...ofDevices.flatMap(({ hour, deviceId }) => one(hour, ['ACTIVE_DEVICE'], { who: deviceId })),
    ...winningOf(ofDevices).flatMap(({ hour, sender }) =>
      sender === null ? [] : one(hour, ['ACTIVE_MEMBER'], { who: sender }),
    ),
    ...facts.devices.flatMap(({ createdAt }) => one(createdAt, ['NEW_DEVICE'])),
    ...facts.versions.flatMap(({ name, publishedAt, publisher }) => [
      ...one(publishedAt, ['EXTENSION_PUBLISHED', `EXTENSION_PUBLISHED ${name}`]),
      ...one(publishedAt, ['DISTINCT_PUBLISHER'], { who: publisher }),
    ]),
    ...facts.pulls.flatMap(({ hour, name }) => one(hour, ['EXTENSION_PULLED', `EXTENSION_PULLED ${name}`])),
    ...facts.lines.flatMap(({ grantId, grantedAt, amount: points }) =>
      one(grantedAt, grantId.startsWith('award:') ? ['AWARD_GRANTED', 'POINTS_GRANTED'] : ['POINTS_GRANTED'], {
        points,
      }),
    ),
    ...metrics.flatMap(({ name, oracle }) =>
      (oracle?.({ ...facts, events: winningOf(facts.events) }) ?? []).flatMap(({ hour, ...more }) =>
        one(hour, [name], more),
      ),
    ),
  ];
}

/** How many different `who` there are, or how many entries if they have none. */
export const distinctIn = (group: readonly Counted[]): number =>
  new Set(group.flatMap(({ who }) => who ?? [])).size || group.length;

/** The rows of each period, as `METRIC count sum` or `METRIC key count sum`. */
function rowsBy(
  counted: readonly Counted[],
  periodOf: (one: Counted) => string,
): ReadonlyMap<string, readonly string[]> {
  const byPeriod = Map.groupBy(counted, periodOf);
  return new Map(
    [...byPeriod].map(([period, own]) => {
      const rows = [...Map.groupBy(own, ({ name }) => name)].map(([name, group]) => {
        const sum = group.reduce((total, { points = 0 }) => total + points, 0);
        return `${name} ${distinctIn(group)} ${sum}`;
      });
      return [period, rows.sort()];
    }),
  );
}

const isOfCommunity = ({ name }: Counted): boolean => !name.includes(' ');
export const totalsByDate = (counted: readonly Counted[]): ReadonlyMap<string, readonly string[]> =>
  rowsBy(counted.filter(isOfCommunity), ({ hour }) => hour.slice(0, 10));
export const rowsByHour = (counted: readonly Counted[]): ReadonlyMap<string, readonly string[]> =>
  rowsBy(counted, ({ hour }) => hour);
