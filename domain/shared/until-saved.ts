import type { Random, Sleep } from './environment.ts';

const MAX_ATTEMPTS = 10;
const FIRST_PAUSE_MS = 25;

/** Tries again, from its guard on, what another save came before. Throws after a bounded number of times. */
export async function untilSaved<Outcome>(
  { random, sleep }: { readonly random: Random; readonly sleep: Sleep },
  what: string,
  attemptOnce: () => Promise<Outcome | 'stale'>,
): Promise<Outcome> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    if (attempt > 0) await sleep(random() * FIRST_PAUSE_MS * 2 ** attempt);
    const outcome = await attemptOnce();
    if (outcome !== 'stale') return outcome;
  }
  throw new Error(`${what}: other runs came first ${MAX_ATTEMPTS} times`);
}
