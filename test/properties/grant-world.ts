import {
  type DynamoDBClient,
  ScanCommand,
  TransactGetItemsCommand,
  TransactionInProgressException,
} from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { expect } from 'vitest';
import type { GrantRequest } from '../../domain/grants/grant.ts';
import { grantPoints, type GrantDeps } from '../../domain/grants/grant-points.ts';
import { reverseGrant } from '../../domain/grants/reverse-grant.ts';
import { rulebook } from '../../domain/rules/current-rules.ts';
import { balanceKey } from '../../functions/adapters/dynamodb/grants/grant.items.ts';
import { dynamoGrantLedger } from '../../functions/adapters/dynamodb/grants/grant-ledger.ts';
import { aUsername, namesAsIds, sha256 } from '../builders/identity.ts';
import type { TestEngine } from '../support/engines.ts';
import { cancelled, isInjected, RETRY_AT_ONCE } from '../../proof/faults.ts';
import { LedgerModel, problemsOfBalances, type StoredLine } from '../../proof/model/ledger.ts';
import { ledgerIn } from '../../proof/model/stored.ts';
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
  readonly #model = new LedgerModel();
  /** Counts the beginnings and ends of requests. */
  #ticks = 0;
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
    const began = (this.#ticks += 1);
    for (let attempt = 1; attempt <= MAX_SENDS; attempt += 1) {
      const end = () => ({ began, ended: (this.#ticks += 1), isTriedOnce: attempt === 1 });
      try {
        if ('grants' in ask) {
          const outcomes = await grantPoints(this.deps(), ask.grants);
          for (const [index, { kind, line }] of outcomes.entries()) {
            const { grantId, username, amount: points } = ask.grants[index]!;
            const answer = ({ granted: 'given', duplicate: 'repeated', conflict: 'conflict' } as const)[kind];
            const said = { ...line, balance: line.balanceAfter };
            this.#model.asked({ ...end(), grantId, username, points, answer, said });
          }
        } else {
          const grantId = ask.reverse;
          const order = { grantId, reason: 'a mistake', grantedBy: 'team' };
          const reversed = await reverseGrant({ ...this.deps(), names: namesAsIds }, order);
          const answer = !reversed.ok ? 'unknown' : reversed.value.kind === 'granted' ? 'given' : 'repeated';
          this.#model.reversed({ ...end(), grantId, answer });
        }
        return;
      } catch (error) {
        if (!isInjected(error)) throw error; // 5xx: the sender retries
      }
    }
    throw new Error(`not answered after ${MAX_SENDS} sends`);
  }

  /** All lines and balances, as the model reads them. */
  async stored() {
    const { Items = [] } = await this.#checking.send(new ScanCommand({ TableName: this.#table, ConsistentRead: true }));
    return ledgerIn(Items.map((item) => unmarshall(item)));
  }

  /** I3 and I4, and that every answer has its line. Call without requests in flight. */
  async check(): Promise<void> {
    const { lines, balances } = await this.stored();
    expect([...problemsOfBalances(lines, balances), ...this.#model.settle(lines, new Set())]).toEqual([]);
  }

  /**
   * I3 while others write: the balance at any moment is the sum of the lines up to its seq. Lines are never removed, so
   * they may be read after the balance.
   */
  async checkMeanwhile(username: string): Promise<void> {
    const Get = { TableName: this.#table, Key: balanceKey(aUsername(username)) };
    const { Responses = [] } = await this.#checking.send(new TransactGetItemsCommand({ TransactItems: [{ Get }] }));
    const { balances } = ledgerIn(Responses.flatMap(({ Item }) => (Item === undefined ? [] : [unmarshall(Item)])));
    const isDue = (line: StoredLine) => line.username === username && line.seq <= (balances[0]?.seq ?? 0);
    expect(problemsOfBalances((await this.stored()).lines.filter(isDue), balances)).toEqual([]);
  }
}
