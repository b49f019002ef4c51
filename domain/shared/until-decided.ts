import type { Random, Sleep } from './environment.ts';

/** Each try that finds something changed means that another writer got through. */
const MAX_TRIES = 60;

/** Reads, decides and writes by `attempt` until it stands, starting again whenever another writer was faster. */
export async function untilDecided<Outcome>(
  { random, sleep }: { readonly random: Random; readonly sleep: Sleep },
  attempt: (isFirst: boolean) => Promise<Outcome | 'stale'>,
): Promise<Outcome> {
  for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
    const outcome = await attempt(tries === 1);
    if (outcome !== 'stale') return outcome;
    await sleep(random() * Math.min(200, 5 * tries));
  }
  throw new Error(`other writers came first ${MAX_TRIES} times`);
}
