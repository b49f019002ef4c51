import type { Clock, Random, Sleep } from './environment.ts';

/** What happens between two tries: a pause, or an error that ends them. */
export type Policy = { readonly beforeNext: (tries: number) => Promise<void> };

/**
 * Reads, decides and writes by `attempt` until the decision is saved. It starts again whenever another writer came
 * first, as `policy` allows.
 */
export async function untilSaved<Outcome>(
  policy: Policy,
  attempt: (isFirst: boolean) => Promise<Outcome | 'stale'>,
): Promise<Outcome> {
  for (let tries = 1; ; tries += 1) {
    const outcome = await attempt(tries === 1);
    if (outcome !== 'stale') return outcome;
    await policy.beforeNext(tries);
  }
}

type Pauses = { readonly random: Random; readonly sleep: Sleep };

/** `pauseMs` gives the longest pause after a number of tries. */
const atMost = (
  maxTries: number,
  what: string,
  { random, sleep }: Pauses,
  pauseMs: (tries: number) => number,
): Policy => ({
  async beforeNext(tries) {
    if (tries === maxTries) throw new Error(`${what}: other writers came first ${maxTries} times`);
    await sleep(random() * pauseMs(tries));
  },
});

/** For a worker: its message comes again, so it gives up soon. */
export const asWorker = (deps: Pauses, what: string): Policy => atMost(10, what, deps, (tries) => 25 * 2 ** tries);

/** For an item that many requests write at once. Each failed try means that another of them got through. */
export const amongMany = (deps: Pauses, what: string): Policy =>
  atMost(60, what, deps, (tries) => Math.min(200, 5 * tries));

/** For an item that hardly anybody writes: the next try begins at once. */
export const withoutPause = (what: string): Policy =>
  atMost(20, what, { random: () => 0, sleep: () => Promise.resolve() }, () => 0);

/** Other writers, or the work itself, took all the time of a request. The same request again goes on. */
export class Busy extends Error {
  override readonly name = 'Busy';
}

const MAX_TRIES_OF_A_REQUEST = 60;
/** A function of the API ends after ten seconds. Its caller gets an answer before. */
const MAX_MS_OF_A_REQUEST = 7_000;
const MAX_PAUSE_MS = 1_000;

/**
 * For a request with large transactions: it throws `Busy` rather than begin a try that there may be no time for. The
 * pause grows with the time that a try takes, because of two transactions that overlap both lose their work.
 */
export function withinRequest({ clock, random, sleep }: Pauses & { readonly clock: Clock }): Policy & {
  /** Whether there is no time left for work of this many milliseconds. */
  readonly isTimeUp: (milliseconds: number) => boolean;
} {
  let started = clock();
  const end = started + MAX_MS_OF_A_REQUEST;
  const isTimeUp = (milliseconds: number) => clock() + milliseconds > end;
  return {
    isTimeUp,
    async beforeNext(tries) {
      const took = clock() - started;
      if (tries === MAX_TRIES_OF_A_REQUEST || isTimeUp(2 * took))
        throw new Busy(`other requests came first ${tries} times`);
      await sleep(random() * Math.min(MAX_PAUSE_MS, Math.max(5, took) * tries));
      started = clock();
    },
  };
}
