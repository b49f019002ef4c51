import { ScanCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { expect } from 'vitest';
import { namedCommandsOf } from '../../domain/scoring/contributions.ts';
import { foldDays } from '../../domain/scoring/facts.ts';
import { byPlainName, mergeFolds, plusCommand, plusNumber, type Fold } from '../../domain/scoring/fold.ts';
import { currentRules, rulebook } from '../../domain/rules/current-rules.ts';
import { dateOfDayNumber } from '../../domain/shared/utc.ts';
import type { Pulls } from '../../domain/registry/registry.port.ts';
import { rememberingChunks } from '../../domain/telemetry/closed-chunks.ts';
import type { DeviceStore } from '../../domain/telemetry/device-store.port.ts';
import { ingestTelemetry } from '../../domain/telemetry/ingest-telemetry.ts';
import { dynamoDeviceStore } from '../../functions/adapters/dynamodb/telemetry/device-store.ts';
import { dynamoGrantLedger } from '../../functions/adapters/dynamodb/grants/grant-ledger.ts';
import { dynamoFirstNames } from '../../functions/adapters/dynamodb/telemetry/first-names.ts';
import { keptHours } from '../../domain/telemetry/kept-hours.ts';
import { dynamoTrustedFacts } from '../../functions/adapters/dynamodb/telemetry/trusted-facts.ts';
import { dynamoUserTelemetry } from '../../functions/adapters/dynamodb/telemetry/user-telemetry.ts';
import { aCollectiveKey, aPersonalKey, aUsername, namesAsIds, sha256 } from '../builders/identity.ts';
import type { RawEvent } from '../builders/telemetry.ts';
import type { TestEngine } from '../support/engines.ts';
import { isInjected, RETRY_AT_ONCE } from '../../proof/faults.ts';
import { telemetryIn } from '../../proof/model/stored.ts';
import {
  deviceIdOf,
  eventOf,
  refusalAt,
  tally,
  TelemetryModel,
  timeOf,
  type Fold as ModelFold,
} from '../../proof/model/telemetry.ts';
import { Wire } from '../../proof/wire.ts';

/** Run counts are small, so that all properties fit into a normal test run. This factor raises them. */
export const runs = (usual: number): number => Math.ceil(usual * Number(process.env.LAUREL_PROPERTY_RUNS ?? 1));

/** Only for tests that hang, as in `vitest.config.ts`: a shared machine is slow at times. */
export const PATIENCE = 900_000;

/** The key of a request: a username's, a collective's (which credits nobody), or none. */
export type Sender = string | { readonly collective: string } | null;
export type Request = { readonly sender: Sender; readonly events: readonly RawEvent[] };

const named = namedCommandsOf(currentRules);
const MAX_SENDS = 200;
/** About two closed chunks, so that hours are also forgotten. */
const MAX_REMEMBERED = 120;

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
  /** Counts the beginnings and ends of requests. */
  #ticks = 0;
  /** On the wire. */
  protected readonly sending: DynamoDBClient;
  /** For what no fault disturbs. */
  protected readonly checking: DynamoDBClient;
  readonly #users = new Set<string>();
  /** Lives as long as a function: what it keeps may be outdated by other senders. */

  constructor(engine: TestEngine, table: string, wire = new Wire()) {
    this.engine = engine;
    this.table = table;
    this.wire = wire;
    this.sending = this.client(wire);
    this.checking = this.client(new Wire());
  }

  /** A client on the wire. */
  client(wire = this.wire): DynamoDBClient {
    return wire.attach(this.engine.client({ retryStrategy: RETRY_AT_ONCE }));
  }

  readonly chance = { random: () => 0.5, sleep: async () => {} };

  store(client: DynamoDBClient) {
    return dynamoDeviceStore(client, this.table, { ...this.chance, randomToken: () => this.token() });
  }

  /** Function instances: one remembers nothing, as a new one; one knows closed chunks, and one is as it is deployed. */
  readonly #instances = new Map<DynamoDBClient, readonly DeviceStore[]>();
  #instance(client: DynamoDBClient): DeviceStore {
    const remembering = () => rememberingChunks(this.store(client), MAX_REMEMBERED);
    const deployed = keptHours(remembering(), { clock: () => this.now });
    const made = this.#instances.get(client) ?? [this.store(client), remembering(), deployed];
    this.#instances.set(client, made);
    return made[this.#ticks % 3]!;
  }

  /** Ends all function instances: new ones remember nothing. */
  restart(): void {
    this.#instances.clear();
  }

  /** Sends requests at the same time, each until it is answered. */
  async send(...wave: readonly Request[]): Promise<void> {
    await Promise.all(wave.map((request) => this.#sendUntilAnswered(request)));
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

  /** All items of a table. */
  async itemsOf(TableName: string): Promise<Record<string, any>[]> {
    const { Items = [] } = await this.checking.send(new ScanCommand({ TableName, ConsistentRead: true }));
    return Items.map((item) => unmarshall(item)).sort((a, b) => (a.pk + a.sk < b.pk + b.sk ? -1 : 1));
  }

  /** The stored telemetry, as the model reads it. */
  async stored() {
    return telemetryIn(await this.itemsOf(this.table));
  }

  /**
   * Holds one sender before its nth request to the table until another one is done. Returns false if it had fewer
   * requests.
   */
  async sendStandingStill(slow: Request, n: number, other: Request): Promise<boolean> {
    const client = this.client(new Wire());
    let requests = 0;
    client.middlewareStack.add(
      (next) => async (args) => {
        requests += 1;
        if (requests === n) await this.#sendUntilAnswered(other);
        return next(args);
      },
      { step: 'initialize', priority: 'high' }, // before the wire, where it would make others wait
    );
    await this.#sendUntilAnswered(slow, client);
    return requests >= n;
  }

  /** Binds a device by hand, without an event that would announce it. */
  async bindByHand(device: string, username: string): Promise<void> {
    const deviceId = deviceIdOf(device);
    const request = this.#begin();
    await this.store(this.checking).bind(deviceId, aUsername(username), new Date(this.now).toISOString());
    this.model.bound(deviceId, username, request.end(1));
    this.#users.add(username);
  }

  /** A request of the model, at the time of this world. */
  #begin() {
    const [began, from, lost] = [(this.#ticks += 1), this.now, this.wire.lostAnswers];
    const end = (attempt: number) => ({
      ...{ request: began, began, ended: (this.#ticks += 1), from, to: from },
      isTriedOnce: attempt === 1,
      mayBeLost: this.wire.lostAnswers > lost,
    });
    return { end };
  }

  async #sendUntilAnswered({ sender, events }: Request, client = this.sending): Promise<void> {
    const credential =
      sender === null
        ? undefined
        : typeof sender === 'string'
          ? aPersonalKey(sender)
          : aCollectiveKey(sender.collective);
    const key = typeof sender === 'string' ? sender : null;
    if (key !== null) this.#users.add(key);
    const { now } = this;
    const request = this.#begin();
    for (let attempt = 1; attempt <= MAX_SENDS; attempt += 1) {
      try {
        const deps = { ...this.#ingestDeps(), devices: this.#instance(client), clock: () => now };
        const { results } = await ingestTelemetry(deps, { events, credential });
        const answered = request.end(attempt);
        expect(results.map(({ index }) => index)).toEqual(events.map((_, index) => index));
        for (const [index, event] of events.entries()) {
          const { status, code } = results[index]!;
          expect(code).toBe(refusalAt(timeOf(event), now));
          if (status !== 'rejected') this.model.sent({ ...eventOf(event, key), ...answered, answer: status });
        }
        return;
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
    const trustedFacts = dynamoTrustedFacts(this.sending, this.table, {
      ...this.chance,
      randomToken: () => this.token(),
    });
    const requestRefreshes = async () => {};
    const ledger = dynamoGrantLedger(this.sending, this.table); // no event here grants anything
    const randomToken = () => this.token();
    const grants = { ledger, rules: rulebook, reportConflict: () => {}, randomToken, ...this.chance, sha256 };
    return {
      devices: this.#instance(this.sending),
      trustedFacts,
      firstNames: dynamoFirstNames(this.sending, this.table),
      pulls: this.pulls(),
      grants,
      requestRefreshes,
      names: namesAsIds,
      ...this.chance,
      sha256,
    };
  }

  protected token(): string {
    this.#tokens += 1;
    return `token-${this.#tokens}`;
  }

  /** Everything stored must be a possible result of the requests. */
  async checkFacts({ everyAnswerArrived }: { readonly everyAnswerArrived: boolean }): Promise<void> {
    expect(this.model.settle(await this.stored(), { everyAnswerArrived })).toEqual([]);
  }

  users(): readonly string[] {
    return [...this.#users];
  }

  /** A user's counts as a refresh finds them: a fold of the facts from nothing. */
  async countsOf(username: string): Promise<ModelFold> {
    const telemetry = dynamoUserTelemetry(this.checking, this.table);
    const links = await telemetry.linksOf(aUsername(username));
    const { folds, sentFrom } = await foldDays(telemetry, aUsername(username), links, null, named);
    const owned = links.filter((link) => link.owned).map(({ deviceId }) => deviceId);
    return countsOfFold(mergeFolds([...folds.values()], named), new Set([...owned, ...sentFrom]).size);
  }

  /** Call after `checkFacts`: a fold must find the model's counts for each user. */
  async checkCounts(): Promise<void> {
    for (const username of this.#users) {
      expect(await this.countsOf(username), username).toEqual(this.model.foldOf(username));
    }
  }
}

/** A fold in the model's terms. */
function countsOfFold({ events, commands, activeDays, lastHour }: Fold, devices: number): ModelFold {
  const outcomes = [...byPlainName(commands, plusCommand)].flatMap(([name, { total, successes }]) => [
    ...Array.from({ length: successes }, () => `${name} ok`),
    ...Array.from({ length: total - successes }, () => `${name} failed`),
  ]);
  const names = [...byPlainName(events, plusNumber)].flatMap(([name, count]) =>
    Array.from({ length: count }, () => name),
  );
  const activeDates = activeDays.map(dateOfDayNumber);
  return { events: tally(names), outcomes: tally(outcomes), activeDates, devices, lastEvent: lastHour };
}
