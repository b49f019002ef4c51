import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { fractionOf, hashOf } from '../chance.ts';
import { Conductor } from './conductor.ts';
import type { Engine } from './engine.ts';
import { StaleReads } from '../stale-reads.ts';
import { control, faultOf, isKill, isWrite, sendWith, type Fault, type SeedPlan } from '../faults.ts';
import { Finding } from './finding.ts';
import type { Functions, Role } from './functions.ts';
import {
  current,
  nameOfTry,
  runAs,
  type Instance,
  type Invocation,
  type Operation,
  type SendBatch,
  type SentBatch,
  type Surroundings,
} from './invocation.ts';
import { Queue } from './queues.ts';
import { Stream } from './streams.ts';
import { QUEUES, type QueueName, type StreamedTable } from './steps.ts';

export type Outcome =
  | { readonly kind: 'answered'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'killed' };

/** Machines' clocks differ, by less than the margin in the code. */
const CLOCKS_OFF_MS = [0, 0, 0, 1_500, -1_500];
const COLD_STARTS = 0.15;
const STALE_READS = 0.2;
const MAX_SENDS = 3;

const Single = z.object({ TableName: z.string() });
const Batch = z.object({ RequestItems: z.record(z.string(), z.unknown()) });
const Action = z.object({ Put: Single, Update: Single, Delete: Single, ConditionCheck: Single }).partial();
const Transaction = z.object({ TransactItems: z.array(Action) });

function tablesOf({ command, input }: Operation): readonly string[] {
  if (command.startsWith('Batch')) return Object.keys(Batch.parse(input).RequestItems);
  if (!command.startsWith('Transact')) return [Single.parse(input).TableName];
  const actions = Transaction.parse(input).TransactItems;
  return actions.flatMap(({ Put, Update, Delete }) => [Put, Update, Delete].flatMap((each) => each?.TableName ?? []));
}

const never = (): Promise<never> => Promise.withResolvers<never>().promise;

/**
 * The deployed functions on one engine, with the queues and streams between them. Each of their requests waits until it
 * is released, and gets the faults of the plan.
 */
export class Simulation {
  readonly engine: Engine;
  readonly conductor = new Conductor();
  readonly queues: ReadonlyMap<QueueName, Queue> = new Map(QUEUES.map((name) => [name, new Queue(name)]));
  readonly streams: ReadonlyMap<StreamedTable, Stream>;
  /** The deployed functions. An invocation that runs ends in the code in which it began. */
  #functions: Functions;
  readonly #plan: SeedPlan;
  readonly #idle = new Map<Role, Instance[]>();
  readonly #running = new Map<Invocation, () => void>();
  readonly #surroundings: Surroundings;
  readonly #trace = createHash('sha256');
  readonly #reads = new StaleReads((states) => this.#stateOf(states));
  #reading = '';
  /** The released requests, line by line, if requested. */
  readonly lines: string[] | undefined;
  /** The faults of tries, by the name of the try. */
  readonly faults = new Map<string, Fault>();
  /** Called after a change of a table, before any other code runs. */
  readonly #onWrite: (tables: readonly string[]) => Promise<void>;
  now: number;
  #tokens = 0;

  constructor(options: {
    readonly engine: Engine;
    readonly functions: Functions;
    readonly plan: SeedPlan;
    readonly startsAt: number;
    readonly streams: readonly StreamedTable[];
    readonly onWrite: (tables: readonly string[]) => Promise<void>;
    readonly isTold: boolean;
  }) {
    this.engine = options.engine;
    this.#functions = options.functions;
    this.#plan = options.plan;
    this.#onWrite = options.onWrite;
    this.now = options.startsAt;
    this.lines = options.isTold ? [] : undefined;
    this.streams = new Map(options.streams.map((role) => [role, new Stream(options.engine.table(role))]));
    this.#surroundings = {
      dynamodb: options.engine.client,
      now: () => this.now,
      token: (bytes) => {
        this.#tokens += 1;
        return hashOf(`token ${this.#tokens}`).toString(36).padStart(7, '0').repeat(bytes).slice(0, bytes);
      },
      pause: () => this.#pause(),
      sendBatch: (input) => this.#sendBatch(current(), input),
      countMessages: (queueUrl) => this.#countMessages(current(), queueUrl),
    };
    ways.set(this.#surroundings, this);
  }

