import {
  type DynamoDBClient,
  ScanCommand,
  TransactGetItemsCommand,
  TransactionInProgressException,
} from '@aws-sdk/client-dynamodb';
import { expect } from 'vitest';
import { auditOf } from '../../domain/grants/audit.ts';
import { applyLine, emptyBalance, type Balance } from '../../domain/grants/balance.ts';
import type { GrantOutcome } from '../../domain/grants/decide-grants.ts';
import { isSameGrant, type GrantLine, type GrantRequest } from '../../domain/grants/grant.ts';
import { grantPoints, type GrantDeps } from '../../domain/grants/grant-points.ts';
import { reverseGrant } from '../../domain/grants/reverse-grant.ts';
import { rulebook } from '../../domain/rules/current-rules.ts';
import { balanceKey, parseBalanceItem, parseGrantItem } from '../../functions/adapters/dynamodb/grants/grant.items.ts';
import { dynamoGrantLedger } from '../../functions/adapters/dynamodb/grants/grant-ledger.ts';
import { aUsername, sha256 } from '../builders/identity.ts';
import type { TestEngine } from '../support/engines.ts';
import { cancelled, isInjected, RETRY_AT_ONCE } from '../../proof/faults.ts';
import { Wire } from '../../proof/wire.ts';

/** A request: grants, or the reversal of one. */
export type Ask = { readonly grants: readonly GrantRequest[] } | { readonly reverse: string };

/**
 * The codes of a cancelled transaction, one per action, repeated as needed. `unfinished`: the SDK's second attempt
 * overtakes the first one, which then still writes.
 */
export type Cancellation = readonly string[] | 'unfinished';

const MAX_SENDS = 300;

/** The deployed ledger on a table of a real engine, without pauses. */
export class GrantWorld {
  readonly #engine: TestEngine;
  readonly #table: string;
  readonly #wire: Wire;
  readonly #sending: DynamoDBClient;
  readonly #checking: DynamoDBClient;
  #tokens = 0;
  /** How often each id was answered as granted. */
  readonly given = new Map<string, number>();
  /** The line in the answers for each id. */
  readonly #answered = new Map<string, GrantLine>();

  readonly #cancellations: (Cancellation | undefined)[];

  /** `cancellations` apply to the transactions in order. A cancelled transaction writes nothing. */
  constructor(
    engine: TestEngine,
    table: string,
    wire = new Wire(),
    cancellations: readonly (Cancellation | undefined)[] = [],
  ) {
    this.#engine = engine;
    this.#table = table;
    this.#wire = wire;
    this.#cancellations = [...cancellations];
    this.#sending = this.#client(wire);
    this.#cancelSome(this.#sending);
    this.#checking = this.#client(new Wire());
  }

  #client(wire: Wire): DynamoDBClient {
    return wire.attach(this.#engine.client({ retryStrategy: RETRY_AT_ONCE }));
  }

