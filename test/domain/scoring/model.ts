import { createHash } from 'node:crypto';
import { AccountId } from '../../../domain/identity/account.ts';
import type { DayRow, ScoreStore, StoredMetrics, StoredScore } from '../../../domain/scoring/score-store.port.ts';
import type { RefreshDeps } from '../../../domain/scoring/refresh-score.ts';
import { byDate } from '../../../domain/shared/by-date.ts';
import type { Turn } from '../../../domain/scoring/turns.ts';
import { dateOf, dateOfHour, hourOf, MILLISECONDS_PER_DAY } from '../../../domain/shared/utc.ts';
import type { EventEntry, EventKind } from '../../../domain/telemetry/device-hour.ts';
import type { UserRegistry } from '../../../domain/registry/user-registry.port.ts';
import type { DeviceLink, ReportedCount, UserTelemetry } from '../../../domain/telemetry/user-telemetry.port.ts';
import { grantsOf } from '../../builders/memory-ledger.ts';
import { anEmptyRegistry } from '../../builders/registry.ts';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
export const aUsername = (name = 'ada'): AccountId => AccountId.parse(name);
export const invocation = (command: string, success = true): EventKind => ({
  event: 'cli_invocation',
  command,
  success,
});
export const anEvent = (
  id: string,
  { kind = invocation('model'), sender = null as AccountId | null } = {},
): EventEntry => ({
  id: sha256(id).slice(0, 16),
  kind,
  sender,
});

export type Sent = { deviceId: string; at: number; hour: string; event: EventEntry };
export type Announced = { username: AccountId; days: readonly string[] | null; reports?: boolean };

/** Telemetry facts of the contract in the simplest form: one flat list of events. */
export class FactsModel implements UserTelemetry {
  readonly issues: { username: AccountId; at: number }[] = [];
  readonly signIns = new Map<string, { username: AccountId; at: number }>();
  readonly owners = new Map<string, AccountId>();
  readonly sent: Sent[] = [];
  /** Of each device, by hour and id. */
  readonly #byDevice = new Map<string, Map<string, Sent>>();
  readonly announcements: Announced[] = [];

  send(deviceId: string, at: number, event: EventEntry): void {
    const { sender } = event;
    const isLinked = sender === null || this.#isLinked(deviceId, sender);
    const ofDevice = this.#byDevice.get(deviceId) ?? new Map<string, Sent>();
    this.#byDevice.set(deviceId, ofDevice);
    const hour = hourOf(at);
    const same = ofDevice.get(`${hour} ${event.id}`);
    if (same === undefined) {
      const first = { deviceId, at, hour, event };
      ofDevice.set(`${hour} ${event.id}`, first);
      this.sent.push(first);
    } else if (same.event.sender === null) same.event = { ...same.event, sender };
    if (sender !== null && !deviceId.startsWith('~') && !this.owners.has(deviceId)) this.bind(deviceId, sender);
    const touched = new Set([this.owners.get(deviceId), sender].filter((name) => name !== null && name !== undefined));
    for (const account of touched) this.announcements.push({ username: account, days: [dateOf(at)] });
    if (!isLinked) this.announcements.push({ username: sender, days: null });
  }

