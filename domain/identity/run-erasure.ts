import type { AccountId } from './account.ts';
import type { EraseRequested } from './erase.message.ts';
import type { Username } from './username.ts';

/** What a step removes: an erased account, and the names that it had; no names once they are removed everywhere. */
export type Erasing = { readonly account: AccountId; readonly names: readonly Username[] };

/**
 * A part of an erasure. `page` removes some of what it is about, and gives where it goes on; null at the end. Done again
 * from anywhere, it changes nothing that is done.
 */
export type ErasureStep = {
  readonly name: string;
  readonly page: (erasing: Erasing, after: string) => Promise<string | null>;
};

export type ErasureDeps = {
  /** Undefined if the account was not erased. Strongly consistent. */
  readonly find: (account: AccountId) => Promise<Erasing | undefined>;
  readonly steps: readonly ErasureStep[];
  /** Forgets the names that an erased account had: they are removed everywhere. */
  readonly forgetNames: (account: AccountId) => Promise<void>;
  /** Queues the rest of the job, or throws. */
  readonly goOn: (request: EraseRequested, delaySeconds: number) => Promise<void>;
};

/**
 * Before the second look: no request, refresh or build that read something before the erasure runs for longer, and a
 * message waits no longer.
 */
const SECOND_LOOK_SECONDS = 15 * 60;

export type ErasureOutcome = 'not-erased' | 'goes-on' | 'looks-again' | 'done';

/**
 * Removes what is stored of an erased account, step by step, until it is done or time is up; then the rest is queued.
 * Killed at any point, its message comes again, and it goes on from the place in it.
 */
export async function runErasure(
  deps: ErasureDeps,
  { account, place }: EraseRequested,
  hasTime: () => boolean,
): Promise<ErasureOutcome> {
  const erasing = await deps.find(account);
  if (erasing === undefined) return 'not-erased';
  const look = place?.look ?? 1;
  const begun = deps.steps.findIndex(({ name }) => name === place?.step);
  let after = begun < 0 ? '' : (place?.after ?? '');
  for (const { name, page } of deps.steps.slice(Math.max(0, begun))) {
    for (let next: string | null = after; next !== null;) {
      if (!hasTime()) {
        await deps.goOn({ account, place: { look, step: name, after: next } }, 0);
        return 'goes-on';
      }
      next = await page(erasing, next);
    }
    after = '';
  }
  if (look === 2) return 'done';
  // Sent first: an erasure that is killed here looks twice at least.
  await deps.goOn({ account, place: { look: 2, step: '', after: '' } }, SECOND_LOOK_SECONDS);
  await deps.forgetNames(account);
  return 'looks-again';
}
