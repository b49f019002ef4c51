import { setTimeout as sleep } from 'node:timers/promises';
import { settleAll } from '../../domain/shared/settle-all.ts';
import { scratchDirectory } from '../../local/script.ts';
import { Acts, type Keys } from './steps.ts';
import { type Account, Books, type PublishedVersion } from './books.ts';
import { Client, type Traffic } from './client.ts';
import { type CrashCounts, Crashes, type CrashOptions } from './crashes.ts';
import { Chance } from '../chance.ts';
import { figuresOf, settle } from './figures.ts';
import { Lane } from './lane.ts';
import { reconcile, type Reconciliation } from './reconcile.ts';
import { startStackProcess } from './stack-process.ts';

export type SoakOptions = CrashOptions & {
  readonly seed: string;
  readonly durationMs: number;
  /** Requests per second. */
  readonly rate: number;
  /** The number of accounts that are used from beginning to end. Many more come and go. */
  readonly users: number;
  /** The number of concurrent senders. */
  readonly lanes: number;
  /** The visibility timeout: a message of a killed function is delivered again after it. */
  readonly visibilitySeconds: number;
  readonly progress?: (doneMs: number, requests: number) => void;
};

export type SoakReport = {
  readonly seed: string;
  readonly seconds: number;
  readonly users: number;
  readonly traffic: Traffic;
  /** How often each action was done. */
  readonly done: ReadonlyMap<string, number>;
  readonly crashes: CrashCounts;
  /** Redriven dead letters, by their queue. */
  readonly redriven: ReadonlyMap<string, number>;
  readonly reconciliation: Reconciliation;
};

const QUIET_MS = 180_000;

/** Starts a stack, sends traffic while it crashes, and reconciles every count when all work is done. */
export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  const { seed, durationMs, rate, users, lanes, visibilitySeconds, progress = () => undefined } = options;
  const { path: directory, remove } = scratchDirectory('soak');
  const books = new Books();
  const stack = await startStackProcess({ directory, port: 0, visibilitySeconds });
  const port = Number(new URL(stack.description.baseUrl).port);
  const client = new Client(() => `http://127.0.0.1:${port}`);
  const crashes = new Crashes(stack, () => startStackProcess({ directory, port, visibilitySeconds }), options);
  try {
    const accounts = Array.from({ length: users }, (_, index) =>
      books.open(`soaker-${index}`, [`soaker-${index}-laptop`, `soaker-${index}-desktop`]),
    );
    const keys = await makeKeys({ books, client, admin: stack.description.adminKey, accounts });
    const published: PublishedVersion[] = [];
    const all = Array.from({ length: lanes }, (_, index) => {
      const chance = new Chance(`${seed}/${index}`);
      const regulars = accounts.filter((_account, at) => at % lanes === index);
      return new Lane({ index, chance, books, client, keys, regulars, published, era: () => crashes.era });
    });

    const begun = Date.now();
    const isOver = () => Date.now() - begun >= durationMs;
    let slots = 0;
    /** Waits for the next slot of the rate. Unused slots are not made up for. */
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
      await lane.finish();
    };
    /** Crashes the stack while the last changes are in flight, so that no later change repairs a lost one. */
    const sendThenCrash = async (): Promise<void> => {
      await settleAll(all, all.length, send);
      await crashes.cause('database', new Chance(`${seed}/last`));
    };
    const results = await Promise.allSettled([
      sendThenCrash(),
      crashes.keepCrashing(new Chance(`${seed}/crashes`), isOver),
      crashes.keepDisturbing(new Chance(`${seed}/disturbing`), isOver),
    ]);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;

    const traffic = { ...client.traffic }; // without the reads of the reconciliation
    const redriven = await settle(crashes.stack, QUIET_MS);
    const seconds = Math.round((Date.now() - begun) / 1_000);
    const reconciliation = await reconcile(books, client, await figuresOf(crashes.stack));
    const { done } = books;
    return {
      seed,
      seconds,
      users: books.accounts.size,
      traffic,
      done,
      crashes: crashes.counts,
      redriven,
      reconciliation,
    };
  } finally {
    await crashes.stack.stop();
    remove();
  }
}

async function makeKeys(given: {
  readonly books: Books;
  readonly client: Client;
  readonly admin: string;
  readonly accounts: readonly Account[];
}): Promise<Keys> {
  const { accounts, admin, ...rest } = given;
  const personal = new Map<string, string>();
  const acts = new Acts({
    ...rest,
    name: 'start',
    chance: new Chance('start'),
    keys: { admin, service: '', personal },
  });
  acts.begin('key');
  await settleAll(accounts, 4, (account) => acts.createKey(account));
  return { admin, personal, service: await acts.createServiceKey() };
}