  /** Invokes a function on a new machine. `isSpared`: it gets no faults. */
  async invoke(
    role: Role,
    event: unknown,
    name: string,
    options: { readonly isSpared: boolean; readonly context?: object },
  ): Promise<Outcome> {
    const instance = this.#machineFor(role, name);
    const invocation: Invocation = {
      name,
      role,
      instance,
      surroundings: this.#surroundings,
      isSpared: options.isSpared,
      operations: 0,
      open: new Set(),
      isKilled: false,
    };
    const killed = Promise.withResolvers<Outcome>();
    this.#running.set(invocation, () => killed.resolve({ kind: 'killed' }));
    const [functions, handler] = [this.#functions, this.#functions.get(role)];
    const ended = runAs(invocation, async () => handler?.(event, options.context)).then(
      (value): Outcome => ({ kind: 'answered', value }),
      (error: unknown): Outcome => ({ kind: 'threw', error }),
    );
    const outcome = await Promise.race([ended, killed.promise]);
    this.#running.delete(invocation);
    this.tell(`${name} ${role} ${outcome.kind}`);
    if (outcome.kind === 'killed') return outcome;
    if (invocation.open.size > 0) {
      const open = [...invocation.open].map(({ command }) => command).join(', ');
      throw new Finding('doctrine', [`${role} answered while requests of it were under way: ${open}`]);
    }
    if (functions === this.#functions) this.#idle.set(role, [...(this.#idle.get(role) ?? []), instance]);
    return outcome;
  }

  /** Replaces all functions. Machines of the ones before take no new invocations. */
  deploy(functions: Functions): void {
    this.#functions = functions;
    this.#idle.clear();
  }

  #machineFor(role: Role, name: string): Instance {
    const idle = this.#idle.get(role) ?? [];
    const isCold = fractionOf(`${this.#plan.seed} cold ${name}`) < COLD_STARTS;
    const warm = isCold ? undefined : idle.shift();
    if (warm !== undefined) return warm;
    const off = hashOf(`${this.#plan.seed} clock ${name}`) % CLOCKS_OFF_MS.length;
    return { name, clockOffMs: CLOCKS_OFF_MS[off] ?? 0 };
  }

  /** Ends running invocations as a timeout does: all, or those of some roles. */
  killAll(): void {
    for (const invocation of [...this.#running.keys()]) this.#kill(invocation);
  }

  #kill(invocation: Invocation): void {
    this.conductor.kill(invocation);
    this.#running.get(invocation)?.();
  }

  isRunning(): boolean {
    return this.#running.size > 0;
  }

  tell(line: string): void {
    this.#trace.update(`${line}\n`);
    this.lines?.push(line);
  }

  /** A hash of everything that happened, in order. */
  traceHash(): string {
    return this.#trace.copy().digest('hex').slice(0, 16);
  }

  /** One try of a request, inside the SDK's retry loop. `send` passes it to the engine. */
  async attempt<Output>(operation: Operation, send: () => Promise<Output>, unprocessed: () => Output): Promise<Output> {
    await this.conductor.turn(operation);
    const name = nameOfTry(operation);
    const { command, input, invocation } = operation;
    const fault = invocation.isSpared ? undefined : faultOf(this.#plan, { name, command, input });
    if (fault !== undefined) this.faults.set(name, fault);
    const sendAndNote = () => this.#sendAndNote(operation, send);
    try {
      if (fault === undefined) {
        const output = await sendAndNote();
        if (invocation.role === 'ingest-telemetry' && !invocation.isSpared) this.#makeStale(operation, name, output);
        this.tell(`${name} ${command}`);
        return output;
      }
      if (fault !== 'unprocessed') return await sendWith(fault, { name, command, input }, sendAndNote);
      this.tell(`${name} ${command} ${fault}`);
      return unprocessed();
    } catch (error) {
      this.tell(`${name} ${command} ${fault ?? (error instanceof Error ? error.name : '')}`);
      if (fault === undefined || !isKill(fault)) throw error;
      this.#kill(invocation);
      this.conductor.passed();
      return await never();
    } finally {
      this.conductor.passed();
    }
  }

  /** Ingest decides from what was stored before. The other reads of functions are strongly consistent, or of an index. */
  #makeStale(operation: Operation, name: string, output: unknown): void {
    if (!tablesOf(operation).every((table) => table === this.engine.table('telemetry'))) return;
    this.#reading = name;
    this.#reads.change(operation.command, operation.input, output);
  }

  #stateOf(states: number): number {
    const isStale = fractionOf(`${this.#plan.seed} stale ${this.#reading}`) < STALE_READS;
    return isStale ? hashOf(`${this.#plan.seed} state ${this.#reading} ${states}`) % states : 0;
  }

  async #sendAndNote<Output>(operation: Operation, send: () => Promise<Output>): Promise<Output> {
    const output = await send();
    if (isWrite(operation.command)) await this.noteWrites(tablesOf(operation));
    return output;
  }

