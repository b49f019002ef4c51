import type { AccountId } from '../identity/account.ts';
import { dateOfHour, dayNumberOf, type UtcDate, type UtcHour } from '../shared/utc.ts';
import type { DeviceHour, EventEntry } from '../telemetry/device-hour.ts';
import { isTrustedDevice } from '../telemetry/device-id.ts';
import { commandToday, type ActivityEvents } from '../telemetry/event-kind.ts';
import { winningCopies, type Copy } from '../telemetry/winning-copy.ts';
import type { DeviceLink } from '../telemetry/user-telemetry.port.ts';

export type CommandCount = { readonly total: number; readonly successes: number };

/**
 * A user's counts over some hours. Folds of disjoint hours merge, in any order, to the fold of all of them.
 * Names are text of users, so these are Maps; `Names` bounds them.
 */
export type Fold = {
  readonly events: ReadonlyMap<string, number>;
  readonly commands: ReadonlyMap<string, CommandCount>;
  /** Dates with an event of the activity of a device, numbered since 1970-01-01; sorted, each once. */
  readonly activeDays: readonly number[];
  /** The newest hour with a counted event; null if nothing counts. */
  readonly lastHour: UtcHour | null;
};

export const emptyFold: Fold = { events: new Map(), commands: new Map(), activeDays: [], lastHour: null };

/**
 * Which names keep a count of their own: the reserved ones, and the 64 that sort first among the others, keyed and
 * anonymous ones apart. That choice is the same in whatever order folds merge: a name among the first 64 of a whole is
 * among the first 64 of each part it occurs in. All further names are summed as `other`.
 */
export const MAX_NAMES = 64;
const OTHER = 'other';

/**
 * Anonymous events have 64 names of their own, under this mark: invented names take no place from those that
 * the account's own keys send. No name that a client can send begins so.
 */
const ANONYMOUS = '~';

/** Names of counts. The names that keys sent are separate from the anonymous ones. */
export const bySender = (names: Iterable<string>) => {
  const all = [...names];
  const isAnonymous = (name: string) => name.startsWith(ANONYMOUS);
  return { keyed: all.filter((name) => !isAnonymous(name)), anonymous: all.filter(isAnonymous) };
};

/** Counts by the names that clients sent. */
export function byPlainName<Count>(
  counts: ReadonlyMap<string, Count>,
  plus: (a: Count, b: Count) => Count,
): ReadonlyMap<string, Count> {
  const plain = [...counts].map(([name, count]) => [name.replace(ANONYMOUS, ''), count] as const);
  return collect(plain, () => true, plus);
}

/** Names in the rules, which are therefore always counted exactly: commands, and the events of the activity. */
export type NamedCommands = { readonly commands: ReadonlySet<string>; readonly events: ActivityEvents };

/** Events whose counts are always exact. */
export const reservedEvents = ({ events }: NamedCommands): ReadonlySet<string> => new Set([...events.keys(), OTHER]);

function boundedNames(names: Iterable<string>, reserved: ReadonlySet<string>): ReadonlySet<string> {
  const free = [...new Set(names)].filter((name) => !reserved.has(name) && name !== OTHER).sort();
  const { keyed, anonymous } = bySender(free);
  return new Set([...keyed.slice(0, MAX_NAMES), ...anonymous.slice(0, MAX_NAMES)]);
}

/** Sums the entries by name. Names without a count of their own go to `other`. */
function collect<Count>(
  entries: Iterable<readonly [string, Count]>,
  keeps: (name: string) => boolean,
  plus: (a: Count, b: Count) => Count,
): ReadonlyMap<string, Count> {
  const counts = new Map<string, Count>();
  for (const [name, count] of entries) {
    const key = keeps(name) ? name : OTHER;
    const before = counts.get(key);
    counts.set(key, before === undefined ? count : plus(before, count));
  }
  return counts;
}

/** The names beside the reserved ones that have a count of their own. */
export type KeptNames = { readonly events: ReadonlySet<string>; readonly commands: ReadonlySet<string> };

export const keptNamesOf = (folds: readonly Fold[], named: NamedCommands): KeptNames => ({
  events: boundedNames(
    folds.flatMap(({ events }) => [...events.keys()]),
    reservedEvents(named),
  ),
  commands: boundedNames(
    folds.flatMap(({ commands }) => [...commands.keys()]),
    named.commands,
  ),
});

export const plusNumber = (a: number, b: number): number => a + b;
export const plusCommand = (a: CommandCount, b: CommandCount): CommandCount => ({
  total: a.total + b.total,
  successes: a.successes + b.successes,
});

