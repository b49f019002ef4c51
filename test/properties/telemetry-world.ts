import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect } from 'vitest';
import { namedCommandsOf } from '../../domain/scoring/contributions.ts';
import { foldDays } from '../../domain/scoring/facts.ts';
import { byPlainName, mergeFolds, plusCommand, plusNumber, type Fold } from '../../domain/scoring/fold.ts';
import { currentRules, rulebook } from '../../domain/rules/current-rules.ts';
import { dateOfDayNumber } from '../../domain/shared/utc.ts';
import type { Pulls } from '../../domain/registry/registry.port.ts';
import type { EventEntry } from '../../domain/telemetry/device-hour.ts';
import { ingestTelemetry, type IngestReport } from '../../domain/telemetry/ingest-telemetry.ts';
import { resolveUsername } from '../../domain/identity/username.ts';
import { dynamoDeviceStore } from '../../functions/adapters/dynamodb/telemetry/device-store.ts';
import { dynamoGrantLedger } from '../../functions/adapters/dynamodb/grants/grant-ledger.ts';
import { dynamoTrustedFacts } from '../../functions/adapters/dynamodb/telemetry/trusted-facts.ts';
import { dynamoUserTelemetry } from '../../functions/adapters/dynamodb/telemetry/user-telemetry.ts';
import { aCollectiveKey, aPersonalKey, aUsername, sha256 } from '../builders/identity.ts';
import type { RawEvent } from '../builders/telemetry.ts';
import type { TestEngine } from '../support/engines.ts';
import { isInjected, RETRY_AT_ONCE } from '../../proof/faults.ts';
import { Wire } from '../../proof/wire.ts';
import { identityOf, refusalOf, tally, TelemetryModel, type Counts } from './telemetry-model.ts';

/** Run counts are small, so that all properties fit into a normal test run. This factor raises them. */
export const runs = (usual: number): number => Math.ceil(usual * Number(process.env.LAUREL_PROPERTY_RUNS ?? 1));

/** The timeout of a property in milliseconds: thousands of requests, one at a time, on a busy machine. */
export const PATIENCE = 240_000;

/** The key of a request: a username's, a collective's (which credits nobody), or none. */
export type Sender = string | { readonly collective: string } | null;
export type Request = { readonly sender: Sender; readonly events: readonly RawEvent[] };

const named = namedCommandsOf(currentRules);
const MAX_SENDS = 200;

/**
 * The deployed ingest on a table of a real engine, beside the model with the expected results. Only tests move the
 * time, and there are no pauses.
 */
export class TelemetryWorld {
  readonly model = new TelemetryModel();
  readonly engine: TestEngine;
  readonly table: string;
  readonly wire: Wire;
  now = Date.parse('2026-08-21T12:30:00.000Z');
  #tokens = 0;
  readonly #sending: DynamoDBClient;
  readonly #checking: DynamoDBClient;
  /** How often each event of each device was answered as accepted. */
  readonly #accepted = new Map<string, number>();
  readonly #users = new Set<string>();

  constructor(engine: TestEngine, table: string, wire = new Wire()) {
    this.engine = engine;
    this.table = table;
    this.wire = wire;
    this.#sending = this.client(wire);
    this.#checking = this.client(new Wire());
  }

  /** A client on the wire. The caller destroys it. */
  client(wire = this.wire): DynamoDBClient {
    return wire.attach(this.engine.client({ retryStrategy: RETRY_AT_ONCE }));
  }

  [Symbol.dispose](): void {
    this.#sending.destroy();
    this.#checking.destroy();
  }

  readonly chance = { random: () => 0.5, sleep: async () => {} };

  store(client: DynamoDBClient) {
    return dynamoDeviceStore(client, this.table, { ...this.chance, randomToken: () => this.token() });
  }

