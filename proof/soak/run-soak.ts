import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { ConservationReport } from '../../domain/conservation/conservation-report.ts';
import { awsCaller } from '../../local/aws-client.ts';
import { settleAll } from '../../domain/shared/settle-all.ts';
import type { LocalDescription } from '../../local/local-description.ts';
import { Books } from './books.ts';
import { Client, type Traffic } from './client.ts';
import { Dice } from './dice.ts';
import { type Keys, Lane } from './lane.ts';
import { reconcile, type Reconciliation, type StackFigures } from './reconcile.ts';
import { startStackProcess, type StackProcess } from './stack-process.ts';

export type SoakOptions = {
  readonly seed: string;
  readonly durationMs: number;
  /** Requests a second. */
  readonly rate: number;
  readonly users: number;
  /** Senders at once. */
  readonly lanes: number;
  /** Between one crash and the next. */
  readonly crashEveryMs: number;
  /** How long an engine stays down, at most. */
  readonly longestDownMs: number;
  readonly progress?: (doneMs: number, requests: number) => void;
};

export const CRASHES = ['thread', 'database', 'thread', 'queues', 'thread', 'stack'] as const;
export type CrashKind = (typeof CRASHES)[number];

export type SoakReport = {
  readonly seed: string;
  readonly seconds: number;
  readonly traffic: Traffic;
  /** What was done, by name, how often. */
  readonly done: ReadonlyMap<string, number>;
  readonly crashes: ReadonlyMap<CrashKind, number>;
  readonly reconciliation: Reconciliation;
};

/** Functions that requests and their consequences run through. */
const CRASHED_FUNCTIONS = [
  'ingest-telemetry',
  'announce-changes',
  'refresh-score',
  'confirm-publish',
  'record-award',
  'roll-up-metrics',
  'read-api',
];
const QUIET_MS = 180_000;

/** Boots a stack, sends it traffic while it crashes, and reconciles every count once it is quiet again. */
export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  const { seed, durationMs, rate, users, lanes, progress = () => undefined } = options;
  const directory = mkdtempSync(join(tmpdir(), 'laurel-soak-'));
  const books = new Books();
  let stack = await startStackProcess(directory, 0);
  const port = Number(new URL(stack.description.baseUrl).port);
  const client = new Client(() => `http://127.0.0.1:${port}`);
  const crashes = new Map<CrashKind, number>();
  try {
    const usernames = Array.from({ length: users }, (_, index) => `soaker-${index}`);
    const keys = await makeKeys(client, stack.description.adminKey, usernames);
    const published: Parameters<typeof laneOf>[0]['published'] = [];
    const all = Array.from({ length: lanes }, (_, index) =>
      laneOf({
        index,
        seed,
        books,
        client,
        keys,
        published,
        usernames: usernames.filter((_name, at) => at % lanes === index),
      }),
    );

    const begun = Date.now();
    const isOver = () => Date.now() - begun >= durationMs;
    let slots = 0;
    /** Waits for the next of the slots that the rate allows; slots that nobody took are not made up for. */
    const slot = async () => {
      slots = Math.max(slots + 1, Math.floor(((Date.now() - begun) / 1_000) * rate));
      const wait = (slots / rate) * 1_000 - (Date.now() - begun);
      if (wait > 0) await sleep(wait);
    };
    const send = async (lane: Lane): Promise<void> => {
      while (!isOver()) {
        await slot();
        await lane.step();
        progress(Date.now() - begun, client.traffic.requests);
      }
    };
    const crash = async (): Promise<void> => {
      const dice = new Dice(`${seed}/crashes`);
      for (let number = 0; ; number += 1) {
        await sleep(options.crashEveryMs * (0.5 + dice.fraction()));
        if (isOver() && number >= CRASHES.length) return; // each kind at least once, however short it is
        const kind = CRASHES[number % CRASHES.length] ?? 'thread';
        await causeAlone(kind, dice);
      }
    };
    const cause = async (kind: CrashKind, dice: Dice): Promise<boolean> => {
      switch (kind) {
        case 'thread':
          return stack.ask({ kind: 'crash-thread', roles: [...dice.shuffled(CRASHED_FUNCTIONS)] });
        case 'database':
          return stack.ask({
            kind: 'crash-database',
            downMs: dice.between(options.longestDownMs / 2, options.longestDownMs),
          });
        case 'queues':
          return stack.ask({ kind: 'crash-queues', downMs: dice.between(0, options.longestDownMs) });
        case 'stack':
          await stack.kill();
          stack = await startAgain(directory, port);
          return true;
      }
    };
    let causing = Promise.resolve();
    /** One crash at a time: what is starting again cannot be killed yet. */
    const causeAlone = (kind: CrashKind, dice: Dice): Promise<void> => {
      causing = causing.then(async () => {
        if (await cause(kind, dice)) crashes.set(kind, (crashes.get(kind) ?? 0) + 1);
      });
      return causing;
    };
    /** While the last changes are still on their way: no later one makes up for what is lost of them. */
    const sendThenCrash = async (): Promise<void> => {
      await settleAll(all, all.length, send);
      await causeAlone('database', new Dice(`${seed}/last`));
    };
    const results = await Promise.allSettled([sendThenCrash(), crash()]);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;

    await stack.ask({ kind: 'drain', timeoutMs: QUIET_MS });
    const seconds = Math.round((Date.now() - begun) / 1_000);
    const figures = await figuresOf(stack);
    const reconciliation = await reconcile(books, client, figures);
    return { seed, seconds, traffic: client.traffic, done: books.done, crashes, reconciliation };
  } finally {
    await stack.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The killed stack's engine may hold its files and the port for another moment. */
async function startAgain(directory: string, port: number): Promise<StackProcess> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await startStackProcess(directory, port);
    } catch (error) {
      if (tries === 5) throw error;
      await sleep(200 * tries);
    }
  }
}

