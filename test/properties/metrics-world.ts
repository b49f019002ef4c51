import '../support/silent-logs.ts';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect } from 'vitest';
import { hourAnnouncer, ROLL_UP_DELAY_SECONDS } from '../../domain/change-feed/announce-hours.ts';
import type { CommittedChange } from '../../domain/change-feed/committed-change.ts';
import { grantPoints } from '../../domain/grants/grant-points.ts';
import { grantOf } from '../../domain/grants/grant.ts';
import { RollUpRequested } from '../../domain/messages/roll-up.message.ts';
import { rollUpDay } from '../../domain/metrics/roll-up.ts';
import { rulebook } from '../../domain/rules/current-rules.ts';
import { dateOfHour, hourOf, isoOf } from '../../domain/shared/utc.ts';
import { grantChange } from '../../functions/adapters/dynamodb/change-feed/grant-changes.ts';
import { dynamoGrantLedger } from '../../functions/adapters/dynamodb/grants/grant-ledger.ts';
import { dynamoRollUp } from '../../functions/adapters/dynamodb/metrics/roll-up.ts';
import { dynamoRollupReader } from '../../functions/adapters/dynamodb/metrics/rollup-reader.ts';
import { dynamoRollupStore } from '../../functions/adapters/dynamodb/metrics/rollup-store.ts';
import { readStreamRecord } from '../../functions/adapters/dynamodb/change-feed/stream-record.ts';
import { telemetryChange } from '../../functions/adapters/dynamodb/change-feed/telemetry-changes.ts';
import { sqsBatch } from '../../functions/runtime/sqs-batch.ts';
import { streamBatch } from '../../functions/runtime/stream-batch.ts';
import { aUsername, sha256 } from '../builders/identity.ts';
import type { TestEngine } from '../support/engines.ts';
import { isInjected } from '../../proof/faults.ts';
import { Wire } from '../../proof/wire.ts';
import { RefreshWorld } from './refresh-world.ts';
import { refusalOf } from './telemetry-model.ts';
import type { Request } from './telemetry-world.ts';

const MAX_ROUNDS = 100;
const CLOCKS_OFF_MS = 2_000;

type Message = { readonly messageId: string; readonly body: string; readonly dueAt: number };
type Tables = Awaited<ReturnType<TestEngine['createTables']>>;

/** Telemetry and grants, the streams of their changes, the delayed queue of hours, and the roll-ups. */
export class MetricsWorld extends RefreshWorld {
  readonly #tables: Tables;
  readonly #rolling: DynamoDBClient;
  readonly #plain: DynamoDBClient;
  readonly #firstSeen = new Map<string, string>();
  readonly #awards: { readonly hour: string; readonly points: number }[] = [];
  readonly #announcers: ReturnType<typeof hourAnnouncer>[];
  #sent = 0;
  messages: Message[] = [];
  readonly handled: Message[] = [];

