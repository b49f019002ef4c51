import * as z from 'zod/mini';
import { AccountId } from './account.ts';

/**
 * Asks to remove what is stored of an erased account. Safe to deliver again at any time: what is gone stays gone, and an
 * account that was not erased is left alone.
 */
export const EraseRequested = z.object({
  account: AccountId,
  /** Where the job goes on; without it, it begins. */
  place: z.optional(
    z.object({
      /** It looks twice: what was under way when the account was erased may have stored something after the first look. */
      look: z.union([z.literal(1), z.literal(2)]),
      step: z.string(),
      /** What of the step is done, in its own words; empty at its beginning. */
      after: z.string(),
    }),
  ),
});
export type EraseRequested = z.infer<typeof EraseRequested>;
