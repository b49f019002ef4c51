import type { AccountId } from '../identity/account.ts';
import { settleAll } from '../shared/settle-all.ts';
import { dateOfHour, dayNumberOf, type UtcDate, type UtcHour } from '../shared/utc.ts';
import type { DeviceHour } from '../telemetry/device-hour.ts';
import type { ChunkPlace } from '../telemetry/retention.ts';
import type { DeviceLink, UserTelemetry } from '../telemetry/user-telemetry.port.ts';
import { emptyFold, foldHour, mergeFolds, type Fold, type NamedCommands } from './fold.ts';
import type { FoldedDays } from './user-metrics.ts';

type DateRange = { readonly from: UtcDate; readonly to: UtcDate };

/** How many devices are read at a time. */
const READS_AT_A_TIME = 16;

/** Each range is one read of a device. More ranges than this are read with the days between some of them. */
const MAX_RANGES = 4;

/** The days as ranges, as few as possible and at most `MAX_RANGES`: the widest gaps stay. */
export function rangesOf(days: readonly UtcDate[]): readonly DateRange[] {
  const sorted = [...new Set(days)].sort();
  const gaps = sorted.slice(1).map((day, index) => dayNumberOf(day) - dayNumberOf(sorted[index] ?? day));
  const widest = gaps.toSorted((a, b) => b - a)[MAX_RANGES - 1] ?? 1;
  const ranges: DateRange[] = [];
  for (const [index, day] of sorted.entries()) {
    const last = ranges.at(-1);
    const isNear = (gaps[index - 1] ?? 0) <= widest;
    if (last !== undefined && isNear) ranges[ranges.length - 1] = { from: last.from, to: day };
    else ranges.push({ from: day, to: day });
  }
  return ranges;
}

async function* hoursOfRanges(
  telemetry: UserTelemetry,
  deviceId: string,
  ranges: readonly DateRange[] | null,
): AsyncGenerator<DeviceHour, void> {
  if (ranges === null) yield* telemetry.hoursOf(deviceId);
  else for (const range of ranges) yield* telemetry.hoursOf(deviceId, range);
}

type Part = { readonly link: DeviceLink; readonly facts: DeviceHour };

/**
 * The hours of several devices side by side, in the order of time: copies of one event lie in one hour, so that it can be
 * folded once it is complete. Holds one page of each device, however long their histories are.
 */
async function* hoursSideBySide(
  telemetry: UserTelemetry,
  links: readonly DeviceLink[],
  days: readonly UtcDate[] | null,
): AsyncGenerator<{ readonly hour: UtcHour; readonly parts: readonly Part[] }, void> {
  const ranges = days === null ? null : rangesOf(days);
  const read = async (link: DeviceLink, hours: AsyncGenerator<DeviceHour, void>) => {
    const { value: facts } = await hours.next();
    return facts ? [{ link, hours, facts }] : [];
  };
  const first = await settleAll(links, READS_AT_A_TIME, (link) =>
    read(link, hoursOfRanges(telemetry, link.deviceId, ranges)),
  );
  let heads = first.flat();
  while (heads.length > 0) {
    const hour = heads.reduce(
      (least, { facts }) => (facts.hour < least ? facts.hour : least),
      heads[0]?.facts.hour ?? '',
    );
    const parts: Part[] = [];
    // An hour may come in several pieces of one device: read on until every device is past it.
    for (let due = heads.filter(({ facts }) => facts.hour === hour); due.length > 0;) {
      parts.push(...due.map(({ link, facts }) => ({ link, facts })));
      const later = heads.filter(({ facts }) => facts.hour !== hour);
      const next = (await settleAll(due, READS_AT_A_TIME, ({ link, hours }) => read(link, hours))).flat();
      heads = [...later, ...next];
      due = heads.filter(({ facts }) => facts.hour === hour);
    }
    yield { hour, parts };
  }
}

/**
 * Folds a user's facts by day, over all their devices: every day, or the given ones. `expiring`: what is counted of a
 * device that had no owner when it was stored.
 */
export async function foldDays(
  telemetry: UserTelemetry,
  account: AccountId,
  links: readonly DeviceLink[],
  days: readonly UtcDate[] | null,
  named: NamedCommands,
  merged: readonly AccountId[] = [],
): Promise<FoldedDays & { readonly expiring: readonly ChunkPlace[] }> {
  const folds = new Map<UtcDate, Fold>();
  const wanted = days === null ? null : new Set(days);
  const sentFrom = new Set<string>();
  const expiring: ChunkPlace[] = [];
  for await (const { hour, parts } of hoursSideBySide(telemetry, links, days)) {
    const date = dateOfHour(hour);
    if (wanted?.has(date) === false) continue; // between two ranges that are read as one
    const folded = foldHour(account, hour, parts, named, merged);
    folds.set(date, mergeFolds([folds.get(date) ?? emptyFold, folded.fold], named));
    for (const deviceId of folded.sentFrom) sentFrom.add(deviceId);
    for (const { link, facts } of parts.filter((part) => part.link.owned)) {
      expiring.push(...(facts.expiring ?? []).map((index) => ({ deviceId: link.deviceId, hour, index })));
    }
  }
  return { folds, sentFrom, expiring };
}
