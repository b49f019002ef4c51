import type { AccountId } from '../identity/account.ts';
import { devicePuller, userPuller } from '../registry/record-pull.ts';
import type { RegistryCounts, UserRegistry } from '../registry/user-registry.port.ts';
import { additionsOf, atEndOf, byDate, datesFrom, nothingByDate, type ByDate } from '../shared/by-date.ts';
import type { UtcDate } from '../shared/utc.ts';
import { isOfNobody } from '../telemetry/device-id.ts';
import type { DeviceLink } from '../telemetry/user-telemetry.port.ts';
import type { CountRules, ScoringRules } from '../rules/scoring-rules.ts';

/** One more than the cap pays for: who reads the count sees that the cap took something away. */
export const maxCounted = ({ points, cap }: CountRules): number => (points === 0 ? 1 : Math.ceil(cap / points) + 1);

/** At most this many pulls by others are read, so that no refresh of a popular author costs more. */
const MAX_PULLS_READ = 1_000;

type CountContext = {
  /** The accounts merged into the user's. */
  readonly merged?: readonly AccountId[];
  readonly links: readonly DeviceLink[];
  /** The result of an earlier count. Pulls are only added to it, unless devices have become the user's own since. */
  readonly before: { readonly counts: RegistryCounts; readonly isOfSameDevices: boolean } | null;
  /** The earliest date whose count matters; by then a count is one number. */
  readonly since: UtcDate;
  readonly rules: Pick<ScoringRules, 'publishes' | 'pulls'>;
};

/** Counts a user's facts in the registry by date, no further than the caps reach on every date that matters. */
export async function countRegistry(
  registry: UserRegistry,
  account: AccountId,
  context: CountContext,
): Promise<RegistryCounts> {
  return {
    publishes: await countPublishes(registry, account, context),
    pulls: await countPulls(registry, account, context),
  };
}

async function countPublishes(
  registry: UserRegistry,
  account: AccountId,
  { since, rules, merged }: CountContext,
): Promise<ByDate> {
  const max = maxCounted(rules.publishes);
  const additions: (readonly [UtcDate, number])[] = [];
  let lasting = 0; // count on every date that matters: with enough of them, no other version changes anything
  for await (const page of registry.versionsOf(account, merged)) {
    for (const { publishedOn, yankedOn } of page) {
      additions.push([publishedOn, 1]);
      if (yankedOn !== null) additions.push([yankedOn, -1]);
      else if (publishedOn <= since) lasting += 1;
    }
    if (lasting >= max) break;
  }
  return upTo(max, byDate(additions), since);
}

/** Many machines send such a device: who pulled is not known, and may be the author. */
const isNobody = (puller: string): boolean =>
  puller.startsWith(devicePuller('')) && isOfNobody(puller.slice(devicePuller('').length));

/** Full by `since`, there is nothing to read: whatever is added changes no date that matters. */
async function countPulls(
  registry: UserRegistry,
  account: AccountId,
  { links, before, since, rules, merged = [] }: CountContext,
): Promise<ByDate> {
  const max = maxCounted(rules.pulls);
  if (before?.isOfSameDevices === true && atEndOf(since, before.counts.pulls) >= max) return before.counts.pulls;
  const own = new Set([
    ...[account, ...merged].map(userPuller),
    ...links.filter(({ owned }) => owned).map(({ deviceId }) => devicePuller(deviceId)),
  ]);
  const additions: (readonly [UtcDate, number])[] = [];
  let [read, lasting] = [0, 0];
  for await (const page of registry.pullsOf(account, merged)) {
    const others = page.filter(({ puller }) => !own.has(puller) && !isNobody(puller));
    additions.push(...others.map(({ on }) => [on, 1] as const));
    read += page.length;
    lasting += others.filter(({ on }) => on <= since).length;
    if (lasting >= max) break;
    if (read >= MAX_PULLS_READ && additions.length >= max) {
      return atLeast(before?.counts.pulls ?? nothingByDate, upTo(max, byDate(additions), since), since);
    }
  }
  return upTo(max, byDate(additions), since);
}

/** A count that stops at `max` on every date. */
const upTo = (max: number, additions: ByDate, since: UtcDate): ByDate =>
  additionsOf(
    [since, ...[...additions.keys()].filter((date) => date > since)].map(
      (date) => [date, Math.min(max, atEndOf(date, additions))] as const,
    ),
  );

/**
 * Where there are more pulls than are read, those that were read may all be new: no date counts fewer than it did
 * before, so that no window pays for pulls that were there already.
 */
function atLeast(before: ByDate, now: ByDate, since: UtcDate): ByDate {
  const last = [...before.keys(), ...now.keys(), since].reduce((a, b) => (b > a ? b : a));
  return additionsOf(
    [...datesFrom(since, last)].map((date) => [date, Math.max(atEndOf(date, before), atEndOf(date, now))] as const),
  );
}
