import type { Clock } from '../shared/environment.ts';
import { isoOf } from '../shared/utc.ts';

/** Changes are usually read within two seconds. */
export const LATE_MS = 30_000;
/** A backlog is read in many batches a second, and one note covers them. */
const NOTED_AGAIN_MS = 10_000;

export type LateStreams = {
  /** Called before changes are announced, with the time at which the oldest was committed (epoch milliseconds). */
  read(committedAt: number): Promise<void>;
  /** Called if changes could not be announced: they come again later. */
  failed(): Promise<void>;
};

/**
 * Notes that changes are read late or cannot be announced: what was accepted may not be folded yet, so the consistency
 * check waits longer. A note that cannot be written holds up no announcement.
 */
export function lateStreams(deps: {
  readonly note: (lateAt: string) => Promise<void>;
  readonly reportFailure: (error: unknown) => void;
  readonly clock: Clock;
}): LateStreams {
  let notedAt = -Infinity;

  async function note(now: number): Promise<void> {
    if (now - notedAt < NOTED_AGAIN_MS) return;
    try {
      await deps.note(isoOf(now));
      notedAt = now;
    } catch (error) {
      deps.reportFailure(error);
    }
  }

  return {
    async read(committedAt) {
      const now = deps.clock();
      if (now - committedAt >= LATE_MS) await note(now);
    },
    failed: () => note(deps.clock()),
  };
}