  #cancelSome(client: DynamoDBClient): void {
    client.middlewareStack.add(
      (next, context) => async (args) => {
        if (context.commandName !== 'TransactWriteItemsCommand') return next(args);
        const codes = this.#cancellations.shift();
        if (codes === undefined) return next(args);
        if (codes === 'unfinished') {
          await next(args).catch(() => undefined);
          throw new TransactionInProgressException({ message: 'injected', $metadata: {} });
        }
        throw cancelled(args.input, codes);
      },
      { step: 'initialize', name: 'cancellations', priority: 'low' },
    );
  }

  [Symbol.dispose](): void {
    this.#sending.destroy();
    this.#checking.destroy();
  }

  calls(): readonly string[] {
    return this.#wire.calls;
  }

  deps(): GrantDeps & { readonly clock: () => number } {
    return {
      ledger: dynamoGrantLedger(this.#sending, this.#table),
      rules: rulebook,
      reportConflict: () => {},
      randomToken: () => `token-${(this.#tokens += 1)}`,
      random: () => 0.5,
      sleep: async () => {},
      clock: () => Date.parse('2026-08-21T12:00:00.000Z'),
      sha256,
    };
  }

  /** Sends all requests at the same time, each until it is answered. */
  async send(...asks: readonly Ask[]): Promise<void> {
    await Promise.all(asks.map((ask) => this.#sendUntilAnswered(ask)));
  }

  async #sendUntilAnswered(ask: Ask): Promise<void> {
    for (let attempt = 1; attempt <= MAX_SENDS; attempt += 1) {
      try {
        if ('grants' in ask) {
          const outcomes = await grantPoints(this.deps(), ask.grants);
          for (const [index, outcome] of outcomes.entries()) this.#note(outcome, ask.grants[index]);
        } else {
          const order = { grantId: ask.reverse, reason: 'a mistake', grantedBy: 'team' };
          const reversed = await reverseGrant(this.deps(), order);
          if (reversed.ok) this.#note(reversed.value);
        }
        return;
      } catch (error) {
        if (!isInjected(error)) throw error; // 5xx: the sender retries
      }
    }
    throw new Error(`not answered after ${MAX_SENDS} sends`);
  }

  #note({ kind, line }: GrantOutcome, request?: GrantRequest): void {
    if (kind === 'granted') this.given.set(line.grantId, (this.given.get(line.grantId) ?? 0) + 1);
    // An answer must be true: a duplicate had the same content, a conflict did not, and all got the same line.
    if (request !== undefined) expect(isSameGrant(request, line)).toBe(kind !== 'conflict');
    expect(line).toEqual(this.#answered.get(line.grantId) ?? line);
    this.#answered.set(line.grantId, line);
  }

  /** A user's lines and balance in one transaction. A scan of the table finds the lines. */
  async #seen(username: string): Promise<{ readonly balance: Balance; readonly lines: readonly GrantLine[] }> {
    const all = await this.lines();
    const own = all.filter((line) => line.username === username);
    const Get = { TableName: this.#table, Key: balanceKey(aUsername(username)) };
    const { Responses = [] } = await this.#checking.send(new TransactGetItemsCommand({ TransactItems: [{ Get }] }));
    return { balance: parseBalanceItem(Responses[0]?.Item), lines: own.sort((a, b) => a.seq - b.seq) };
  }

  async lines(): Promise<GrantLine[]> {
    const { Items = [] } = await this.#checking.send(new ScanCommand({ TableName: this.#table, ConsistentRead: true }));
    return Items.filter(({ sk }) => sk?.S === 'GRANT').map((item) => parseGrantItem(item).line);
  }

  /** I3 and I4, and that every answer has its line. Call without requests in flight. */
  async check(
    users: readonly string[],
    { everyAnswerArrived }: { readonly everyAnswerArrived: boolean },
  ): Promise<void> {
    for (const username of users) {
      const { balance, lines } = await this.#seen(username);
      expect(balance, username).toEqual(lines.reduce(applyLine, emptyBalance));
      expect(auditOf(username, { balance, lines, faults: [] }, sha256).problems, username).toEqual([]);
    }
    const lines = await this.lines();
    expect(new Set(lines.map(({ grantId }) => grantId)).size).toBe(lines.length);
    const byId = new Map(lines.map((line) => [line.grantId, line]));
    for (const [grantId, line] of this.#answered) expect(byId.get(grantId)).toEqual(line);
    for (const times of this.given.values()) expect(times).toBe(1);
    if (everyAnswerArrived) expect([...this.given.keys()].sort()).toEqual([...byId.keys()].sort());
  }

  /**
   * I3 while others write: the balance at any moment is the sum of the lines up to its seq. Lines are never removed, so
   * they may be read after the balance.
   */
  async checkMeanwhile(username: string): Promise<void> {
    const Get = { TableName: this.#table, Key: balanceKey(aUsername(username)) };
    const { Responses = [] } = await this.#checking.send(new TransactGetItemsCommand({ TransactItems: [{ Get }] }));
    const balance = parseBalanceItem(Responses[0]?.Item);
    const lines = (await this.lines()).filter((line) => line.username === username && line.seq <= balance.seq);
    expect(balance).toEqual(lines.sort((a, b) => a.seq - b.seq).reduce(applyLine, emptyBalance));
  }
}
