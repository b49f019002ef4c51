import type { Clock, Random, Sleep } from './environment.ts';

/** Each try that finds something changed means that another writer got through. */
const MAX_TRIES = 60;
/** A function of the API is ended after ten seconds: whoever asked is answered before. */
const MAX_MS = 7_000;
const MAX_PAUSE_MS = 1_000;

/** Other writers, or the work itself, took all the time of a request. The same request again goes on. */
export class Busy extends Error {
  override readonly name = 'Busy';
}

export type Attempt = {
  readonly isFirst: boolean;
  /** Whether there is no time left for what takes so many milliseconds. */
  readonly isTimeUp: (milliseconds: number) => boolean;
};

/**
 * Reads, decides and writes by `attempt` until it stands, starting again whenever another writer was faster. Throws `Busy`
 * rather than begin a try that there may be no time for.
 *
 * The pause grows with the time that a try takes: of large transactions, two that overlap cost both their work.
 */
export async function untilDecided<Outcome>(
  { clock, random, sleep }: { readonly clock: Clock; readonly random: Random; readonly sleep: Sleep },
  attempt: (attempt: Attempt) => Promise<Outcome | 'stale'>,
): Promise<Outcome> {
  const end = clock() + MAX_MS;
  const isTimeUp = (milliseconds: number) => clock() + milliseconds > end;
  for (let tries = 1; ; tries += 1) {
    const started = clock();
    const outcome = await attempt({ isFirst: tries === 1, isTimeUp });
    if (outcome !== 'stale') return outcome;
    const took = clock() - started;
    if (tries === MAX_TRIES || isTimeUp(2 * took)) throw new Busy(`other requests came first ${tries} times`);
    await sleep(random() * Math.min(MAX_PAUSE_MS, Math.max(5, took) * tries));
  }
}
