import '../support/silent-logs.ts';
import { expect } from 'vitest';
import { hourAnnouncer, ROLL_UP_DELAY_SECONDS } from '../../domain/change-feed/announce-hours.ts';
import type { CommittedChange } from '../../domain/change-feed/committed-change.ts';
import { grantPoints } from '../../domain/grants/grant-points.ts';
import { grantOf } from '../../domain/grants/grant.ts';
import { RollUpRequested } from '../../domain/messages/roll-up.message.ts';
import { rollUpDay } from '../../domain/metrics/roll-up.ts';
import { rulebook } from '../../domain/rules/current-rules.ts';
import { dateOfHour, isoOf } from '../../domain/shared/utc.ts';
import { ledgerChange } from '../../functions/adapters/dynamodb/change-feed/ledger-changes.ts';
import { dynamoGrantLedger } from '../../functions/adapters/dynamodb/grants/grant-ledger.ts';
import { dynamoRollUp } from '../../functions/adapters/dynamodb/metrics/roll-up.ts';
import { dynamoRollupReader } from '../../functions/adapters/dynamodb/metrics/rollup-reader.ts';
import { readStreamRecord } from '../../functions/adapters/dynamodb/change-feed/stream-record.ts';
import { telemetryChange } from '../../functions/adapters/dynamodb/change-feed/telemetry-changes.ts';
import { sqsBatch } from '../../functions/runtime/sqs-batch.ts';
import { streamBatch } from '../../functions/runtime/stream-batch.ts';
import { aUsername, sha256 } from '../builders/identity.ts';
import type { TestEngine } from '../support/engines.ts';
import { isInjected } from '../../proof/faults.ts';
import { communityMetrics } from '../../domain/metrics/catalog.ts';
import { countedIn, distinctIn, rowsByHour, totalsByDate } from '../../proof/model/metrics.ts';
import { rollupsIn } from '../../proof/model/stored.ts';
import { Wire } from '../../proof/wire.ts';
import { RefreshWorld } from './refresh-world.ts';

const MAX_ROUNDS = 100;
const CLOCKS_OFF_MS = 2_000;
const LOOK_MS = 1_000;

type Message = { readonly messageId: string; readonly body: string; readonly dueAt: number };
type Tables = Awaited<ReturnType<TestEngine['createTables']>>;

/** Telemetry and grants, the streams of their changes, the delayed queue of hours, and the roll-ups. */
export class MetricsWorld extends RefreshWorld {
  readonly #tables: Tables;
  readonly #awards: { readonly grantId: string; readonly grantedAt: string; readonly amount: number }[] = [];
  readonly #announcers: ReturnType<typeof hourAnnouncer>[];
  #sent = 0;
  messages: Message[] = [];
  readonly handled: Message[] = [];

