import { settleAll } from '../shared/settle-all.ts';
import { isoOf } from '../shared/utc.ts';
import { BOARDS } from './board.ts';
import { buildBoards, type BuildDeps, type BuiltBoard } from './build-boards.ts';
import type { RankRequested } from '../messages/rank.message.ts';
import { latestCredible } from '../scoring/wrong-clock.ts';
import type { Snapshot } from './snapshot.ts';

export type RankDeps = BuildDeps & {
  /** Queues a request again with a delay in seconds, at most `LONGEST_DELAY_SECONDS`. */
  readonly requestLater: (delaySeconds: number, request: RankRequested) => Promise<void>;
};

/** What became of some requests. `done-since`: readers see builds that began after all announced changes. */
export type RankOutcome =
  | {
      readonly kind: 'built';
      readonly boards: readonly BuiltBoard[];
      /** Snapshots that only a wrong clock can have made: ignored, and replaced by this build. */
      readonly ahead: readonly Pick<Snapshot, 'board' | 'asOf'>[];
    }
  | { readonly kind: 'done-since' }
  | { readonly kind: 'later'; readonly delaySeconds: number };

/** A build counts as after a change only if it began so much later: two machines' clocks differ. */
const MARGIN_MS = 5_000;
/**
 * A build reads all scores and writes most blocks of a large board again, so builds of large boards are further apart.
 */
const SCORES_A_MINUTE = 25_000;
const LARGE_SCORES = 100_000;
const MINUTES_BETWEEN_LARGE_BUILDS = 15;
const MILLISECONDS_PER_MINUTE = 60_000;
/** No queue delays a message longer. */
const LONGEST_DELAY_SECONDS = 900;

/**
 * Builds the boards for all requests at once, unless a build since then covers them, or the next build is not due yet:
 * then one request for all is queued again until it is due. A request without a time is built now, however many scores
 * there are.
 */
export async function rankOnRequest(deps: RankDeps, requests: readonly RankRequested[]): Promise<RankOutcome> {
  const now = deps.clock();
  const currents = await settleAll(BOARDS, BOARDS.length, (board) => deps.store.current(board));
  const ahead = currents.flatMap((current) =>
    current !== null && current.asOf > latestCredible(now) ? [current] : [],
  );
  const times = currents.map((current) =>
    current === null || ahead.includes(current) ? -Infinity : Date.parse(current.asOf),
  );
  const oldest = Math.min(...times);
  const missing = requests.filter(({ changedBefore }) => {
    const isDone = changedBefore !== undefined && oldest > Date.parse(changedBefore) + MARGIN_MS;
    return !isDone;
  });
  if (missing.length === 0) return { kind: 'done-since' };

  const changes = missing.flatMap(({ changedBefore }) => changedBefore ?? []);
  const isForced = changes.length < missing.length;
  const scores = Math.max(0, ...currents.map((current) => current?.scores ?? 0));
  const dueAt = oldest + minutesBetweenBuilds(scores) * MILLISECONDS_PER_MINUTE;
  if (isForced || dueAt <= now)
    return { kind: 'built', boards: await buildBoards(deps), ahead: ahead.map(({ board, asOf }) => ({ board, asOf })) };
  const delaySeconds = Math.min(LONGEST_DELAY_SECONDS, Math.ceil((dueAt - now) / 1_000));
  // One build for all: a build that has seen the last change has seen the others.
  const last = Math.max(...changes.map((change) => Date.parse(change)));
  await deps.requestLater(delaySeconds, { changedBefore: isoOf(last) });
  return { kind: 'later', delaySeconds };
}

/** 0 below 25,000 scores: then builds follow the announcements, which come once a minute. */
export const minutesBetweenBuilds = (scores: number): number =>
  scores > LARGE_SCORES ? MINUTES_BETWEEN_LARGE_BUILDS : Math.floor(scores / SCORES_A_MINUTE);