  /** Reads the new records of the streams. */
  async noteWrites(tables: readonly string[]): Promise<void> {
    const distinct = [...new Set(tables)];
    for (const table of distinct) this.engine.noteWrite(table);
    for (const stream of this.streams.values()) {
      if (distinct.includes(stream.table)) stream.add(await this.engine.newRecords(stream.table), this.now);
    }
    await this.#onWrite(distinct);
  }

  async #pause(): Promise<void> {
    const operation = this.conductor.begin(current(), 'pause', {});
    await this.conductor.turn(operation);
    this.conductor.passed();
    this.conductor.end(operation);
  }

  async #countMessages(invocation: Invocation, queueUrl: string) {
    const operation = this.conductor.begin(invocation, 'GetQueueAttributesCommand', {});
    const count = async () => {
      const { waiting = [] } = this.queues.get(queueOfUrl(queueUrl)) ?? {};
      const delayed = waiting.filter(({ dueAt }) => dueAt > this.now).length;
      const [visible, later] = [String(waiting.length - delayed), String(delayed)];
      return { Attributes: { ApproximateNumberOfMessages: visible, ApproximateNumberOfMessagesDelayed: later } };
    };
    try {
      return await this.attempt(operation, count, () => ({ Attributes: {} }));
    } finally {
      this.conductor.end(operation);
    }
  }

  async #sendBatch(invocation: Invocation, input: SendBatch): Promise<SentBatch> {
    const operation = this.conductor.begin(invocation, 'SendMessageBatchCommand', input);
    const send = async (entries: SendBatch['Entries']): Promise<SentBatch> => {
      const queue = this.queues.get(queueOfUrl(input.QueueUrl));
      for (const { MessageBody, DelaySeconds = 0 } of entries) {
        queue?.send(MessageBody, { now: this.now, delayMs: DelaySeconds * 1_000 });
      }
      const Failed = input.Entries.filter((entry) => !entries.includes(entry));
      return { Failed: Failed.map(({ Id }) => ({ Id, Code: 'InternalError' })) };
    };
    try {
      for (let sends = 1; ; sends += 1) {
        try {
          const output = await this.attempt(
            operation,
            () => send(input.Entries),
            () => ({ Failed: [] }),
          );
          return output;
        } catch (error) {
          const fault = this.faults.get(nameOfTry(operation));
          if (fault === 'failed entries') return await send(input.Entries.filter((_, index) => index % 2 === 1));
          const isRepeated = error instanceof Error && /^(?:Timeout|Throttling)/u.test(error.name);
          if (!isRepeated || sends === MAX_SENDS) throw error;
        }
      }
    } finally {
      this.conductor.end(operation);
    }
  }
}

const QueueOfUrl = z.enum(QUEUES);
const queueOfUrl = (url: string): QueueName => QueueOfUrl.parse(url.split('/').at(-1));

/** The simulation of an invocation. The client is shared by all simulations. */
const ways = new WeakMap<Surroundings, Simulation>();
const simulationOf = ({ surroundings }: Invocation): Simulation => {
  const simulation = ways.get(surroundings);
  if (simulation === undefined) throw new Error('an invocation of no simulation');
  return simulation;
};

/** Puts all requests of the client under the control of the simulation whose invocation sends them. */
export const conduct = (client: DynamoDBClient): DynamoDBClient =>
  control<Operation>(client, {
    begin: (command, input) => simulationOf(current()).conductor.begin(current(), command, input),
    attempt: (operation, send, unprocessed) => simulationOf(operation.invocation).attempt(operation, send, unprocessed),
    end: (operation) => simulationOf(operation.invocation).conductor.end(operation),
  });