const latest = (hours: readonly (UtcHour | null)[]): UtcHour | null =>
  hours.reduce((a, b) => (a === null || (b !== null && b > a) ? b : a), null);

/** The fold of all the hours that the given folds cover, which must not overlap. */
export function mergeFolds(folds: readonly Fold[], named: NamedCommands, kept = keptNamesOf(folds, named)): Fold {
  const reserved = reservedEvents(named);
  return {
    events: collect(
      folds.flatMap(({ events }) => [...events]),
      (name) => reserved.has(name) || kept.events.has(name),
      plusNumber,
    ),
    commands: collect(
      folds.flatMap(({ commands }) => [...commands]),
      (name) => named.commands.has(name) || kept.commands.has(name),
      plusCommand,
    ),
    activeDays: [...new Set(folds.flatMap(({ activeDays }) => activeDays))].sort((a, b) => a - b),
    lastHour: latest(folds.map(({ lastHour }) => lastHour)),
  };
}

/** A user's telemetry by the end of a date; active days after it may be there, and are not looked at. */
export type TelemetryOn = {
  readonly commands: ReadonlyMap<string, CommandCount>;
  readonly activeDays: ReadonlySet<number>;
};

/** The telemetry on each of these dates, from the fold of all days before `open` and that of each day in it. */
export function* telemetryByDate(
  { sealed, open }: { readonly sealed: Fold; readonly open: ReadonlyMap<UtcDate, Fold> },
  dates: Iterable<UtcDate>,
): Generator<TelemetryOn & { readonly date: UtcDate }, void> {
  const activeDays = new Set([sealed, ...open.values()].flatMap((fold) => fold.activeDays));
  const commands = new Map(sealed.commands);
  const due = [...open].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const date of dates) {
    while (due[0] !== undefined && due[0][0] <= date) {
      for (const [command, count] of due.shift()?.[1].commands ?? []) {
        const before = commands.get(command);
        commands.set(command, before === undefined ? count : plusCommand(before, count));
      }
    }
    yield { date, commands, activeDays };
  }
}

/** Whether an entry of a device is this user's: sent by them, or anonymous from a device that they own. */
const countsFor = (
  account: AccountId,
  merged: readonly AccountId[],
  owned: boolean,
  { sender }: EventEntry,
): boolean => (sender === null ? owned : sender === account || merged.includes(sender));

export type HourFold = {
  readonly fold: Fold;
  /** The devices from which the user sent as themselves, in this hour. */
  readonly sentFrom: ReadonlySet<string>;
};

/**
 * The user's counts of one hour, over all the user's devices: each event once, however many devices it came under.
 * An event belongs to one hour, so no other hour can hold a copy of it.
 */
export function foldHour(
  account: AccountId,
  hour: UtcHour,
  parts: readonly { readonly link: DeviceLink; readonly facts: DeviceHour }[],
  named: NamedCommands,
  merged: readonly AccountId[] = [],
): HourFold {
  const copies: Copy[] = [];
  const sentFrom = new Set<string>();
  for (const { link, facts } of parts) {
    for (const entry of facts.events) {
      if (!countsFor(account, merged, link.owned, entry)) continue;
      if (entry.sender !== null) sentFrom.add(link.deviceId);
      copies.push({ deviceId: link.deviceId, entry });
    }
  }
  return { fold: foldOf(winningCopies(copies), hour, named), sentFrom };
}

function foldOf(copies: readonly Copy[], hour: UtcHour, named: NamedCommands): Fold {
  if (copies.length === 0) return emptyFold;
  const marked = (name: string, { sender }: EventEntry, reserved: ReadonlySet<string>) =>
    sender !== null || reserved.has(name) || name === OTHER ? name : ANONYMOUS + name;
  const reservedNames = reservedEvents(named);
  const events = copies.map(({ entry }) => [marked(entry.kind.event, entry, reservedNames), 1] as const);
  const commands = copies.flatMap(({ entry }) => {
    const command = commandToday(entry.kind, named.events);
    if (command === null) return [];
    return [[marked(command, entry, named.commands), { total: 1, successes: entry.kind.success ? 1 : 0 }] as const];
  });
  const isActive = copies.some(
    ({ deviceId, entry }) => named.events.has(entry.kind.event) && !isTrustedDevice(deviceId),
  );
  const raw = {
    events: collect(events, () => true, plusNumber),
    commands: collect(commands, () => true, plusCommand),
    activeDays: isActive ? [dayNumberOf(dateOfHour(hour))] : [],
    lastHour: hour,
  };
  return mergeFolds([raw], named);
}
