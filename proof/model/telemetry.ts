import * as z from 'zod';
import { createHash } from 'node:crypto';
import type { DatedFacts } from './scoring.ts';

/**
 * Telemetry implemented again: plain maps over requests and answers, from the text of the contract alone. If concurrent
 * senders leave several results possible, the stored one is accepted if it is among them.
 */

/** The time of a request from its first try to its answer, in released requests. */
export type Span = { readonly began: number; readonly ended: number };

/** An event as a client sends it. */
export type RawEvent = {
  readonly event: string;
  readonly distinct_id: string;
  readonly insert_id?: string;
  readonly timestamp?: string;
  readonly properties?: object & { readonly startedAt?: unknown };
};

/** A request with all its tries. */
export type Request = Span & {
  readonly request: string | number;
  readonly isTriedOnce: boolean;
  /** True if the answer to one of its writes was lost, and the write was repeated. */
  readonly mayBeLost: boolean;
  /** When it began and ended, in milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
};

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** The maximum difference of two machines' clocks. */
export const CLOCKS_OFF_MS = 5_000;

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);
export const timeOf = ({ timestamp, properties }: RawEvent): number =>
  Date.parse(timestamp ?? String(properties?.startedAt));
export const deviceIdOf = (distinctId: string): string => (distinctId.startsWith('~') ? `~${distinctId}` : distinctId);

/** The reason for which a time is refused at a time of the server. */
export function refusalAt(time: number, now: number): string | undefined {
  if (time > now + DAY) return 'timestamp_in_future';
  return time < now - 35 * DAY ? 'timestamp_too_old' : undefined;
}

const Invoked = z.object({
  invocation: z.looseObject({ command: z.unknown() }).optional().catch(undefined),
  result: z.looseObject({ status: z.unknown() }).optional().catch(undefined),
});

/** The kind of an event: its name, or `cli_invocation model ok`. */
function kindOf({ event, properties }: RawEvent): string {
  if (event !== 'cli_invocation') return event;
  const { invocation, result } = Invoked.parse(properties ?? {});
  const [command, status] = [invocation?.command, result?.status];
  const name = typeof command === 'string' && /^[a-z][a-z0-9-]{0,31}$/u.test(command) ? command : 'other';
  return `${event} ${name} ${status === undefined || status === 'success' ? 'ok' : 'failed'}`;
}

/** A raw event as it must be stored. A server's report for a user has a device of that user. */
export const eventOf = (event: RawEvent, sender: string | null, reportedFor?: string): StoredEvent => ({
  deviceId: reportedFor === undefined ? deviceIdOf(event.distinct_id) : `~${reportedFor}`,
  hour: new Date(timeOf(event)).toISOString().slice(0, 13),
  id: hashOf(event.insert_id ?? ''),
  kind: kindOf(event),
  sender: reportedFor ?? sender,
});

export type StoredEvent = {
  readonly deviceId: string;
  /** `2026-08-21T13` */
  readonly hour: string;
  readonly id: string;
  readonly kind: string;
  /** The account of the key that sent it. */
  readonly sender: string | null;
};

/** `maybe`: refused at last, after a try without an answer. */
export type SentEvent = StoredEvent & Request & { readonly answer: 'accepted' | 'duplicate' | 'maybe' };

export type StoredDevice = { readonly deviceId: string; readonly owner: string | null; readonly createdAt: string };

export type StoredTelemetry = {
  readonly events: readonly StoredEvent[];
  /** The items of a device's hour, in any order. */
  readonly chunks: readonly {
    readonly deviceId: string;
    readonly hour: string;
    readonly index: number;
    readonly isClosed: boolean;
  }[];
  readonly devices: readonly StoredDevice[];
  readonly reports: readonly Report[];
};

/** A server's report about a user: an issue by its id, a sign-in by its date. */
export type Report = {
  readonly kind: 'issue' | 'sign-in';
  readonly username: string;
  readonly what: string;
  readonly hour: string;
};

export const isServerDevice = (deviceId: string): boolean => deviceId.startsWith('~') && !deviceId.startsWith('~~');

const placeOf = ({ deviceId, hour, id }: Pick<SentEvent, 'deviceId' | 'hour' | 'id'>): string =>
  `${deviceId} ${hour} ${id}`;
