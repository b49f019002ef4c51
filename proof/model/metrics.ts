import type { StoredLine } from './ledger.ts';
import type { Pulled, StoredVersion } from './registry.ts';
import { isServerDevice, standingOf, type StoredDevice, type StoredEvent } from './telemetry.ts';

/** The community metrics implemented again, from all facts: a day's totals as `METRIC count sum`, by date. */
export function totalsByDate(facts: {
  readonly events: readonly StoredEvent[];
  readonly devices: readonly StoredDevice[];
  readonly versions: readonly StoredVersion[];
  readonly pulls: readonly Pulled[];
  readonly lines: readonly StoredLine[];
}): ReadonlyMap<string, readonly string[]> {
  const ofDevices = facts.events.filter(({ deviceId }) => !isServerDevice(deviceId));
  const one = (at: string, metric: string, more: { readonly who?: string; readonly points?: number } = {}) => ({
    date: at.slice(0, 10),
    metric,
    ...more,
  });
  const counted: readonly ReturnType<typeof one>[] = [
    ...standingOf(facts.events)
      .filter(({ kind }) => kind.startsWith('cli_invocation '))
      .map(({ hour }) => one(hour, 'CLI_INVOCATION')),
    ...ofDevices.map(({ hour, deviceId }) => one(hour, 'ACTIVE_DEVICE', { who: deviceId })),
    ...standingOf(ofDevices).flatMap(({ hour, sender }) =>
      sender === null ? [] : [one(hour, 'ACTIVE_MEMBER', { who: sender })],
    ),
    ...facts.devices.map(({ createdAt }) => one(createdAt, 'NEW_DEVICE')),
    ...facts.versions.map(({ publishedAt }) => one(publishedAt, 'EXTENSION_PUBLISHED')),
    ...facts.versions.map(({ publishedAt, publisher }) => one(publishedAt, 'DISTINCT_PUBLISHER', { who: publisher })),
    ...facts.pulls.map(({ hour }) => one(hour, 'EXTENSION_PULLED')),
    ...facts.lines
      .filter(({ grantId }) => grantId.startsWith('award:'))
      .map(({ grantedAt, amount }) => one(grantedAt, 'AWARD_GRANTED', { points: amount })),
    ...facts.lines.map(({ grantedAt, amount }) => one(grantedAt, 'POINTS_GRANTED', { points: amount })),
  ];
  const byDate = Map.groupBy(counted, ({ date }) => date);
  return new Map(
    [...byDate].map(([date, ofDate]) => {
      const rows = [...Map.groupBy(ofDate, ({ metric }) => metric)].map(([metric, group]) => {
        const distinct = new Set(group.flatMap(({ who }) => (who === undefined ? [] : [who]))).size;
        const sum = group.reduce((total, { points }) => total + (points ?? 0), 0);
        return `${metric} ${distinct > 0 ? distinct : group.length} ${sum}`;
      });
      return [date, rows.sort()];
    }),
  );
}
