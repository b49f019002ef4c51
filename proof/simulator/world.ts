import * as z from 'zod';
import { note, requestOf, type Answered, type Models } from './requests.ts';
import { fractionOf, hashOf, inOrderOf } from '../chance.ts';
import { accountPuts, FIRST_MEMBERS, credentialPuts, LINKABLE } from './credentials.ts';
import type { Engine } from './engine.ts';
import { isDone, isWrite } from '../faults.ts';
import { expectNone, Finding } from './finding.ts';
import type { Deployments, Role, Rules } from './functions.ts';
import { nameOfTry, type Operation } from './invocation.ts';
import { BoardsModel } from '../model/boards.ts';
import { LedgerModel, problemsOfBalances } from '../model/ledger.ts';
import { RegistryModel } from '../model/registry.ts';
import { TelemetryModel } from '../model/telemetry.ts';
import type { Message } from './queues.ts';
import { Simulation } from './simulation.ts';
import {
  isWork,
  streamsOf,
  type Act,
  type Ask,
  type QueueName,
  type Schedule,
  type Step,
  type StreamedTable,
} from './steps.ts';
import { ledgerIn, STRAY } from '../model/stored.ts';
import { USERS } from './insertions.ts';
import type { Change } from './streams.ts';

const HOUR = 3_600_000;
const LARGEST_BATCH = 100;
const MAX_TRIES = 12;
/** The number of tries of a request that may get faults. */
const UNSPARED_TRIES = 4;
const MAX_STREAM_TRIES = 5;
const LONGEST_HOLD = 8;
/** Writes are held more often, because their earlier reads are outdated after the wait. */
const WRITES_ARE_HELD = 4;
/** A roll-up has about fifty reads before its one write. */
const READS_OF_ROLLUPS = 0.05;

function weightOf(operation: Operation): number {
  if (isWrite(operation.command)) return WRITES_ARE_HELD;
  return operation.invocation.role === 'roll-up-metrics' ? READS_OF_ROLLUPS : 1;
}

const Failures = z.object({ batchItemFailures: z.array(z.object({ itemIdentifier: z.string() })) });
const HttpAnswer = z.object({ statusCode: z.number(), body: z.string() });

const WORKERS: Readonly<Record<QueueName, Role>> = {
  'score-refresh': 'refresh-score',
  'roll-up': 'roll-up-metrics',
  rank: 'rank-leaderboards',
  backfill: 'backfill',
  erase: 'erase-accounts',
};

const WORKING: ReadonlySet<string> = new Set(Object.values(WORKERS));

/**
 * The world of one schedule: the effects of clients, streams, queues and time on the functions, with the models beside
 * them.
 */
export class World {
  readonly simulation: Simulation;
  readonly models: Models;
  readonly schedule: Schedule;
  readonly #seed: string;
  #held: { readonly name: string; readonly until: number } | undefined;
  /** Tries that were considered for holding, and not held. */
  readonly #seen = new Set<string>();
  #step = 0;
  #asking = 0;
  #running = 0;
  #failure: { readonly error: unknown } | undefined;
  /** Users whose projections were deleted, and that no backfill has restored for certain. */
  readonly forgotten = new Set<string>();
  /** The numbers of unreadable messages by queue, and of unreadable items. Each must end where an operator looks. */
  readonly poisoned = new Map<QueueName, number>();
  strays = 0;
  /** True after the faults: running work must come to its end. */
  isSpared = false;
  readonly #deployments: Deployments;
  /** The rules in force, and whether others were. */
  rules: Rules = '1';
  hasDeployed = false;

  private constructor(schedule: Schedule, simulation: Simulation, deployments: Deployments) {
    this.#deployments = deployments;
    this.schedule = schedule;
    this.#seed = String(schedule.seed);
    this.simulation = simulation;
    const registry = new RegistryModel(FIRST_MEMBERS);
    this.models = { telemetry: new TelemetryModel(), ledger: new LedgerModel(), registry, boards: new BoardsModel() };
  }