const isBefore = (a: Span, b: Span): boolean => a.ended < b.began;
const isBeside = (a: Span, b: Span): boolean => !isBefore(a, b) && !isBefore(b, a);
const isCertain = ({ answer }: Pick<SentEvent, 'answer'>): boolean => answer !== 'maybe';
type Bind = Request & Pick<SentEvent, 'deviceId' | 'sender' | 'answer'>;

export class TelemetryModel {
  readonly #sent: SentEvent[] = [];
  readonly #binds: Bind[] = [];
  readonly #unbinds: (Span & { readonly deviceId: string })[] = [];
  readonly #asked: (Report & { readonly isCertain: boolean })[] = [];
  #reports: readonly Report[] = [];
  #events: readonly StoredEvent[] = [];
  #devices: ReadonlyMap<string, StoredDevice> = new Map();

  sent(event: SentEvent): void {
    this.#sent.push(event);
  }

  /** A device was given to an account without an event. */
  bound(deviceId: string, sender: string, request: Request): void {
    this.#binds.push({ deviceId, sender, answer: 'accepted', ...request });
  }

  unbound(deviceId: string, span: Span): void {
    this.#unbinds.push({ deviceId, ...span });
  }

  /** `isCertain`: it was answered as stored. */
  reported(report: Report, isCertain: boolean): void {
    this.#asked.push({ ...report, isCertain });
  }

  events(): readonly StoredEvent[] {
    return this.#events;
  }