  /** Sends requests at the same time, each until it is answered, then checks everything that is stored. */
  async send(...wave: readonly Request[]): Promise<void> {
    const now = this.now;
    const reports = await Promise.all(wave.map((request) => this.#sendUntilAnswered(request, now)));
    this.#noteWave(wave, reports, now);
  }

  /** Sends once, and accepts any result. Returns true if it was answered. */
  async sendOnce({
    sender,
    events,
  }: {
    readonly sender: string;
    readonly events: readonly RawEvent[];
  }): Promise<boolean> {
    this.#users.add(sender);
    try {
      await ingestTelemetry(
        { ...this.#ingestDeps(), clock: () => this.now },
        { events, credential: aPersonalKey(sender) },
      );
      return true;
    } catch (error) {
      if (!isInjected(error)) throw error;
      return false;
    }
  }

  /** The number of events of an hour of these devices with this sender. */
  async eventsNaming(username: string, deviceIds: readonly string[], hour: string): Promise<number> {
    let named = 0;
    for (const deviceId of deviceIds) {
      const chunks = await this.store(this.#checking).chunksOf(deviceId, hour);
      named += chunks.flatMap(({ events }) => events).filter(({ sender }) => sender === username).length;
    }
    return named;
  }

  /**
   * Holds one sender before its nth request to the table until another one is done. Returns false if it had fewer
   * requests.
   */
  async sendStandingStill(slow: Request, n: number, other: Request): Promise<boolean> {
    const client = this.client(new Wire());
    const reports: IngestReport[] = [];
    const requests = { made: 0 };
    client.middlewareStack.add(
      (next) => async (args) => {
        requests.made += 1;
        if (requests.made === n) reports.push(await this.#sendUntilAnswered(other, this.now));
        return next(args);
      },
      { step: 'initialize', priority: 'high' }, // before the wire, where it would make others wait
    );
    try {
      const report = await this.#sendUntilAnswered(slow, this.now, client);
      const isReached = reports.length > 0;
      this.#noteWave(isReached ? [other, slow] : [slow], [...reports, report], this.now);
      return isReached;
    } finally {
      client.destroy();
    }
  }

  #noteWave(wave: readonly Request[], reports: readonly IngestReport[], now: number): void {
    const acceptable = wave.flatMap(({ sender, events }) => {
      const key = typeof sender === 'string' ? sender : null;
      if (key !== null) this.#users.add(key);
      return events.filter((event) => refusalOf(event, now) === undefined).map((event) => ({ event, key }));
    });
    this.model.send(acceptable);
    for (const [index, { events }] of wave.entries()) this.#noteAnswers(events, reports[index]!, now);
  }

  /** Binds a device by hand, without an event that would announce it. */
  async bindByHand(device: string, username: string): Promise<void> {
    const deviceId = device.startsWith('~') ? `~${device}` : device;
    await this.store(this.#checking).bind(deviceId, aUsername(username), new Date(this.now).toISOString());
    this.model.bind(device, username);
    this.#users.add(username);
  }

  async #sendUntilAnswered({ sender, events }: Request, now: number, client = this.#sending): Promise<IngestReport> {
    const credential =
      sender === null
        ? undefined
        : typeof sender === 'string'
          ? aPersonalKey(sender)
          : aCollectiveKey(sender.collective);
    for (let attempt = 1; attempt <= MAX_SENDS; attempt += 1) {
      try {
        // as in a new function instance
        const deps = { ...this.#ingestDeps(), devices: this.store(client), clock: () => now };
        return await ingestTelemetry(deps, { events, credential });
      } catch (error) {
        if (!isInjected(error)) throw error; // 5xx: the client retries
      }
    }
    throw new Error(`not answered after ${MAX_SENDS} sends`);
  }

  /** A world without a registry knows no versions. */
  protected pulls(): Pulls {
    return { findVersion: async () => undefined, recordPull: async () => Promise.reject(new Error('of no version')) };
  }

  #ingestDeps() {
    const trustedFacts = dynamoTrustedFacts(this.#sending, this.table, {
      ...this.chance,
      randomToken: () => this.token(),
    });
    const requestRefreshes = async () => {};
    const ledger = dynamoGrantLedger(this.#sending, this.table); // no event here grants anything
    const randomToken = () => this.token();
    const grants = { ledger, rules: rulebook, reportConflict: () => {}, randomToken, ...this.chance, sha256 };
    return {
      devices: this.store(this.#sending),
      trustedFacts,
      pulls: this.pulls(),
      grants,
      requestRefreshes,
      resolveUsername,
      ...this.chance,
      sha256,
    };
  }

  protected token(): string {
    this.#tokens += 1;
    return `token-${this.#tokens}`;
  }

  #noteAnswers(events: readonly RawEvent[], { results }: IngestReport, now: number): void {
    expect(results.map(({ index }) => index)).toEqual(events.map((_, index) => index));
    for (const [index, event] of events.entries()) {
      const { status, code } = results[index]!;
      expect(code).toBe(refusalOf(event, now));
      if (status !== 'accepted') continue;
      const place = `${event.distinct_id} ${identityOf(event)}`;
      this.#accepted.set(place, (this.#accepted.get(place) ?? 0) + 1);
    }
  }

  /** Everything stored must equal the model, or one of its possible results. */
  async checkFacts({ everyAnswerArrived }: { readonly everyAnswerArrived: boolean }): Promise<void> {
    const store = this.store(this.#checking);
    for (const device of this.model.devices()) {
      const deviceId = device.startsWith('~') ? `~${device}` : device;
      const owner = (await store.find(deviceId))?.owner ?? null;
      expect(this.model.settleOwner(device, owner), `owner of ${device}: ${owner}`).toBe(true);

      const identities = this.model.identitiesOf(device);
      for (const hour of new Set(identities.map((identity) => identity.slice(0, 13)))) {
        const chunks = await store.chunksOf(deviceId, hour);
        expect(chunks.map(({ index }) => index)).toEqual(chunks.map((_, index) => index));
        expect(chunks.slice(0, -1).every(({ closed }) => closed)).toBe(true);
        const stored = chunks.flatMap(({ events }) => events);
        const expected = identities.filter((identity) => identity.startsWith(hour));
        const idOf = (identity: string) => sha256(identity.slice(14)).slice(0, 16);
        expect(stored.map(({ id }) => id).sort()).toEqual(expected.map(idOf).sort());
        for (const identity of expected) {
          const { kind, sender } = stored.find(({ id }) => id === idOf(identity))!;
          const found = { kind: kindText(kind), sender };
          const isAllowed = this.model.settleCopy(device, identity, found);
          expect(isAllowed, `${device} ${identity}: ${JSON.stringify(found)}`).toBe(true);
          const accepted = this.#accepted.get(`${device} ${identity}`) ?? 0;
          expect(accepted).toBeLessThanOrEqual(1);
          if (everyAnswerArrived) expect(accepted).toBe(1);
        }
      }
    }
  }

  users(): readonly string[] {
    return [...this.#users];
  }

  /** A user's counts as a refresh finds them: a fold of the facts from nothing. */
  async countsOf(username: string): Promise<Counts> {
    const telemetry = dynamoUserTelemetry(this.#checking, this.table);
    const links = await telemetry.linksOf(aUsername(username));
    const { folds, sentFrom } = await foldDays(telemetry, aUsername(username), links, null, named);
    const owned = links.filter((link) => link.owned).map(({ deviceId }) => deviceId);
    return countsOfFold(mergeFolds([...folds.values()], named), new Set([...owned, ...sentFrom]).size);
  }

  /** Call after `checkFacts`: a fold must find the model's counts for each user. */
  async checkCounts(): Promise<void> {
    for (const username of this.#users) {
      expect(await this.countsOf(username), username).toEqual(this.model.countsOf(username));
    }
  }
}

/** A fold in the model's terms. */
export function countsOfFold({ events, commands, activeDays, lastHour }: Fold, devices: number): Counts {
  const entries = [...byPlainName(commands, plusCommand)].flatMap(([name, { total, successes }]) => [
    ...Array.from({ length: successes }, () => `${name} ok`),
    ...Array.from({ length: total - successes }, () => `${name} failed`),
  ]);
  return {
    events: tally(
      [...byPlainName(events, plusNumber)].flatMap(([name, count]) => Array.from({ length: count }, () => name)),
    ),
    commands: tally(entries),
    activeDates: activeDays.map(dateOfDayNumber),
    devices,
    lastHour,
  };
}

const kindText = ({ event, command, success }: EventEntry['kind']): string =>
  command === null ? event : `${event} ${command} ${success ? 'ok' : 'failed'}`;
