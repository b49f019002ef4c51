import type { ScoreRefreshRequested } from '../messages/score-refresh.message.ts';
import type { Clock, RandomToken } from '../shared/environment.ts';
import type { Refresh } from './refresh-score.ts';
import type { ScoreStore, StoredUser } from './score-store.port.ts';

/** Who refreshes a user with many devices now, and until when (epoch milliseconds) the others leave it to them. */
export type Turn = { readonly by: string; readonly until: number };

/** A refresh of a user with more devices than this reads so much that it is done by one at a time. */
const FEW_DEVICES = 16;
/** A turn ends by itself if its holder was cut off. */
export const LONGEST_TURN_MS = 30_000;
/** Two machines' clocks differ. */
const MARGIN_MS = 5_000;
/** By then the next refresh has seen all that is announced now: changes count as seen after 5 seconds. */
export const PUT_OFF_SECONDS = 7;
/** After this many times it goes ahead without a turn: the revisions protect the data in any case. */
const MAX_PUT_OFFS = 5;

export type TurnTaker = {
  /**
   * `go`; `again`: the turn was just taken, so the guard is to be read again; `put-off`: another refresh of this user
   * has its turn.
   */
  take(guard: StoredUser, devices: number): Promise<'go' | 'again' | 'put-off'>;
  release(): Promise<void>;
};

/**
 * Lets refreshes of a user with many devices take turns. It saves work, no more: what is saved is held by the
 * revisions, also where a turn ran out or a clock was wrong.
 */
export function turnTaker(
  { scores, clock, randomToken }: { scores: Turns; clock: Clock; randomToken: RandomToken },
  { username, days, putOffs = 0 }: Pick<Refresh, 'username' | 'days' | 'putOffs'>,
): TurnTaker {
  const by = randomToken(9);
  const refused = () => (putOffs < MAX_PUT_OFFS ? 'put-off' : 'go');
  let isHeld = false;
  return {
    async take({ turn }, devices) {
      if (isHeld) return 'go';
      const now = clock();
      const isTaken = turn !== undefined && turn.until > now && turn.until <= now + LONGEST_TURN_MS + MARGIN_MS;
      if (isTaken) return refused();
      if (devices <= FEW_DEVICES || days?.length === 0) return 'go';
      isHeld = await scores.takeTurn(username, { by, until: now + LONGEST_TURN_MS }, turn);
      return isHeld ? 'again' : refused();
    },
    async release() {
      if (isHeld) await scores.endTurn(username, by);
    },
  };
}
type Turns = Pick<ScoreStore, 'takeTurn' | 'endTurn'>;

/** The message that asks again for a refresh that was put off. */
export const putOff = ({ username, days, putOffs = 0, ...asked }: Refresh): ScoreRefreshRequested => ({
  username,
  ...(days === null ? {} : { days: [...days] }),
  ...asked,
  putOffs: putOffs + 1,
});