  static async on(
    engine: Engine,
    deployments: Deployments,
    schedule: Schedule,
    { isTold }: { readonly isTold: boolean },
  ): Promise<World> {
    await engine.clear();
    await engine.write('credentials', credentialPuts(schedule.startsAt));
    await engine.write('accounts', accountPuts([...USERS, LINKABLE.username]));
    const plan = { seed: String(schedule.seed), rate: schedule.faultRate, without: new Set(schedule.without) };
    const { startsAt } = schedule;
    const ledger = engine.table('score_grants');
    const onWrite = async (tables: readonly string[]) => {
      if (tables.includes(ledger)) {
        const { lines, balances } = ledgerIn(await engine.items('score_grants'));
        expectNone('I3', problemsOfBalances(lines, balances));
      }
    };
    const streams = streamsOf(schedule);
    const functions = await deployments('1');
    const simulation = new Simulation({ engine, functions, plan, startsAt, streams, onWrite, isTold });
    return new World(schedule, simulation, deployments);
  }

  /** Starts a step, and releases the number of requests that it names. */
  async take(step: Step): Promise<void> {
    await this.simulation.conductor.waiting();
    this.simulation.tell(`step ${step.number} ${step.act.kind}`);
    this.#step += 1;
    await this.#begin(step.act, `s${step.number}`);
    await this.advance(step.requests, (operation) => !this.#isHeld(operation));
  }

  /** No more steps follow, so nothing is held any more. */
  release(): void {
    this.#step = Infinity;
  }

  /** Releases requests until none waits, or until `most` are released. */
  async advance(most = Infinity, isOurs: (operation: Operation) => boolean = () => true): Promise<void> {
    for (let released = 0; released < most; released += 1) {
      const waiting = (await this.simulation.conductor.waiting()).filter(isOurs);
      if (this.#failure !== undefined) throw this.#failure.error;
      const next = this.#choose(waiting);
      if (next === undefined) return;
      await this.simulation.conductor.release(next);
    }
    await this.simulation.conductor.waiting();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Releases requests until this work is done. */
  async finish<Value>(work: Promise<Value>): Promise<Value> {
    const state = { isOver: false };
    const over = () => (state.isOver = true);
    work.then(over, over);
    do await this.advance();
    while (!state.isOver);
    return work;
  }

  isQuiet(): boolean {
    return this.#running === 0;
  }

  /** The position of each try in the order is independent of the other tries. */
  #choose(waiting: readonly Operation[]): Operation | undefined {
    let [best, least]: [Operation | undefined, number] = [undefined, Infinity];
    for (const operation of waiting) {
      const place = fractionOf(`${this.#seed} turn ${nameOfTry(operation)}`);
      if (place < least) [best, least] = [operation, place];
    }
    return best;
  }

  /**
   * True if an invocation is held at this try, for some steps from the first one that sees it there. At most one is
   * held, because others must do the work that it waits for.
   */
  #isHeld(operation: Operation): boolean {
    const name = nameOfTry(operation);
    if (this.#held?.name === name) {
      if (this.#step < this.#held.until) return true;
      this.#held = undefined;
      return false;
    }
    const isSkipped = this.schedule.holdsWorkers && !WORKING.has(operation.invocation.role);
    if (isSkipped || this.#held !== undefined || this.#seen.has(name)) return false;
    this.#seen.add(name);
    const rate = this.schedule.holdRate * weightOf(operation);
    if (fractionOf(`${this.#seed} hold ${name}`) >= rate) return false;
    this.#held = { name, until: this.#step + 2 + (hashOf(`${this.#seed} steps ${name}`) % LONGEST_HOLD) };
    return true;
  }

  async #begin(act: Act, name: string): Promise<void> {
    const { simulation } = this;
    if (!isWork(act)) {
      this.#run(() => this.ask(act, name));
      return;
    }
    switch (act.kind) {
      case 'announce':
        this.announce(act.table, name);
        return;
      case 'deliver':
        this.deliver(act.queue, name);
        return;
      case 'drain':
        for (const table of streamsOf(this.schedule)) this.announce(table, `${name}.${table}`, true);
        await this.advance(Infinity, (operation) => !this.#isHeld(operation));
        simulation.now += act.seconds * 1_000;
        this.deliver(act.queue, name, true);
        return;
      case 'backfill':
        this.#run(() => this.#backfill(act.event, name));
        return;
      case 'scheduled':
        simulation.queues.get('backfill')?.send(JSON.stringify(act.event), { now: simulation.now });
        return;
      case 'deploy':
        simulation.deploy(await this.#deployments(act.rules));
        this.rules = act.rules;
        this.hasDeployed = true;
        simulation.queues.get('backfill')?.send(JSON.stringify({ mode: 'stale' }), { now: simulation.now });
        return;
      case 'wait':
        simulation.now += act.seconds * 1_000;
        return;
      case 'jump':
        // No request runs longer than its function's timeout: clients have their answers by then, and other running
        // invocations are killed.
        await this.advance(Infinity, ({ invocation }) => this.#asking > 0 && invocation.name.includes('.ask'));
        simulation.killAll();
        await simulation.conductor.waiting();
        simulation.now += act.hours * HOUR;
        return;
      case 'forget':
        return this.#forget(act.username);
      case 'poison': {
        const body = hashOf(name) % 2 === 0 ? 'not JSON' : '{"username":5,"mode":"no such","changedBefore":5}';
        this.poisoned.set(act.queue, (this.poisoned.get(act.queue) ?? 0) + 1);
        simulation.queues.get(act.queue)?.send(body, { now: simulation.now, isPoison: true });
        return;
      }
      case 'stray': {
        const Item = { pk: { S: `${STRAY}${name}` }, sk: { S: 'by hand' } };
        this.strays += 1;
        await simulation.engine.write('telemetry', [{ PutRequest: { Item } }]);
        return simulation.noteWrites([simulation.engine.table('telemetry')]);
      }
      case 'redrive':
        simulation.queues.get(act.queue)?.redrive(simulation.now);
        return;
    }
  }

  /** Starts work that runs beside everything else. */
  #run(work: () => Promise<void>): void {
    this.#running += 1;
    work()
      .catch((error: unknown) => (this.#failure ??= { error }))
      .finally(() => (this.#running -= 1));
  }

  async #forget(username: string): Promise<void> {
    const pk = { S: `USER#${username}` };
    const deletes = ['METRICS', 'SCORE'].map((sk) => ({ DeleteRequest: { Key: { pk, sk: { S: sk } } } }));
    await this.simulation.engine.write('user_scores', deletes);
    this.forgotten.add(username);
  }

  async ask(ask: Ask, name: string): Promise<void> {
    const { conductor } = this.simulation;
    const [began, from] = [conductor.time, this.simulation.now];
    this.#asking += 1;
    const { role, event } = requestOf(ask);
    for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
      const isSpared = this.isSpared || tries > UNSPARED_TRIES;
      const outcome = await this.simulation.invoke(role, event, `${name}.ask${tries}`, { isSpared });
      const answer = outcome.kind === 'answered' ? HttpAnswer.parse(outcome.value) : undefined;
      if (answer === undefined || answer.statusCode >= 500) continue; // the client retries
      this.#asking -= 1;
      const { statusCode: status, body: text } = answer;
      const body: unknown = text === '' ? undefined : JSON.parse(text);
      const answered: Answered = {
        status,
        body,
        began,
        from,
        ended: conductor.time,
        to: this.simulation.now,
        request: name,
        isTriedOnce: tries === 1,
        mayBeLost: [...this.simulation.faults].some(([of, fault]) => of.startsWith(`${name}.ask`) && isDone(fault)),
      };
      this.simulation.tell(`${name} answered ${status}`);
      note(ask, answered, this.models);
      return;
    }
    throw new Finding('liveness', [`${ask.kind} was not answered in ${MAX_TRIES} tries`]);
  }

  async #backfill(event: object, name: string): Promise<void> {
    for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
      const isSpared = this.isSpared || tries > UNSPARED_TRIES;
      const context = this.#contextOf(`${name}.hand${tries}`);
      const outcome = await this.simulation.invoke('backfill', event, `${name}.hand${tries}`, { isSpared, context });
      if (outcome.kind === 'answered') return;
    }
    throw new Finding('liveness', [`a backfill was not answered in ${MAX_TRIES} tries`]);
  }

  /** The invocation's time is up after some pieces of work, or never. */
  #contextOf(name: string) {
    const pieces = this.isSpared ? 1_000 : [2, 6, 20, 1_000][hashOf(`${this.#seed} time ${name}`) % 4];
    let left = pieces ?? 1_000;
    return { getRemainingTimeInMillis: () => ((left -= 1) > 0 ? 300_000 : 0) };
  }

  /** Announces some of the records in any order: records of different shards are not ordered. */
  announce(table: StreamedTable, name: string, isAll = false): void {
    const stream = this.simulation.streams.get(table);
    if (stream === undefined) return;
    const weary = stream.waiting.filter(({ tries }) => tries >= 2).slice(0, 1);
    const changes = weary.length > 0 ? weary : this.#some(stream.waiting, name, isAll, ({ number }) => number);
    if (changes.length === 0) return;
    stream.waiting = stream.waiting.filter((change) => !changes.includes(change));
    this.#run(async () => {
      const event = { Records: changes.map(({ record }) => record) };
      const outcome = await this.simulation.invoke('announce-changes', event, `${name}.announce`, {
        isSpared: this.isSpared,
      });
      const failed = outcome.kind === 'answered' ? firstFailed(changes, outcome.value) : 0;
      const again = this.#isTwice(name) ? changes : changes.slice(failed);
      for (const change of again.filter((each) => changes.indexOf(each) >= failed)) change.tries += 1;
      const given = again.filter(({ tries }) => tries > MAX_STREAM_TRIES);
      stream.givenUp.push(...given);
      stream.waiting.push(...again.filter((change) => !given.includes(change)));
    });
  }

  /** Delivers some of the due messages, in any order. */
  deliver(queueName: QueueName, name: string, isAll = false): void {
    const queue = this.simulation.queues.get(queueName);
    if (queue === undefined) throw new Error(`there is no queue ${queueName}`);
    const due = queue.waiting.filter(({ dueAt }) => dueAt <= this.simulation.now);
    const messages = this.#some(due, name, isAll, ({ id }) => id).slice(
      0,
      queueName === 'backfill' ? 1 : LARGEST_BATCH,
    );
    if (messages.length === 0) return;
    queue.receive(messages);
    this.#run(async () => {
      const failed = await this.handle(queueName, messages, name);
      queue.giveBack(this.#isTwice(name) ? messages : failed);
    });
  }

  /** Passes messages to their function, and returns the failed ones. */
  async handle(queue: QueueName, messages: readonly Message[], name: string): Promise<readonly Message[]> {
    const Records = messages.map(({ id, body, sentAt }) => {
      return { messageId: id, body, attributes: { SentTimestamp: String(sentAt) } };
    });
    const full = `${name}.${queue}`;
    const options = { isSpared: this.isSpared, context: this.#contextOf(full) };
    const outcome = await this.simulation.invoke(WORKERS[queue], { Records }, full, options);
    if (outcome.kind !== 'answered') return messages;
    const failed = new Set(Failures.parse(outcome.value).batchItemFailures.map((each) => each.itemIdentifier));
    return messages.filter(({ id }) => failed.has(id));
  }

  /** Some handled messages are delivered a second time. */
  #isTwice(name: string): boolean {
    return !this.isSpared && fractionOf(`${this.#seed} twice ${name}`) < this.schedule.faultRate;
  }

  #some<Item>(
    items: readonly Item[],
    name: string,
    isAll: boolean,
    idOf: (item: Item) => string | number,
  ): readonly Item[] {
    const placed = inOrderOf(items, (item) => fractionOf(`${this.#seed} some ${name} ${idOf(item)}`));
    const shares = [1, 1, 0.5, 0];
    const share = isAll ? 1 : (shares[hashOf(`${this.#seed} share ${name}`) % shares.length] ?? 1);
    return placed.slice(0, Math.max(1, Math.ceil(items.length * share)));
  }
}

/** The position of the first record reported as failed, or after the last one if none was. */
function firstFailed(changes: readonly Change[], answer: unknown): number {
  const [first] = Failures.parse(answer).batchItemFailures;
  if (first === undefined) return changes.length;
  return changes.findIndex(({ record }) => record.dynamodb.SequenceNumber === first.itemIdentifier);
}