function laneOf(given: {
  readonly index: number;
  readonly seed: string;
  readonly books: Books;
  readonly client: Client;
  readonly keys: Keys;
  readonly usernames: readonly string[];
  readonly published: ConstructorParameters<typeof Lane>[0]['published'];
}): Lane {
  const { index, seed, books, usernames, ...rest } = given;
  const accounts = usernames.map((username) => books.open(username, [`${username}-laptop`, `${username}-desktop`]));
  return new Lane({ ...rest, name: `lane-${index}`, dice: new Dice(`${seed}/${index}`), books, accounts });
}

const Created = z.object({ key: z.string() });

async function makeKeys(client: Client, admin: string, usernames: readonly string[]): Promise<Keys> {
  const create = async (body: object) => {
    const answer = await client.send({ method: 'POST', path: '/v1/keys', key: admin, body });
    return Created.parse(answer.body).key;
  };
  const service = await create({ kind: 'service', label: 'soak' });
  const personal = new Map<string, string>();
  for (const username of usernames) personal.set(username, await create({ kind: 'personal', username }));
  return { admin, service, personal };
}

async function invoke(description: LocalDescription, role: string, event: object): Promise<unknown> {
  const name = description.functions[role];
  if (name === undefined) throw new Error(`There is no function ${role}`);
  const url = `${description.lambdaEndpoint}/2015-03-31/functions/${name}/invocations`;
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(event) });
  const body: unknown = await answer.json();
  if (answer.headers.has('x-amz-function-error')) throw new Error(`${role} failed: ${JSON.stringify(body)}`);
  return body;
}

const Depths = z.object({ Attributes: z.record(z.string(), z.coerce.number()) });
const DEPTHS = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'];
const WAITS_FOR_AN_OPERATOR = /-(?:dlq|failures)$/u;

async function figuresOf({ description }: StackProcess): Promise<StackFigures> {
  await invoke(description, 'roll-up-metrics', {}); // now, instead of a minute after the last change
  const conservation = ConservationReport.parse(
    await invoke(description, 'check-conservation', { sample: 'all', standingSeconds: 0 }),
  );
  const call = awsCaller(description.sqsEndpoint, 'operator');
  const leftOver = new Map<string, number>();
  for (const [role, QueueUrl] of Object.entries(description.queues)) {
    if (!WAITS_FOR_AN_OPERATOR.test(role)) continue;
    const answer = await call('AmazonSQS.GetQueueAttributes', { QueueUrl, AttributeNames: DEPTHS });
    leftOver.set(
      role,
      Object.values(Depths.parse(answer).Attributes).reduce((sum, each) => sum + each, 0),
    );
  }
  return { leftOver, conservation };
}
