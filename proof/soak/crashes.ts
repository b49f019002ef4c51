import { setTimeout as sleep } from 'node:timers/promises';
import type { Chance } from '../chance.ts';
import type { StackProcess } from './stack-process.ts';

export const CRASHES = ['thread', 'database', 'thread', 'queues', 'thread', 'stack'] as const;
export type CrashKind = (typeof CRASHES)[number] | 'refusal' | 'slowness';

/** How often each kind happened, by target. */
export type CrashCounts = ReadonlyMap<CrashKind, ReadonlyMap<string, number>>;

/** Functions that handle requests and their consequences. */
const CRASHED_FUNCTIONS = [
  'ingest-telemetry',
  'announce-changes',
  'refresh-score',
  'confirm-publish',
  'record-award',
  'roll-up-metrics',
  'read-api',
];
/**
 * As after a deployment that removed a permission: saves of scores fail at once, and their messages become dead
 * letters.
 */
const REFUSAL = {
  kind: 'refusal',
  roles: ['refresh-score'],
  disturbance: { error: 'AccessDeniedException', share: 0.5, longestDelayMs: 0 },
} as const;
/** As with a slow database: refreshes of one user overtake each other. */
const SLOWNESS = {
  kind: 'slowness',
  // no sender waits for them, so the traffic does not change
  roles: ['announce-changes', 'refresh-score', 'roll-up-metrics'],
  disturbance: { error: 'ProvisionedThroughputExceededException', share: 0.1, longestDelayMs: 600 },
} as const;

export type CrashOptions = {
  /** The pause between two crashes. */
  readonly crashEveryMs: number;
  /** The maximum time that an engine stays down. */
  readonly longestDownMs: number;
  /** How long the database refuses a function's calls at a time. It is slow for half of that time. */
  readonly refusedMs: number;
};

/** A stack with its intended faults. */
export class Crashes {
  #stack: StackProcess;
  /** Changes after each crash. */
  era = 0;
  readonly #counts = new Map<CrashKind, Map<string, number>>();
  readonly #start: () => Promise<StackProcess>;
  readonly #options: CrashOptions;
  #causing = Promise.resolve();

  constructor(stack: StackProcess, start: () => Promise<StackProcess>, options: CrashOptions) {
    this.#stack = stack;
    this.#start = start;
    this.#options = options;
  }

  /** The current stack. */
  get stack(): StackProcess {
    return this.#stack;
  }

  get counts(): CrashCounts {
    return this.#counts;
  }

  /** Causes each kind in turn, at least once, until the end. */
  async keepCrashing(chance: Chance, isOver: () => boolean): Promise<void> {
    for (let number = 0; ; number += 1) {
      await sleep(this.#options.crashEveryMs * (0.5 + chance.next()));
      if (isOver() && number >= CRASHES.length) return;
      await this.cause(CRASHES[number % CRASHES.length] ?? 'thread', chance);
    }
  }

  /**
   * Beside the crashes: refuses many calls of the function that saves scores for long, then slows all stream consumers.
   */
  async keepDisturbing(chance: Chance, isOver: () => boolean): Promise<void> {
    for (let number = 0; ; number += 1) {
      await sleep(this.#options.crashEveryMs * (0.5 + chance.next()));
      if (isOver() && number >= 2) return;
      const { kind, roles, disturbance } = number % 2 === 0 ? REFUSAL : SLOWNESS;
      const forMs = kind === 'refusal' ? this.#options.refusedMs : this.#options.refusedMs / 2;
      const what = await this.#stack.ask({ kind: 'disturb', roles: [...roles], forMs, disturbance });
      if (what !== undefined) this.#count(kind, what);
      this.era += 1;
    }
  }

  /** One crash at a time, because a stack that is starting cannot be killed yet. */
  cause(kind: (typeof CRASHES)[number], chance: Chance): Promise<void> {
    this.#causing = this.#causing.then(async () => {
      const what = await this.#cause(kind, chance);
      if (what !== undefined) this.#count(kind, what);
      this.era += 1;
    });
    return this.#causing;
  }

  async #cause(kind: (typeof CRASHES)[number], chance: Chance): Promise<string | undefined> {
    const { longestDownMs } = this.#options;
    switch (kind) {
      case 'thread':
        return this.#stack.ask({ kind: 'crash-thread', roles: [...chance.shuffled(CRASHED_FUNCTIONS)] });
      case 'database':
        return this.#stack.ask({ kind: 'crash-database', downMs: chance.between(longestDownMs / 2, longestDownMs) });
      case 'queues':
        return this.#stack.ask({ kind: 'crash-queues', downMs: chance.between(longestDownMs / 4, longestDownMs) });
      case 'stack':
        await this.#stack.kill();
        this.#stack = await startAgain(this.#start);
        return 'stack';
    }
  }

  #count(kind: CrashKind, what: string): void {
    const counts = this.#counts.get(kind) ?? new Map<string, number>();
    this.#counts.set(kind, counts.set(what, (counts.get(what) ?? 0) + 1));
  }
}

/** The killed stack's engine may hold its files and port a moment longer. */
async function startAgain(start: () => Promise<StackProcess>): Promise<StackProcess> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await start();
    } catch (error) {
      if (tries === 5) throw error;
      await sleep(200 * tries);
    }
  }
}
