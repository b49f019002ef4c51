import '../support/silent-logs.ts';
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { expect } from 'vitest';
import { refreshesLater } from '../../domain/change-feed/refreshes-later.ts';
import { announceRefreshes } from '../../domain/change-feed/announce-refreshes.ts';
import { coalesce, refreshScore } from '../../domain/scoring/refresh-score.ts';
import { rulebook } from '../../domain/rules/current-rules.ts';
import { ScoreRefreshRequested } from '../../domain/messages/score-refresh.message.ts';
import { ledgerChange } from '../../functions/adapters/dynamodb/change-feed/ledger-changes.ts';
import { dynamoGrantLedger } from '../../functions/adapters/dynamodb/grants/grant-ledger.ts';
import { dynamoGrantLines } from '../../functions/adapters/dynamodb/grants/grant-lines.ts';
import { dynamoScoreStore } from '../../functions/adapters/dynamodb/scoring/score-store.ts';
import { registryChange } from '../../functions/adapters/dynamodb/change-feed/registry-changes.ts';
import { readStreamRecord } from '../../functions/adapters/dynamodb/change-feed/stream-record.ts';
import { telemetryChange } from '../../functions/adapters/dynamodb/change-feed/telemetry-changes.ts';
import { dynamoUserRegistry } from '../../functions/adapters/dynamodb/registry/user-registry.ts';
import { dynamoKeptChunks, dynamoUserTelemetry } from '../../functions/adapters/dynamodb/telemetry/user-telemetry.ts';
import { sqsBatch } from '../../functions/runtime/sqs-batch.ts';
import { REFRESH_DELAY_SECONDS } from '../../functions/runtime/names.ts';
import { streamBatch } from '../../functions/runtime/stream-batch.ts';
import { awsCaller } from '../../local/aws-client.ts';
import { shardReader, shardsOf, type StreamRecord } from '../../local/events/stream-shard.ts';
import { sha256 } from '../builders/identity.ts';
import type { TestEngine } from '../support/engines.ts';
import { isInjected } from '../../proof/faults.ts';
import { activityOn } from '../../proof/model/scoring.ts';
import { countsIn, lastingIn, scoresIn } from '../../proof/model/stored.ts';
import { tally } from '../../proof/model/telemetry.ts';
import { Wire } from '../../proof/wire.ts';
import { TelemetryWorld } from './telemetry-world.ts';

const MINUTE = 60_000;
const LARGEST_BATCH = 10;
const MAX_ROUNDS = 200;

type SourcedRecord = StreamRecord & { readonly eventSourceARN: string };
type Message = { readonly messageId: string; readonly body: string; readonly dueAt: number };

type Source = { readonly eventSourceARN: string; readonly reader: ReturnType<typeof shardReader> };

/** All facts, the streams of their changes, the queue of refreshes and the scores. A test triggers each step. */
export class RefreshWorld extends TelemetryWorld {
  readonly scoresTable: string;
  readonly grantsTable: string;
  readonly registryTable: string;
  #readers: Promise<Source[]> | undefined;
  #messages = 0;
  /** Stream records that are not handled yet. */
  records: SourcedRecord[] = [];
  queue: Message[] = [];
  /** All handled records and messages, for replays. */
  readonly handledRecords: SourcedRecord[] = [];
  readonly handledMessages: Message[] = [];
  readonly #lastDates = new Map<string, string>();

  /** One announcer that remembers what it requested. */
  readonly #requestLater = refreshesLater({
    request: async (requests, delaySeconds) => {
      const dueAt = this.now + delaySeconds * 1_000;
      this.queue.push(...requests.map((request) => this.#message(request, dueAt)));
    },
    delaySeconds: REFRESH_DELAY_SECONDS,
    clock: () => this.now,
  });

  constructor(
    engine: TestEngine,
    tables: {
      readonly telemetry: string;
      readonly user_scores: string;
      readonly score_grants: string;
      readonly registry: string;
    },
    wire = new Wire(),
  ) {
    super(engine, tables.telemetry, wire);
    this.scoresTable = tables.user_scores;
    this.grantsTable = tables.score_grants;
    this.registryTable = tables.registry;
  }