  constructor(engine: TestEngine, tables: Tables, wire = new Wire()) {
    super(engine, tables, wire);
    this.#tables = tables;
    // Each shard of a stream has its own announcer, and none knows the announcements of another one.
    this.#announcers = [0, 1].map(() =>
      hourAnnouncer({
        clock: () => this.now,
        requestRollUps: async (requests) => {
          for (const request of requests) this.#queue(request, ROLL_UP_DELAY_SECONDS);
        },
      }),
    );
  }

  #queue(request: RollUpRequested, delaySeconds: number): void {
    this.#sent += 1;
    const dueAt = this.now + delaySeconds * 1_000;
    this.messages.push({ messageId: `hour-${this.#sent}`, body: JSON.stringify(request), dueAt });
  }

  /** An award granted `ago` milliseconds ago, whenever it is written. */
  async award(awardId: string, points: number, ago: number): Promise<void> {
    const at = isoOf(this.now - ago);
    const order = {
      kind: 'award',
      awardId,
      points,
      username: aUsername('ada'),
      grantedBy: 'team',
      reason: 'r',
    } as const;
    const deps = {
      ledger: dynamoGrantLedger(this.checking, this.#tables.score_grants),
      rules: rulebook,
      reportConflict: () => {},
      randomToken: () => this.token(),
      ...this.chance,
      sha256,
    };
    await grantPoints(deps, [grantOf(order, at, rulebook)]);
    this.#awards.push({ grantId: `award:${awardId}`, grantedAt: at, amount: points });
  }

  /** `announce-changes` on some of the stream's records, separately for each shard. */
  async announceHours(records: readonly { readonly eventSourceARN: string }[], shard: number): Promise<void> {
    const handler = streamBatch({
      lateness: () => ({ read: async () => {}, failed: async () => {} }),
      read: (record) =>
        readStreamRecord(record, (change): CommittedChange['change'] | undefined =>
          change.table === this.#tables.score_grants ? ledgerChange(change) : telemetryChange(change),
        ),
      wire: () => this.#announcers[shard % this.#announcers.length]!,
      onChanges: (announce, changes) => announce(changes),
    });
    expect(await handler({ Records: records })).toEqual({ batchItemFailures: [] });
    this.records = this.records.filter((record) => !records.includes(record));
  }

  #deps(clockOff: number) {
    const { accounts, telemetry, registry, score_grants: grants, user_scores: scores } = this.#tables;
    const tables = { accounts, telemetry, registry, grants, scores, rollups: this.#tables.metric_rollup_hour };
    // A run takes as long as it looks at the clock: hours are put off, and folded later.
    let looked = 0;
    return dynamoRollUp(this.sending, tables, {
      clock: () => this.now + clockOff + LOOK_MS * looked++,
      requestLater: async (delaySeconds, request) => this.#queue(request, delaySeconds),
      ...this.chance,
      sha256,
    });
  }

  /** `roll-up-metrics` on some of the messages whose delay is over. Failed ones stay. */
  async rollUp(messages: readonly Message[], isFast = false): Promise<void> {
    const due = messages.filter(({ dueAt }) => dueAt <= this.now);
    const handler = sqsBatch({
      message: RollUpRequested,
      about: ({ hour }) => dateOfHour(hour),
      parallel: 2,
      wire: () => this.#deps(isFast ? CLOCKS_OFF_MS : 0),
      async onMessages(deps, about) {
        await rollUpDay(deps, dateOfHour(about[0].hour), about);
      },
    });
    const { batchItemFailures } = await handler({ Records: due });
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    const done = due.filter(({ messageId }) => !failed.has(messageId));
    this.messages = this.messages.filter((message) => !done.includes(message));
    this.handled.push(...done);
  }

  /** Rolls up a whole day, as a backfill does, until it is done. */
  async rollUpWhole(date: string): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      try {
        await rollUpDay(this.#deps(0), date, null);
        return;
      } catch (error) {
        if (!isInjected(error)) throw error;
      }
    }
    throw new Error(`not done after ${MAX_ROUNDS} rounds`);
  }

  /** Runs until every change is announced and every announcement is handled. */
  async drainHours(): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      await this.readStream();
      if (this.records.length === 0 && this.messages.length === 0) return;
      if (this.records.length > 0) await this.announceHours(this.records, round);
      this.now = Math.max(this.now, ...this.messages.map(({ dueAt }) => dueAt));
      await this.rollUp(this.messages);
    }
    throw new Error(`not quiet after ${MAX_ROUNDS} rounds`);
  }

  /** Call after `checkFacts`: every hour and day, and all days together, must equal a count of the model's facts. */
  async checkRollups(): Promise<void> {
    const table = this.#tables.metric_rollup_hour;
    const facts = { events: this.model.events(), devices: this.model.devices(), versions: [], pulls: [] };
    const counted = countedIn({ ...facts, lines: this.#awards }, communityMetrics);
    const stored = rollupsIn(await this.itemsOf(table));
    expect(stored.hours).toEqual(rowsByHour(counted));
    expect(stored.totals).toEqual(totalsByDate(counted));
    const dates = [...stored.totals.keys()].sort();
    const reader = dynamoRollupReader(this.checking, table, { random: () => 0.5, sleep: async () => {} });
    for (const metric of ['ACTIVE_DEVICE', 'ACTIVE_MEMBER'] as const) {
      const members = distinctIn(counted.filter(({ name }) => name === metric));
      expect(await reader.distinctOf(metric, dates[0] ?? '2026-01-01', dates.at(-1) ?? '2026-01-01')).toBe(members);
    }
  }
}
