/**
 * Telemetry and its score implemented again in the simplest form, from the text of the contract and of the scoring
 * rules alone. It shares no code with the product.
 */
import type { RawEvent } from '../builders/telemetry.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

export const timeOf = ({ timestamp, properties }: RawEvent): number =>
  Date.parse(timestamp ?? String(properties?.startedAt));

/** An event's identity: its `insert_id` within the UTC hour of its own time. */
export const identityOf = (event: RawEvent): string =>
  `${new Date(timeOf(event)).toISOString().slice(0, 13)} ${event.insert_id}`;

export const refusalOf = (event: RawEvent, now: number): string | undefined => {
  if (timeOf(event) > now + DAY) return 'timestamp_in_future';
  if (timeOf(event) < now - 35 * DAY) return 'timestamp_too_old';
  return undefined;
};

/** The kind of an event: `event`, or `event command ok|failed`. */
export const kindOf = ({ event, properties }: RawEvent): string => {
  if (event !== 'cli_invocation') return event;
  const { invocation, result } = (properties ?? {}) as { invocation?: any; result?: any };
  const command = typeof invocation?.command === 'string' ? invocation.command : '';
  const name = /^[a-z][a-z0-9-]{0,31}$/.test(command) ? command : 'other';
  return `${event} ${name} ${result?.status === undefined || result.status === 'success' ? 'ok' : 'failed'}`;
};

/** One event of one device: its possible results, reduced to one when that was seen. */
type Copy = { kinds: Set<string>; senders: Set<string> };

/** Everything that was sent. Concurrent senders leave a set of possible results until `settle` sees the actual one. */
export class TelemetryModel {
  readonly #devices = new Map<string, { owners: Set<string>; copies: Map<string, Copy> }>();

  /** Records a wave of concurrent requests: each event with the key's username, or null. */
  send(wave: readonly { readonly event: RawEvent; readonly key: string | null }[]): void {
    const isNew = new Set<string>();
    const gainsOwner = new Set<string>();
    const gainsSender = new Set<Copy>();
    for (const { event, key } of wave) {
      const device = this.#devices.get(event.distinct_id) ?? { owners: new Set(), copies: new Map() };
      this.#devices.set(event.distinct_id, device);
      if (key !== null && device.owners.size === 0) gainsOwner.add(event.distinct_id);
      if (key !== null && gainsOwner.has(event.distinct_id)) device.owners.add(key);
      const identity = identityOf(event);
      const place = `${event.distinct_id} ${identity}`;
      const copy = device.copies.get(identity) ?? { kinds: new Set(), senders: new Set() };
      if (!device.copies.has(identity)) isNew.add(place);
      device.copies.set(identity, copy);
      if (isNew.has(place)) copy.kinds.add(kindOf(event));
      if (key !== null && copy.senders.size === 0) gainsSender.add(copy);
      if (key !== null && gainsSender.has(copy)) copy.senders.add(key);
    }
  }

  /** Records a binding without an event. */
  bind(device: string, username: string): void {
    const known = this.#devices.get(device) ?? { owners: new Set(), copies: new Map() };
    this.#devices.set(device, known);
    if (known.owners.size === 0) known.owners.add(username);
  }

