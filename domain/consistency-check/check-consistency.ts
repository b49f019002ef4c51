import type { Username } from '../identity/username.ts';
import { err, ok, type Result } from '../shared/result.ts';
import type { Sleep } from '../shared/environment.ts';
import { settleAll } from '../shared/settle-all.ts';
import type { ConsistencyRequest } from './consistency-event.ts';
import type { ConsistencyDifference, ConsistencyReport } from './consistency-report.ts';
import { lookAtUser, type Look, type LookDeps } from './look-at-user.ts';
import { Suspects } from './suspects.ts';
import type { UserPlace } from './user-places.port.ts';
import { walkUsers } from './walk-users.ts';

export type ConsistencyDeps = LookDeps & {
  /** Those of scores first. */
  readonly places: readonly UserPlace[];
  /** Whether no refresh is waiting or under way. */
  readonly isQueueEmpty: () => Promise<boolean>;
  /** Tells of a user who could not be read: that is found as a difference, too. */
  readonly reportFailure: (username: Username, error: unknown) => void;
  readonly sleep: Sleep;
};

/** How much of the invocation is left: a while before its end nobody new is looked at, and later nothing is waited for. */
export type TimeLeft = { readonly toBegin: () => boolean; readonly toWait: () => boolean };

const PARALLEL_LOOKS = 8;
/** Suspects are kept in memory and looked at again together: more of them wait for the next invocation. */
const MAX_SUSPECTS = 500;
const MAX_REPORTED = 100;
const MAX_OF_ONE_USER = 5;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;

/**
 * Compares, user by user, what was accepted with what is folded and what was granted with what is balanced. It reads, and
 * writes nothing. The failure is a sentence about the request.
 */
export async function checkConsistency(
  deps: ConsistencyDeps,
  { of, standingMs }: ConsistencyRequest,
  timeLeft: TimeLeft,
): Promise<Result<ConsistencyReport, string>> {
  const pages = walkUsers(deps.places, of, deps.clock());
  if (!pages.ok) return err(pages.error);

  const suspects = new Suspects(standingMs);
  const seen = new Set<Username>();
  let [checked, ofOtherRules] = [0, 0];
  let stoppedBefore: string | null = null;
  for await (const page of pages.value) {
    const isDue = async (username: Username): Promise<boolean> => page.isOfScores || (await hasNoScore(deps, username));
    const fresh = [...new Set(page.usernames)].filter((username) => !seen.has(username));
    for (const username of fresh) seen.add(username);
    await settleAll(fresh, PARALLEL_LOOKS, async (username) => {
      if (!(await isDue(username))) return;
      const look = await lookAnyway(deps, username);
      if (look.isCompared) checked += 1;
      if (look.isOfOtherRules) ofOtherRules += 1;
      suspects.note(username, look.differences, deps.clock());
    });
    if (page.next !== null && (suspects.size >= MAX_SUSPECTS || !timeLeft.toBegin())) {
      stoppedBefore = page.next;
      break;
    }
  }

  const found = await settle(deps, suspects, timeLeft);
  const differences = found.flatMap(([username, standing]) =>
    standing.slice(0, MAX_OF_ONE_USER).map((each) => ({ username, ...each })),
  );
  return ok({
    sample: of.sample,
    checked,
    different: found.length,
    differences: differences.slice(0, MAX_REPORTED),
    unsettled: suspects.size,
    ofOtherRules,
    complete: stoppedBefore === null,
    next: of.sample === 'all' ? stoppedBefore : null,
    ok: found.length === 0,
  });
}

const hasNoScore = async ({ scores }: ConsistencyDeps, username: Username): Promise<boolean> =>
  (await scores.load(username)).score === null;

/** One user who cannot be read must not hide all others. What passes, a throttled read say, is gone at the next look. */
async function lookAnyway(deps: ConsistencyDeps, username: Username): Promise<Look> {
  try {
    return await lookAtUser(deps, username);
  } catch (error) {
    deps.reportFailure(username, error);
    const found = error instanceof Error ? `${error.name}: ${error.message}`.slice(0, 200) : 'no error';
    return { isCompared: true, isOfOtherRules: false, differences: [{ what: 'readable', expected: null, found }] };
  }
}

type Found = readonly [Username, readonly Omit<ConsistencyDifference, 'username'>[]];

/** Looks at suspects again until each is as it should be, or found, or the time is up. */
async function settle(deps: ConsistencyDeps, suspects: Suspects, timeLeft: TimeLeft): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (let pause = FIRST_PAUSE_MS; suspects.size > 0 && timeLeft.toWait();) {
    suspects.noteQueue(await deps.isQueueEmpty(), deps.clock());
    found.push(...suspects.take(deps.clock()));
    if (suspects.size === 0) break;
    await deps.sleep(pause);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    await settleAll(suspects.usernames(), PARALLEL_LOOKS, async (username) => {
      const { differences } = await lookAnyway(deps, username);
      suspects.note(username, differences, deps.clock());
    });
  }
  return found;
}