  #grants() {
    return {
      ledger: dynamoGrantLedger(this.sending, this.grantsTable),
      lines: dynamoGrantLines(this.sending, this.grantsTable),
      rules: rulebook,
      reportConflict: () => {
        throw new Error('nothing here is granted twice');
      },
      randomToken: () => this.token(),
      ...this.chance,
      sha256,
    };
  }

  async #openStreams(): Promise<Source[]> {
    const call = awsCaller(this.engine.endpoint, this.engine.credentials.accessKeyId);
    const sources: Source[] = [];
    for (const TableName of [this.table, this.grantsTable, this.registryTable]) {
      const { Table } = await this.checking.send(new DescribeTableCommand({ TableName }));
      const streamArn = Table!.LatestStreamArn!;
      for (const { id } of await shardsOf(call, streamArn)) {
        const shard = { call, streamArn, shardId: id, startingPosition: 'TRIM_HORIZON', after: undefined } as const;
        const eventSourceARN = `arn:aws:dynamodb:us-east-1:000000000000:table/${TableName}/stream/now`;
        sources.push({ eventSourceARN, reader: shardReader(shard) });
      }
    }
    return sources;
  }

  /** Reads the new records of the stream, at the time of this world. */
  async readStream(): Promise<void> {
    const ApproximateCreationDateTime = Math.floor(this.now / 1_000);
    for (const { eventSourceARN, reader } of await (this.#readers ??= this.#openStreams())) {
      for (let found = await reader.next(1_000); found !== undefined && found.length > 0;) {
        const dated = found.map(({ dynamodb, ...record }) => ({
          ...record,
          eventSourceARN,
          dynamodb: { ...dynamodb, ApproximateCreationDateTime },
        }));
        this.records.push(...dated);
        found = await reader.next(1_000);
      }
    }
  }

  /** `announce-changes` on some of the records, in any order. Failed ones stay. */
  async announce(records: readonly SourcedRecord[]): Promise<void> {
    const handler = streamBatch({
      lateness: () => ({ read: async () => {}, failed: async () => {} }),
      read: (record) =>
        readStreamRecord(record, (change) => {
          if (change.table === this.grantsTable) return ledgerChange(change);
          return change.table === this.registryTable ? registryChange(change) : telemetryChange(change);
        }),
      wire: () => ({
        devices: this.store(this.sending),
        requestRefreshes: this.#requestLater,
      }),
      onChanges: announceRefreshes,
    });
    try {
      expect(await handler({ Records: records })).toEqual({ batchItemFailures: [] });
      this.records = this.records.filter((record) => !records.includes(record));
      this.handledRecords.push(...records);
    } catch (error) {
      if (!isInjected(error)) throw error; // the mapping delivers the batch again
    }
  }

  #message(request: object, dueAt = this.now): Message {
    this.#messages += 1;
    return { messageId: `message-${this.#messages}`, body: JSON.stringify(request), dueAt };
  }

  /** `refresh-score` on some messages whose delay is over, on a machine with a wrong clock. Failed ones stay. */
  async refresh(some: readonly Message[], clockOff = 0, client = this.sending): Promise<void> {
    const messages = some.filter(({ dueAt }) => dueAt <= this.now);
    if (messages.length === 0) return;
    const handler = sqsBatch({
      message: ScoreRefreshRequested,
      about: ({ username }) => username,
      parallel: 4,
      wire: () => ({
        telemetry: dynamoUserTelemetry(client, this.table),
        keepChunks: dynamoKeptChunks(client, this.table),
        registry: dynamoUserRegistry(client, this.registryTable),
        scores: dynamoScoreStore(client, this.scoresTable),
        grants: this.#grants(),
        clock: () => this.now + clockOff,
        ...this.chance,
        sha256,
        reportDateAhead: () => {},
      }),
      async onMessages(deps, about) {
        await refreshScore(deps, coalesce(about));
      },
    });
    // A message stays in the queue until it is deleted, so that it can be delivered twice at the same time.
    const { batchItemFailures } = await handler({ Records: messages });
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    const done = messages.filter(({ messageId }) => !failed.has(messageId));
    this.queue = this.queue.filter((message) => !done.includes(message));
    this.handledMessages.push(...done);
  }

  /** Refreshes as one announcement asks, until it succeeds. */
  async refreshFor(request: ScoreRefreshRequested, client = this.sending): Promise<void> {
    const message = this.#message(request);
    this.queue.push(message);
    for (let round = 0; this.queue.includes(message); round += 1) {
      if (round === MAX_ROUNDS) throw new Error(`not done after ${MAX_ROUNDS} rounds`);
      await this.refresh([message], 0, client);
    }
  }

  /** A refresh that is held before its nth request until `meanwhile` is done. */
  async refreshStandingStill(
    request: ScoreRefreshRequested,
    n: number,
    meanwhile: () => Promise<void>,
  ): Promise<boolean> {
    const client = this.client(new Wire());
    let requests = 0;
    client.middlewareStack.add(
      (next) => async (args) => {
        requests += 1;
        if (requests === n) await meanwhile();
        return next(args);
      },
      { step: 'initialize', priority: 'high' }, // before the wire, where it would make others wait
    );
    await this.refreshFor(request, client);
    return requests >= n;
  }

  /** Runs until nothing is left to announce or to refresh. */
  async drain(): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      await this.readStream();
      if (this.records.length === 0 && this.queue.length === 0) return;
      if (this.records.length > 0) await this.announce(this.records);
      if (this.queue.length === 0) continue;
      this.now = Math.max(this.now, Math.min(...this.queue.map(({ dueAt }) => dueAt)));
      await this.refresh(this.queue.filter(({ dueAt }) => dueAt <= this.now).slice(0, LARGEST_BATCH));
    }
    throw new Error(
      `not quiet after ${MAX_ROUNDS} rounds: ${this.records.length} records, ${this.queue.length} messages`,
    );
  }

  /** Every user's metrics and score must equal the model's fold from nothing, on the date of the score. */
  async checkScores(users = this.users()): Promise<void> {
    const items = await this.itemsOf(this.scoresTable);
    const [metrics, scores] = [countsIn(items), new Map(scoresIn(items).map((score) => [score.username, score]))];
    for (const username of users) {
      const expected = this.model.countsOf(username);
      const [counts, score] = [metrics.get(username), scores.get(username)];
      if (expected.devices === 0 && expected.lastHour === null) {
        expect({ counts, score }, username).toEqual({});
        continue;
      }
      const found = counts && { ...counts, events: tally(counts.events), outcomes: tally(counts.outcomes) };
      expect(found, username).toEqual(this.model.foldOf(username));
      const { date, canonicalScore, activityScore: activity } = score!;
      const points = activityOn(date, { events: expected.dated });
      expect({ canonicalScore, activity }, `${username} on ${date}`).toEqual({
        canonicalScore: points,
        activity: points,
      });
    }
  }

  /** No user's score may go back to an earlier date. */
  async checkDates(): Promise<void> {
    for (const { username, date } of scoresIn(await this.itemsOf(this.scoresTable))) {
      expect(date >= (this.#lastDates.get(username) ?? date), `${username} ${date}`).toBe(true);
      this.#lastDates.set(username, date);
    }
  }

  /** All facts and all scores, without the fields that every refresh changes. */
  async everything(): Promise<{ readonly facts: unknown; readonly scores: unknown }> {
    const lasting = async (role: string, table: string) => lastingIn(role, await this.itemsOf(table));
    return {
      facts: [await lasting('telemetry', this.table), await lasting('score_grants', this.grantsTable)],
      scores: await lasting('user_scores', this.scoresTable),
    };
  }
}

/** Picks some of the elements, in the order of the numbers. */
export function pick<Element>(from: readonly Element[], numbers: readonly number[]): readonly Element[] {
  const left = [...from];
  return numbers.flatMap((number) => (left.length === 0 ? [] : left.splice(number % left.length, 1)));
}

/** Clocks of two machines differ, and midnight may be between them. */
export const CLOCKS_OFF = [0, 0, -5 * MINUTE, -13 * 60 * MINUTE] as const;