  devices(): readonly string[] {
    return [...this.#devices.keys()];
  }

  identitiesOf(device: string): readonly string[] {
    return [...(this.#devices.get(device)?.copies.keys() ?? [])].sort();
  }

  /** Every event of every device as it was stored, after all results are settled. */
  copies(): readonly { device: string; identity: string; kind: string; sender: string | null }[] {
    return [...this.#devices].flatMap(([device, { copies }]) =>
      [...copies].map(([identity, { kinds, senders }]) => {
        return { device, identity, kind: [...kinds][0]!, sender: [...senders][0] ?? null };
      }),
    );
  }

  /** Accepts the stored owner if it is possible; otherwise returns false. */
  settleOwner(device: string, owner: string | null): boolean {
    const { owners } = this.#devices.get(device)!;
    if (owner === null) return owners.size === 0;
    if (!owners.has(owner)) return false;
    this.#devices.get(device)!.owners = new Set([owner]);
    return true;
  }

  settleCopy(
    device: string,
    identity: string,
    found: { readonly kind: string; readonly sender: string | null },
  ): boolean {
    const copy = this.#devices.get(device)!.copies.get(identity)!;
    const isKeyed = copy.senders.size > 0;
    if (!copy.kinds.has(found.kind) || (found.sender === null) === isKeyed) return false;
    if (found.sender !== null && !copy.senders.has(found.sender)) return false;
    copy.kinds = new Set([found.kind]);
    copy.senders = new Set(found.sender === null ? [] : [found.sender]);
    return true;
  }

  /**
   * A user's counts over all devices, each distinct event once. Among copies, keyed comes first, then the smallest
   * device.
   */
  /** Limits the counts to hours up to the end of a date, if given. */
  countsOf(username: string, through = '~'): Counts {
    const mine = [...this.#devices].flatMap(([device, { owners, copies }]) =>
      [...copies].flatMap(([identity, { kinds, senders }]) => {
        const [sender = null] = senders;
        const [owner = null] = owners;
        const isMine = sender === null ? owner === username : sender === username;
        return isMine ? [{ device, identity, kind: [...kinds][0]!, isKeyed: sender !== null }] : [];
      }),
    );
    const due = mine.filter(({ identity }) => identity.slice(0, 10) <= through);
    const standing = [...Map.groupBy(due, ({ identity }) => identity).values()].map((copies) => {
      const keyed = copies.filter(({ isKeyed }) => isKeyed);
      return (keyed.length > 0 ? keyed : copies).reduce((a, b) => (b.device < a.device ? b : a));
    });
    const owned = [...this.#devices].filter(([, { owners }]) => owners.has(username)).map(([device]) => device);
    const used = mine.filter(({ isKeyed }) => isKeyed).map(({ device }) => device);
    const hours = standing.map(({ identity }) => identity.slice(0, 13)).sort();
    const invocations = standing.filter(({ kind }) => kind.startsWith('cli_invocation '));
    return {
      events: tally(standing.map(({ kind }) => kind.split(' ')[0]!)),
      commands: tally(invocations.map(({ kind }) => kind.split(' ').slice(1).join(' '))),
      activeDates: [...new Set(invocations.map(({ identity }) => identity.slice(0, 10)))].sort(),
      devices: new Set([...owned, ...used]).size,
      lastHour: hours.at(-1) ?? null,
    };
  }
}

export type Counts = {
  readonly events: Record<string, number>;
  /** By `command ok` and `command failed`. */
  readonly commands: Record<string, number>;
  readonly activeDates: readonly string[];
  readonly devices: number;
  readonly lastHour: string | null;
};

export const isNobody = ({ devices, lastHour }: Counts): boolean => devices === 0 && lastHour === null;

/** How often each name occurs. No name can damage this plain object. */
export const tally = (names: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = Object.create(null);
  for (const name of [...names].sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
};

const GROUPS: readonly (readonly [commands: readonly string[], points: number, cap: number])[] = [
  [['model', 'data', 'vault', 'datastore'], 10, 2000],
  [['workflow', 'run', 'serve'], 15, 3000],
  [['extension'], 20, 2000],
  [['repo', 'init', 'source', 'auth'], 5, 500],
];

/** The activity score of counts on a date. */
export function activityScore({ commands, activeDates }: Counts, date: string): number {
  const successes = (command: string) => commands[`${command} ok`] ?? 0;
  const all = Object.entries(commands).reduce((sum, [name, count]) => sum + (name.endsWith(' ok') ? count : 0), 0);
  const grouped = GROUPS.map(([names, points, cap]) => {
    const count = names.reduce((sum, name) => sum + successes(name), 0);
    return { count, points: Math.min(cap, points * count) };
  });
  const others = all - grouped.reduce((sum, { count }) => sum + count, 0);
  const base = grouped.reduce((sum, { points }) => sum + points, 0) + Math.min(250, others);
  const diversity = 50 * grouped.filter(({ count }) => count > 0).length;

  const before = (days: number) => dateOf(Date.parse(date) - days * DAY);
  const isActive = (day: string) => activeDates.includes(day);
  let streak = 0;
  for (let back = isActive(date) ? 0 : 1; isActive(before(back)); back += 1) streak += 1;
  const rollingDays = activeDates.filter((day) => day > before(28) && day <= date).length;
  const streakBp = 10_000n + BigInt(Math.min(5000, 100 * streak));
  const rollingBp = 10_000n + (5000n * BigInt(rollingDays)) / 28n;
  return Number((BigInt(base + diversity) * streakBp * rollingBp) / 100_000_000n);
}
