import type { RankRequested } from '../messages/rank.message.ts';
import type { Clock } from '../shared/environment.ts';
import { delayedAnnouncer } from './announce-later.ts';
import type { CommittedChange } from './committed-change.ts';

export type AnnounceBoardsDeps = {
  /** Queues every request so that none is handled before `RANK_DELAY_SECONDS` are over, or throws. */
  readonly requestRanks: (requests: readonly RankRequested[]) => Promise<void>;
  readonly clock: Clock;
};

/** The boards are built once a minute while scores change, not once a score. */
export const RANK_DELAY_SECONDS = 60;

/** Makes the function that announces all boards together: one reading of the scores is enough for all of them. */
export function boardAnnouncer({ requestRanks, clock }: AnnounceBoardsDeps) {
  const announce = delayedAnnouncer<'boards'>({
    request: (_boards, changedBefore) => requestRanks([{ changedBefore }]),
    delaySeconds: RANK_DELAY_SECONDS,
    clock,
  });
  return (changes: readonly CommittedChange[]): Promise<void> =>
    announce(changes.some(({ change }) => change.kind === 'standing-changed') ? ['boards'] : []);
}
