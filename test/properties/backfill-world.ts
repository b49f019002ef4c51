import { BatchWriteItemCommand, DeleteItemCommand, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { readBackfillEvent } from '../../domain/backfill/backfill-event.ts';
import type { BackfillReport } from '../../domain/backfill/backfill-run.ts';
import { runBackfill, type BackfillDeps, type HasTime } from '../../domain/backfill/run-backfill.ts';
import { Username } from '../../domain/identity/username.ts';
import { rollUpDay } from '../../domain/metrics/roll-up.ts';
import { refoldHistory } from '../../domain/scoring/refold-history.ts';
import { refoldMetrics } from '../../domain/scoring/refold-metrics.ts';
import { computedByNow } from '../../domain/scoring/user-metrics.ts';
import { ScoreRefreshRequested } from '../../domain/messages/score-refresh.message.ts';
import { dynamoBackfillRuns } from '../../functions/adapters/dynamodb/backfill/backfill-runs.ts';
import { dynamoGrantLines } from '../../functions/adapters/dynamodb/grants/grant-lines.ts';
import { dynamoGrantLedger } from '../../functions/adapters/dynamodb/grants/grant-ledger.ts';
import { dynamoRollUp } from '../../functions/adapters/dynamodb/metrics/roll-up.ts';
import { dynamoScoreStore } from '../../functions/adapters/dynamodb/scoring/score-store.ts';
import { dynamoUserRegistry } from '../../functions/adapters/dynamodb/registry/user-registry.ts';
import { dynamoUsernameSources } from '../../functions/adapters/dynamodb/backfill/username-sources.ts';
import { toAccountItem } from '../../functions/adapters/dynamodb/identity/accounts.ts';
import { dynamoUserTelemetry } from '../../functions/adapters/dynamodb/telemetry/user-telemetry.ts';
import { aUsername, namesAsIds, sha256 } from '../builders/identity.ts';
import type { TestEngine } from '../support/engines.ts';
import { isInjected } from '../../proof/faults.ts';
import { Wire } from '../../proof/wire.ts';
import { RefreshWorld } from './refresh-world.ts';

type Tables = Awaited<ReturnType<TestEngine['createTables']>>;
const MAX_DELIVERIES = 200;

/** A new set of tables with a copy of all items. */
export async function copyOf(engine: TestEngine, tables: Tables): Promise<Tables> {
  const copies = await engine.createTables();
  const client = engine.client();
  for (const [role, table] of Object.entries(tables)) {
    const { Items = [] } = await client.send(new ScanCommand({ TableName: table, ConsistentRead: true }));
    for (let from = 0; from < Items.length; from += 25) {
      const puts = Items.slice(from, from + 25).map((Item) => ({ PutRequest: { Item } }));
      await client.send(new BatchWriteItemCommand({ RequestItems: { [copies[role as keyof Tables]]: puts } }));
    }
  }
  return copies;
}

export const always: HasTime = () => true;
export const never: HasTime = () => false;
/** A time limit of `pieces` pieces of work. */
export const timeFor = (pieces: number): HasTime => {
  let left = pieces;
  return () => (left -= 1) >= 0;
};

/**
 * A backfill beside all other work. Its messages are in a table, so that sending them is a request on the wire as well.
 */
export class BackfillWorld extends RefreshWorld {
  readonly #tables: Tables & { readonly messages: string };
  readonly failures: string[] = [];
  readonly stuck: string[] = [];
  #sent = 0;

  static async on(engine: TestEngine, given?: Tables, wire = new Wire()): Promise<BackfillWorld> {
    const tables = given ?? (await engine.createTables());
    const { backfill_runs: messages } = await engine.createTables(['backfill_runs']);
    return new BackfillWorld(engine, { ...tables, messages }, wire);
  }

  private constructor(engine: TestEngine, tables: Tables & { readonly messages: string }, wire: Wire) {
    super(engine, tables, wire);
    this.#tables = tables;
  }

  get tables(): Tables {
    return this.#tables;
  }

  /** The dependencies of a new function instance. Its requests use the wire. */
  deps(wire = this.wire): BackfillDeps {
    const client = this.client(wire);
    const {
      accounts,
      telemetry,
      registry,
      user_scores: scores,
      score_grants: grants,
      backfill_runs: runs,
    } = this.#tables;
    const randomToken = () => this.token();
    const clock = () => this.now;
    const refolding = {
      telemetry: dynamoUserTelemetry(client, telemetry),
      registry: dynamoUserRegistry(client, registry),
      scores: dynamoScoreStore(client, scores),
      balances: dynamoGrantLedger(client, grants),
      clock,
      ...this.chance,
      sha256,
    };
    const { accounts: named, metric_rollup_hour: rollups } = this.#tables;
    const rollUpTables = { accounts: named, telemetry, grants, registry, scores, rollups };
    const rollUp = dynamoRollUp(client, rollUpTables, { clock, ...this.chance, sha256 });
    const send = async (to: string, bodies: readonly object[]) => {
      const TableName = this.#tables.messages;
      for (const body of bodies) {
        this.#sent += 1;
        const sk = String(this.#sent).padStart(6, '0');
        await client.send(
          new PutItemCommand({ TableName, Item: marshall({ pk: to, sk, body: JSON.stringify(body) }) }),
        );
      }
    };
    return {
      runs: dynamoBackfillRuns(client, runs, { ...this.chance, randomToken }),
      sources: dynamoUsernameSources(client, { accounts, scores }, computedByNow(sha256)),
      refold: (account, options) => refoldMetrics(refolding, account, options),
      refoldHistory: (account, range) =>
        refoldHistory(
          { ...refolding, history: refolding.scores, lines: dynamoGrantLines(client, grants) },
          account,
          range,
        ),
      async rollUpDay(date) {
        await rollUpDay(rollUp, date, null);
      },
      requestRefreshes: (requests) => send('score-refresh', requests),
      continueLater: (continuation) => send('backfill', [continuation]),
      names: namesAsIds,
      reportFailure: (account) => this.failures.push(account),
      reportStuck: (runId) => this.stuck.push(runId),
      clock,
      randomToken,
    };
  }

  /** One invocation, by hand or by a message with the token. Throws for a refused event. */
  async invoke(event: object, hasTime: HasTime = always, given: { deps?: BackfillDeps; token?: string } = {}) {
    const request = readBackfillEvent(event);
    if (!request.ok) throw new Error(request.error.sentence);
    await this.#makeAccounts();
    const seed =
      given.token === undefined ? {} : { seed: { at: Date.parse('2026-08-21T12:00:00.000Z'), token: given.token } };
    const report = await runBackfill(given.deps ?? this.deps(), request.value, { hasTime, ...seed });
    if (!report.ok) throw new Error(report.error.sentence);
    return report.value;
  }

  /** An account is there before its facts, which this world stores without asking for names. */
  async #makeAccounts(): Promise<void> {
    const items = await Promise.all([this.#tables.telemetry, this.#tables.score_grants].map((t) => this.itemsOf(t)));
    const named = new Set(items.flat().flatMap(({ pk }) => /^USER#(.*)$/u.exec(String(pk))?.[1] ?? []));
    for (const name of named) {
      const account = toAccountItem({
        id: aUsername(name),
        username: Username.parse(name),
        formerNames: [],
        merged: [],
        revision: 1,
      });
      await this.checking.send(new PutItemCommand({ TableName: this.#tables.accounts, Item: account }));
    }
  }

  /** The same, but it may die in the middle. */
  async invokeOrDie(...args: Parameters<BackfillWorld['invoke']>): Promise<BackfillReport | undefined> {
    try {
      return await this.invoke(...args);
    } catch (error) {
      if (!isInjected(error)) throw error;
      return undefined;
    }
  }

  async #messagesTo(queue: string): Promise<{ readonly sk: string; readonly body: any }[]> {
    return (await this.itemsOf(this.#tables.messages))
      .filter(({ pk }) => pk === queue)
      .map(({ sk, body }) => ({ sk: String(sk), body: JSON.parse(body) }));
  }

  async continuations() {
    return (await this.#messagesTo('backfill')).map(({ body }) => body);
  }

  /** The usernames of all enqueued refreshes, with repeats. */
  async enqueued(): Promise<string[]> {
    return (await this.#messagesTo('score-refresh')).map(({ body }) => body.username);
  }

  async refreshRequests() {
    return (await this.#messagesTo('score-refresh')).map(({ body }) => body);
  }

  /** Delivers every continuation from index `from` on, and those that they send, until none is left. */
  async deliverAll(hasTime: () => HasTime = () => always, from = 0): Promise<BackfillReport | undefined> {
    let last: BackfillReport | undefined;
    for (let delivered = from; ; delivered += 1) {
      if (delivered === MAX_DELIVERIES) throw new Error('it goes on and on');
      const message = (await this.continuations())[delivered];
      if (message === undefined) return last;
      last = await this.invoke(message, hasTime());
    }
  }

  /** Handles the refreshes that backfills enqueued, and all announcements. */
  async settle(): Promise<void> {
    for (const request of await this.refreshRequests()) await this.refreshFor(ScoreRefreshRequested.parse(request));
    await this.drain();
  }

  /** Sets a user's stored score to 0, if there is one. */
  async tamperIfStored(username: string): Promise<void> {
    const items = await this.itemsOf(this.#tables.user_scores);
    const isStored = items.some(({ pk, sk }) => pk === `USER#${username}` && sk === 'SCORE');
    if (isStored) await this.tamper(username, 'SCORE', () => ({ canonicalScore: 0, activityScore: 0 }));
  }

  async put(TableName: string, item: object): Promise<void> {
    await this.checking.send(new PutItemCommand({ TableName, Item: marshall(item) }));
  }

  async remove(TableName: string, key: { readonly pk: string; readonly sk: string }): Promise<void> {
    await this.checking.send(new DeleteItemCommand({ TableName, Key: marshall(key) }));
  }

  /** Changes a stored item of a user without an announcement. */
  async tamper(username: string, sk: 'METRICS' | 'SCORE', change: (item: Record<string, any>) => object | undefined) {
    const TableName = this.#tables.user_scores;
    const items = await this.itemsOf(TableName);
    const item = items.find((each) => each.pk === `USER#${username}` && each.sk === sk);
    if (item === undefined) throw new Error(`nothing is stored of ${username}`);
    await this.put(TableName, { ...item, ...change(item) });
  }
}