  #isLinked(deviceId: string, account: AccountId): boolean {
    const sent = this.#byDevice.get(deviceId)?.values() ?? [];
    return this.owners.get(deviceId) === account || [...sent].some(({ event }) => event.sender === account);
  }

  report(kind: 'issue' | 'sign-in', account: AccountId, at: number): void {
    if (kind === 'issue') this.issues.push({ username: account, at });
    else this.signIns.set(`${account} ${dateOf(at)}`, { username: account, at });
    this.announcements.push({ username: account, days: [], reports: true });
  }

  /** These facts, read in another way. */
  with(reads: Partial<UserTelemetry>): UserTelemetry {
    return {
      linksOf: (account) => this.linksOf(account),
      hoursOf: (deviceId, dates) => this.hoursOf(deviceId, dates),
      reportsOf: (account) => this.reportsOf(account),
      ...reads,
    };
  }

  reportsOf(account: AccountId) {
    const count = (all: Iterable<{ username: AccountId; at: number }>): ReportedCount => {
      const hours = [...all].filter((report) => report.username === account).map(({ at }) => hourOf(at));
      return { byDate: byDate(hours.map((hour) => [hour.slice(0, 10), 1])), lastHour: hours.sort().at(-1) ?? null };
    };
    const counts = [
      ['issue_created', count(this.issues)],
      ['daily_sign_in', count(this.signIns.values())],
    ] as const;
    return Promise.resolve(new Map(counts.filter(([, { lastHour }]) => lastHour !== null)));
  }

  bind(deviceId: string, owner: AccountId): void {
    this.owners.set(deviceId, owner);
    this.announcements.push({ username: owner, days: null });
  }

  unbind(deviceId: string): void {
    const owner = this.owners.get(deviceId);
    this.owners.delete(deviceId);
    if (owner !== undefined) this.announcements.push({ username: owner, days: null });
  }

  async linksOf(account: AccountId): Promise<readonly DeviceLink[]> {
    const named = [...this.#byDevice].flatMap(([deviceId, sent]) =>
      sent.values().some(({ event }) => event.sender === account) ? [deviceId] : [],
    );
    const owned = [...this.owners].filter(([, owner]) => owner === account).map(([deviceId]) => deviceId);
    return [...new Set([...named, ...owned])].map((deviceId) => ({ deviceId, owned: owned.includes(deviceId) }));
  }

  async *hoursOf(deviceId: string, dates?: { readonly from: string; readonly to: string }) {
    const inRange = ({ hour }: Sent) =>
      dates === undefined || (dates.from <= dateOfHour(hour) && dateOfHour(hour) <= dates.to);
    const found = [...(this.#byDevice.get(deviceId)?.values() ?? [])].filter(inRange);
    for (const [hour, sent] of Map.groupBy(
      found.sort((a, b) => a.at - b.at),
      ({ hour }) => hour,
    )) {
      yield { deviceId, hour, events: sent.map(({ event }) => event) };
    }
  }
}

/** Both items of each user with their revisions, and a hook before every call. */
export class ScoresModel implements ScoreStore {
  readonly metrics = new Map<string, StoredMetrics>();
  readonly scores = new Map<string, StoredScore>();
  readonly days: DayRow[] = [];
  readonly hidden = new Set<string>();
  readonly turns = new Map<string, Turn>();
  saves = 0;

  async load(account: AccountId) {
    return {
      metrics: this.metrics.get(account) ?? null,
      score: this.scores.get(account) ?? null,
      isHidden: this.hidden.has(account),
      ...(this.turns.has(account) ? { turn: this.turns.get(account)! } : {}),
    };
  }

  async takeTurn(...[username, turn, before]: Parameters<ScoreStore['takeTurn']>) {
    if (this.turns.get(username)?.by !== before?.by) return false;
    this.turns.set(username, turn);
    return true;
  }

  async endTurn(account: AccountId, by: string) {
    if (this.turns.get(account)?.by === by) this.turns.set(account, { by, until: 0 });
  }

  async save(...[guard, { score, leaving, ...next }]: Parameters<ScoreStore['save']>): Promise<'saved' | 'stale'> {
    const { username } = score;
    if (this.metrics.get(username)?.revision !== guard.metrics?.revision) return 'stale';
    const metricsRevision = (guard.metrics?.revision ?? 0) + 1;
    this.metrics.set(username, { ...next, revision: metricsRevision });
    if (this.scores.get(username)?.revision !== guard.score?.revision) return 'stale';
    const { rulesVersion = null } = guard.score?.score ?? {};
    this.days.push(...leaving.map((day) => ({ ...day, rulesVersion })));
    this.scores.set(username, { score, revision: (guard.score?.revision ?? 0) + 1, metricsRevision });
    this.saves += 1;
    return 'saved';
  }

  async dayRows() {
    return this.days;
  }
}

/** For a store with few devices per user, where refreshes take no turns. */
export const noTurns = { takeTurn: async () => true, endTurn: async () => {} };

export class Clock {
  now = Date.parse('2026-08-21T12:00:00.000Z');
  advanceDays(days: number): void {
    this.now += days * MILLISECONDS_PER_DAY;
  }
}

export const dependencies = (
  telemetry: UserTelemetry,
  scores: ScoreStore,
  clock: Clock,
  grants: RefreshDeps['grants'] = grantsOf(),
  registry: UserRegistry = anEmptyRegistry,
): RefreshDeps => ({
  telemetry,
  registry,
  scores,
  grants,
  clock: () => clock.now,
  random: () => 0.5,
  sleep: () => Promise.resolve(),
  sha256,
  reportDateAhead: () => {},
});
