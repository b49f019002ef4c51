import type { DatedFacts } from './scoring.ts';

/**
 * Telemetry implemented again: plain maps over requests and answers, from the text of the contract alone. If concurrent
 * senders leave several results possible, the stored one is accepted if it is among them.
 */

/** The time of a request from its first try to its answer, in released requests. */
export type Span = { readonly began: number; readonly ended: number };

export type SentEvent = Span & {
  readonly deviceId: string;
  /** `2026-08-21T13` */
  readonly hour: string;
  readonly id: string;
  readonly kind: string;
  /** The account of the key that sent it. */
  readonly sender: string | null;
  /** `maybe`: refused at last, after a try without an answer. */
  readonly answer: 'accepted' | 'duplicate' | 'maybe';
  readonly isTriedOnce: boolean;
};

export type StoredEvent = Pick<SentEvent, 'deviceId' | 'hour' | 'id' | 'kind' | 'sender'>;
export type StoredDevice = { readonly deviceId: string; readonly owner: string | null; readonly createdAt: string };

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
const isCertain = ({ answer }: SentEvent): boolean => answer !== 'maybe';

export class TelemetryModel {
  readonly #sent: SentEvent[] = [];
  readonly #unbinds: (Span & { readonly deviceId: string })[] = [];
  readonly #asked: (Report & { readonly isCertain: boolean })[] = [];
  #reports: readonly Report[] = [];
  #events: readonly StoredEvent[] = [];
  #devices: ReadonlyMap<string, StoredDevice> = new Map();

  sent(event: SentEvent): void {
    this.#sent.push(event);
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

  /** Compares the stored items with the requests, and returns the contradictions. */
  settle(events: readonly StoredEvent[], devices: readonly StoredDevice[], reports: readonly Report[]): string[] {
    this.#events = events;
    this.#reports = reports;
    this.#devices = new Map(devices.map((device) => [device.deviceId, device]));
    const sends = Map.groupBy(this.#sent, placeOf);
    const stored = Map.groupBy(events, placeOf);
    const problems = this.#problemsOfReports();
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
      if (accepted === 0 && own.every(({ isTriedOnce }) => isTriedOnce) && own.some(isCertain)) {
        problems.push(`${place} was never answered as accepted`);
      }
    }
    for (const deviceId of new Set(this.#sent.map((each) => each.deviceId)))
      problems.push(...this.#problemsOfOwner(deviceId));
    return problems;
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

  #problemsOfOwner(deviceId: string): string[] {
    if (isServerDevice(deviceId)) return [];
    const binds = this.#sent.filter((each) => each.deviceId === deviceId && each.sender !== null);
    const unbinds = this.#unbinds.filter((each) => each.deviceId === deviceId);
    const device = this.#devices.get(deviceId);
    const owner = device?.owner ?? null;
    if (device === undefined && this.#sent.some((each) => each.deviceId === deviceId && isCertain(each))) {
      return [`${deviceId} has sent events, and there is no such device`];
    }
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

  /** The counts of a user: each event once. Among copies, keyed beats anonymous, then the smallest device wins. */
  countsOf(username: string): Counts {
    const owned = this.ownedBy(username);
    const mine = this.#events.filter(({ sender, deviceId }) =>
      sender === null ? owned.has(deviceId) : sender === username,
    );
    const standing = standingOf(mine);
    const invocations = standing.filter(({ kind }) => kind.startsWith('cli_invocation '));
    const personal = mine.filter(({ sender, deviceId }) => sender !== null && !isServerDevice(deviceId));
    const reports = this.#reports.filter((report) => report.username === username);
    const datesOf = (wanted: Report['kind']) =>
      reports.filter(({ kind }) => kind === wanted).map(({ hour }) => hour.slice(0, 10));
    const [issues, signIns] = [datesOf('issue'), datesOf('sign-in')];
    const names = [
      ...standing.map(({ kind }) => kind.split(' ')[0] ?? ''),
      ...issues.map(() => 'issue_created'),
      ...signIns.map(() => 'daily_sign_in'),
    ];
    const active = invocations.filter(({ deviceId }) => !isServerDevice(deviceId));
    return {
      events: tally(names),
      commands: tally(invocations.map(({ kind }) => kind.split(' ')[1] ?? '')),
      dated: standing.map(({ kind, hour, deviceId }) => ({
        date: hour.slice(0, 10),
        command: kind.startsWith('cli_invocation ') && kind.endsWith(' ok') ? (kind.split(' ')[1] ?? '') : null,
        isActive: kind.startsWith('cli_invocation ') && !isServerDevice(deviceId),
      })),
      activeDates: [...new Set(active.map(({ hour }) => hour.slice(0, 10)))].sort(),
      devices: new Set([...owned, ...personal.map(({ deviceId }) => deviceId)]).size,
      lastHour: [...standing.map(({ hour }) => hour), ...reports.map(({ hour }) => hour)].sort().at(-1) ?? null,
      issues,
      signIns,
    };
  }
}

export type Counts = {
  readonly events: Readonly<Record<string, number>>;
  readonly commands: Readonly<Record<string, number>>;
  /** The winning copies of events, as the rules count them. */
  readonly dated: DatedFacts['events'];
  readonly activeDates: readonly string[];
  readonly devices: number;
  readonly lastHour: string | null;
  /** Their dates. */
  readonly issues: readonly string[];
  readonly signIns: readonly string[];
};

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
export function standingOf(events: readonly StoredEvent[]): readonly StoredEvent[] {
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