  constructor(engine: TestEngine, tables: Tables, wire = new Wire()) {
    super(engine, tables, wire);
    this.#tables = tables;
    this.#rolling = this.client();
    this.#plain = this.client(new Wire());
    // Each shard of a stream has its own announcer, and none knows the announcements of another one.
    this.#announcers = [0, 1].map(() =>
      hourAnnouncer({
        clock: () => this.now,
        requestRollUps: async (requests) => {
          const dueAt = this.now + ROLL_UP_DELAY_SECONDS * 1_000;
          this.messages.push(
            ...requests.map((request) => {
              this.#sent += 1;
              return { messageId: `hour-${this.#sent}`, body: JSON.stringify(request), dueAt };
            }),
          );
        },
      }),
    );
  }

  override [Symbol.dispose](): void {
    super[Symbol.dispose]();
    this.#rolling.destroy();
    this.#plain.destroy();
  }

  override async send(...wave: readonly Request[]): Promise<void> {
    for (const event of wave.flatMap(({ events }) => events)) {
      const isNew = refusalOf(event, this.now) === undefined && !this.#firstSeen.has(event.distinct_id);
      if (isNew) this.#firstSeen.set(event.distinct_id, hourOf(this.now));
    }
    await super.send(...wave);
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
      ledger: dynamoGrantLedger(this.#plain, this.#tables.score_grants),
      rules: rulebook,
      reportConflict: () => {},
      randomToken: () => this.token(),
      ...this.chance,
      sha256,
    };
    await grantPoints(deps, [grantOf(order, at, rulebook)]);
    this.#awards.push({ hour: at.slice(0, 13), points });
  }

  /** `announce-changes` on some of the stream's records, separately for each shard. */
  async announceHours(records: readonly { readonly eventSourceARN: string }[], shard: number): Promise<void> {
    const handler = streamBatch({
      lateness: () => ({ read: async () => {}, failed: async () => {} }),
      read: (record) =>
        readStreamRecord(record, (change): CommittedChange['change'] | undefined =>
          change.table === this.#tables.score_grants ? grantChange(change) : telemetryChange(change),
        ),
      wire: () => this.#announcers[shard % this.#announcers.length]!,
      onChanges: (announce, changes) => announce(changes),
    });
    expect(await handler({ Records: records })).toEqual({ batchItemFailures: [] });
    this.records = this.records.filter((record) => !records.includes(record));
  }

  #deps(clockOff: number) {
    const { telemetry, registry, score_grants: grants, user_scores: scores } = this.#tables;
    const tables = { telemetry, registry, grants, scores, rollups: this.#tables.metric_rollup_hour };
    return dynamoRollUp(this.#rolling, tables, { clock: () => this.now + clockOff, ...this.chance, sha256 });
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

  /** Call after `checkFacts`: every hour and day, and all days together, must equal a count of the model's events. */
  async checkRollups(): Promise<void> {
    const expected = this.#bruteForce();
    const store = dynamoRollupStore(this.#plain, this.#tables.metric_rollup_hour);
    const reader = dynamoRollupReader(this.#plain, this.#tables.metric_rollup_hour);
    const dates = [...new Set(expected.map(({ hour }) => dateOfHour(hour)))].sort();
    for (const date of dates) {
      const { day } = await store.load(date);
      const hours = [...day.series.values()].flatMap(({ series: { metric, scope, key1 }, hours: slots }) =>
        [...slots].map(([hour, { eventCount, valueSum }]) => {
          const name = [metric, ...(scope === 'community' ? [] : [key1])].join(' ');
          return `${date}T${String(hour).padStart(2, '0')} ${name} ${eventCount} ${valueSum}`;
        }),
      );
      const ofDate = expected.filter(({ hour }) => dateOfHour(hour) === date);
      expect(hours.sort(), `hours of ${date}`).toEqual(rowsOf(ofDate, ({ hour }) => hour));
      const [stored] = await reader.totalsOf(date, date);
      const totals = [...stored!.totals].map(
        ([name, { eventCount, valueSum }]) => `${date} ${name} ${eventCount} ${valueSum}`,
      );
      const ofCommunity = ofDate.filter(({ name }) => !name.includes(' '));
      expect(totals.sort(), `totals of ${date}`).toEqual(rowsOf(ofCommunity, () => date));
    }
    for (const metric of ['ACTIVE_DEVICE', 'ACTIVE_MEMBER'] as const) {
      const members = new Set(expected.filter(({ name }) => name === metric).map(({ member }) => member));
      expect(await reader.distinctOf(metric, dates[0] ?? '2026-01-01', dates.at(-1) ?? '2026-01-01')).toBe(
        members.size,
      );
    }
    const allTotals = await reader.totalsOf('0000-00-00', '9999-12-31');
    expect(allTotals.filter(({ totals }) => totals.size > 0).map(({ date }) => date)).toEqual(dates);
  }

  /** One entry per counted item. A member counts once in an hour or a day. */
  #bruteForce(): Counted[] {
    const copies = this.model.copies();
    const standing = [...Map.groupBy(copies, ({ identity }) => identity).values()].map((same) => {
      const keyed = same.filter(({ sender }) => sender !== null);
      return (keyed.length > 0 ? keyed : same).reduce((a, b) => (b.device < a.device ? b : a));
    });
    const hourAt = (identity: string) => identity.slice(0, 13);
    return [
      ...standing.flatMap(({ identity, kind }) => {
        const [event, command] = kind.split(' ');
        const names = event === 'cli_invocation' ? ['CLI_INVOCATION', `CLI_INVOCATION ${command}`] : [];
        return names.map((name) => ({ hour: hourAt(identity), name, points: 0 }));
      }),
      ...copies.map(({ identity, device }) => {
        return { hour: hourAt(identity), name: 'ACTIVE_DEVICE', points: 0, member: device };
      }),
      ...standing.flatMap(({ identity, sender }) =>
        sender === null ? [] : [{ hour: hourAt(identity), name: 'ACTIVE_MEMBER', points: 0, member: sender }],
      ),
      ...[...this.#firstSeen.values()].map((hour) => ({ hour, name: 'NEW_DEVICE', points: 0 })),
      ...this.#awards.flatMap(({ hour, points }) =>
        ['AWARD_GRANTED', 'POINTS_GRANTED'].map((name) => ({ hour, name, points })),
      ),
    ];
  }
}

type Counted = { readonly hour: string; readonly name: string; readonly points: number; readonly member?: string };

/** `<period> <metric> <count> <sum>` */
function rowsOf(counted: readonly Counted[], periodOf: (one: Counted) => string): string[] {
  const groups = Map.groupBy(counted, (one) => `${periodOf(one)} ${one.name}`);
  return [...groups]
    .map(([key, group]) => {
      const members = new Set(group.flatMap(({ member }) => member ?? []));
      const count = members.size > 0 ? members.size : group.length;
      return `${key} ${count} ${group.reduce((sum, { points }) => sum + points, 0)}`;
    })
    .sort();
}