  devices(): readonly StoredDevice[] {
    return [...this.#devices.values()];
  }

  ownedBy(username: string): ReadonlySet<string> {
    return new Set([...this.#devices.values()].filter(({ owner }) => owner === username).map((each) => each.deviceId));
  }

  /**
   * Compares the stored items with the requests, and returns the contradictions. `everyAnswerArrived`: somebody was told
   * of each new event that it was accepted.
   */
  settle(
    { events, chunks, devices, reports }: StoredTelemetry,
    { everyAnswerArrived = false }: { readonly everyAnswerArrived?: boolean } = {},
  ): string[] {
    const before = { events: this.#events, devices: [...this.#devices.values()] };
    this.#events = events;
    this.#reports = reports;
    this.#devices = new Map(devices.map((device) => [device.deviceId, device]));
    const sends = Map.groupBy(this.#sent, placeOf);
    const stored = Map.groupBy(events, placeOf);
    const problems = [...this.#problemsOfReports(), ...problemsOfChunks(chunks)];
    for (const [place, copies] of stored) {
      if (copies.length > 1) problems.push(`${place} is stored ${copies.length} times`);
      if (!sends.has(place)) problems.push(`${place} is stored, and nobody sent it`);
    }
    for (const [place, own] of sends) {
      const [copy] = stored.get(place) ?? [];
      if (copy !== undefined) problems.push(...problemsOfCopy(copy, own).map((problem) => `${place}: ${problem}`));
      else if (own.some(isCertain))
        problems.push(`${place} was answered ${own.map(({ answer }) => answer).join()}, and is not stored`);
      const accepted = own.filter(({ answer }) => answer === 'accepted').length;
      if (accepted > 1) problems.push(`${place} was answered as accepted ${accepted} times`);
      const isTold = everyAnswerArrived || own.every((send) => send.isTriedOnce && !this.#mayBeUntold(send));
      if (accepted === 0 && isTold && own.some(isCertain)) problems.push(`${place} was never answered as accepted`);
    }
    for (const deviceId of new Set([...this.#sent, ...this.#binds].map((each) => each.deviceId)))
      problems.push(...this.#problemsOfDevice(deviceId));
    // A fact is never changed: not even into another possible one.
    for (const event of before.events) {
      const [now] = stored.get(placeOf(event)) ?? [];
      const isSame = now?.kind === event.kind && (event.sender === null || now.sender === event.sender);
      if (!isSame) problems.push(`${placeOf(event)} has changed`);
    }
    for (const { deviceId, owner } of before.devices) {
      const isKept = owner === null || this.#devices.get(deviceId)?.owner === owner;
      if (!isKept && !this.#unbinds.some((unbind) => unbind.deviceId === deviceId)) {
        problems.push(`${deviceId} is no longer ${owner}'s, and was not unbound`);
      }
    }
    return problems;
  }

  /**
   * A sender finds its own repeated write only while no other sender has written to the hour since: then it is told that
   * its events are duplicates.
   */
  #mayBeUntold(send: SentEvent): boolean {
    const isRival = (other: SentEvent) =>
      other.request !== send.request && other.deviceId === send.deviceId && other.hour === send.hour;
    return send.mayBeLost && this.#sent.some((other) => isRival(other) && isBeside(send, other));
  }

  #problemsOfReports(): string[] {
    const nameOf = ({ kind, username, what, hour }: Report) => `${kind} ${username} ${what} ${hour}`;
    const stored = new Set(this.#reports.map(nameOf));
    const asked = new Set(this.#asked.map(nameOf));
    const missing = this.#asked.filter((each) => each.isCertain && !stored.has(nameOf(each))).map(nameOf);
    return [
      ...missing.map((name) => `${name} was answered, and is not stored`),
      ...[...stored].filter((name) => !asked.has(name)).map((name) => `${name} is stored, and nobody reported it`),
    ];
  }

  #problemsOfDevice(deviceId: string): string[] {
    if (isServerDevice(deviceId)) return [];
    const uses: readonly Bind[] = [...this.#sent, ...this.#binds].filter((each) => each.deviceId === deviceId);
    const binds = uses.filter(({ sender }) => sender !== null);
    const unbinds = this.#unbinds.filter((each) => each.deviceId === deviceId);
    const device = this.#devices.get(deviceId);
    const owner = device?.owner ?? null;
    if (device === undefined && uses.some(isCertain)) return [`${deviceId} was used, and there is no such device`];
    const createdAt = Date.parse(device?.createdAt ?? '');
    const isEarly = uses.every(({ from }) => createdAt < from - CLOCKS_OFF_MS);
    const isLate = uses.some((each) => isCertain(each) && createdAt > each.to + CLOCKS_OFF_MS);
    if (device !== undefined && (isEarly || isLate)) return [`${deviceId} cannot be new at ${device.createdAt}`];
    // It has no owner if no request had a key, or if the binding may have come before an unbind.
    const isNobody = unbinds.some((unbind) => !binds.some((bind) => isCertain(bind) && isBefore(unbind, bind)));
    const certain = binds.filter(isCertain);
    if (owner === null) return certain.length === 0 || isNobody ? [] : [`${deviceId} is nobody's, and was not unbound`];
    const isPossible = binds.some((bind) => {
      if (bind.sender !== owner) return false;
      if (unbinds.some((unbind) => isBefore(bind, unbind))) return false;
      const rivals = certain.filter((other) => other.sender !== owner && isBefore(other, bind));
      return rivals.every((rival) => unbinds.some((unbind) => unbind.ended > rival.began && unbind.began < bind.ended));
    });
    return isPossible ? [] : [`${deviceId} is ${owner}'s, which nothing that was sent explains`];
  }

  /** What was counted for a user, without facts that servers report. */
  foldOf(username: string): Fold {
    const { events, outcomes, activeDates, devices, lastEvent } = this.countsOf(username);
    return { events, outcomes, activeDates, devices, lastEvent };
  }

  countsOf(username: string): Counts {
    return countsOf(username, { events: this.#events, owned: this.ownedBy(username), reports: this.#reports });
  }
}

/** The counts of a user: each event once. Among copies, keyed beats anonymous, then the smallest device wins. */
export function countsOf(
  username: string,
  facts: {
    readonly events: readonly StoredEvent[];
    readonly owned: ReadonlySet<string>;
    readonly reports: readonly Report[];
  },
): Counts {
  const { owned } = facts;
  const mine = facts.events.filter(({ sender, deviceId }) =>
    sender === null ? owned.has(deviceId) : sender === username,
  );
  const winning = winningOf(mine);
  const invocations = winning.filter(({ kind }) => kind.startsWith('cli_invocation '));
  const personal = mine.filter(({ sender, deviceId }) => sender !== null && !isServerDevice(deviceId));
  const reports = facts.reports.filter((report) => report.username === username);
  const datesOf = (wanted: Report['kind']) =>
    reports.filter(({ kind }) => kind === wanted).map(({ hour }) => hour.slice(0, 10));
  const [issues, signIns] = [datesOf('issue'), datesOf('sign-in')];
  const names = [
    ...winning.map(({ kind }) => kind.split(' ')[0] ?? ''),
    ...issues.map(() => 'issue_created'),
    ...signIns.map(() => 'daily_sign_in'),
  ];
  const active = invocations.filter(({ deviceId }) => !isServerDevice(deviceId));
  const lastEvent =
    winning
      .map(({ hour }) => hour)
      .sort()
      .at(-1) ?? null;
  return {
    events: tally(winning.map(({ kind }) => kind.split(' ')[0] ?? '')),
    outcomes: tally(invocations.map(({ kind }) => after(kind, ' '))),
    lastEvent,
    names: tally(names),
    commands: tally(invocations.map(({ kind }) => kind.split(' ')[1] ?? '')),
    dated: winning.map(({ kind, hour, deviceId }) => ({
      date: hour.slice(0, 10),
      command: kind.startsWith('cli_invocation ') && kind.endsWith(' ok') ? (kind.split(' ')[1] ?? '') : null,
      isActive: kind.startsWith('cli_invocation ') && !isServerDevice(deviceId),
    })),
    activeDates: [...new Set(active.map(({ hour }) => hour.slice(0, 10)))].sort(),
    devices: new Set([...owned, ...personal.map(({ deviceId }) => deviceId)]).size,
    lastHour: [...(lastEvent === null ? [] : [lastEvent]), ...reports.map(({ hour }) => hour)].sort().at(-1) ?? null,
    issues,
    signIns,
  };
}

/** A user's events as they are folded. */
export type Fold = {
  readonly events: Readonly<Record<string, number>>;
  /** By `model ok` and `model failed`. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly activeDates: readonly string[];
  readonly devices: number;
  readonly lastEvent: string | null;
};

export type Counts = Fold & {
  /** All events by name, with the facts that servers reported. */
  readonly names: Readonly<Record<string, number>>;
  readonly commands: Readonly<Record<string, number>>;
  /** The winning copies of events, as the rules count them. */
  readonly dated: DatedFacts['events'];
  readonly lastHour: string | null;
  /** Their dates. */
  readonly issues: readonly string[];
  readonly signIns: readonly string[];
};

/** The chunks of an hour have no gaps, and only the last one may be open. */
const problemsOfChunks = (chunks: StoredTelemetry['chunks']): string[] =>
  [...Map.groupBy(chunks, ({ deviceId, hour }) => `${deviceId} ${hour}`)].flatMap(([place, own]) => {
    const sorted = own.toSorted((a, b) => a.index - b.index);
    const isWhole = sorted.every(({ index, isClosed }, at) => index === at && (isClosed || at === sorted.length - 1));
    return isWhole ? [] : [`the chunks of ${place} have a gap, or an open one before the last`];
  });

const after = (text: string, mark: string): string => text.slice(text.indexOf(mark) + mark.length);

function problemsOfCopy(copy: StoredEvent, sends: readonly SentEvent[]): string[] {
  const problems: string[] = [];
  const isFirstOf = (group: readonly SentEvent[], of: (send: SentEvent) => boolean): boolean =>
    group.some((send) => of(send) && !group.some((other) => !of(other) && isCertain(other) && isBefore(other, send)));
  if (!isFirstOf(sends, ({ kind }) => kind === copy.kind)) problems.push(`it is stored as ${copy.kind}`);
  const keyed = sends.filter(({ sender }) => sender !== null);
  if (copy.sender === null && keyed.some(isCertain)) problems.push('it came with a key, and has no sender');
  if (copy.sender !== null && !isFirstOf(keyed, ({ sender }) => sender === copy.sender)) {
    problems.push(`its sender is ${copy.sender}`);
  }
  return problems;
}

/** The winning copy of each event. */
export function winningOf(events: readonly StoredEvent[]): readonly StoredEvent[] {
  return [...Map.groupBy(events, ({ hour, id }) => `${hour} ${id}`).values()].flatMap((copies) => {
    const keyed = copies.filter(({ sender }) => sender !== null);
    return (keyed.length > 0 ? keyed : copies).toSorted((a, b) => (a.deviceId < b.deviceId ? -1 : 1)).slice(0, 1);
  });
}

/** How often each name occurs, by name. */
export function tally(names: readonly string[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const name of names.toSorted()) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries(counts);
}
