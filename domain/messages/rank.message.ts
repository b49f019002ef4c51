import * as z from 'zod/mini';

/** The announcement that scores changed: "build the boards again". Safe to deliver again at any time. */
export const RankRequested = z.object({
  /**
   * Every change that this announces was committed before, ISO 8601. A build that began later has seen them all, so the
   * message is then done. Without it, the boards are built in any case.
   */
  changedBefore: z.optional(z.iso.datetime()),
});
export type RankRequested = z.infer<typeof RankRequested>;
