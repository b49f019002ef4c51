import type { AccountId } from '../identity/account.ts';
import { err, ok, type Result } from '../shared/result.ts';
import type { Sleep } from '../shared/environment.ts';
import { settleAll } from '../shared/settle-all.ts';
import type { CheckNotes } from './check-notes.port.ts';
import type { ConsistencyRequest } from './consistency-event.ts';
import type { ConsistencyDifference, ConsistencyReport } from './consistency-report.ts';
import { lookAtUser, type Look, type LookDeps } from './look-at-user.ts';
import { Suspects } from './suspects.ts';
import type { UserPlace } from './user-places.port.ts';
import { type UserPage, walkUsers } from './walk-users.ts';

export type ConsistencyDeps = LookDeps & {
  /** The places with scores come first. */
  readonly places: readonly UserPlace[];
  /** Whether no refresh or backfill is waiting or under way. */
  readonly areQueuesEmpty: () => Promise<boolean>;
  readonly notes: CheckNotes;
  /** Tells of a user who could not be read: that is found as a difference, too. */
  readonly reportFailure: (account: AccountId, error: unknown) => void;
  readonly sleep: Sleep;
};

/**
 * How much of the invocation is left: a while before its end nobody new is looked at, and later nothing is waited for.
 */
export type TimeLeft = { readonly toBegin: () => boolean; readonly toWait: () => boolean };

const PARALLEL_LOOKS = 8;
/** Suspects are kept in memory and looked at again together: more of them wait for the next invocation. */
const MAX_SUSPECTS = 500;
/** Who differs is looked at in every run until all is right. If more differ, the sample finds them again. */
const MAX_REMEMBERED = 500;
const MAX_REPORTED = 100;
const MAX_OF_ONE_USER = 5;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;

/**
 * Compares, user by user, the facts with their folds and the grants with their balance. It writes only the names of
 * users who differ, so that the next run looks at them again. A request that sets how long a difference must last notes
 * nobody. The failure is a sentence about the request.
 */
export async function checkConsistency(
  deps: ConsistencyDeps,
  { of, standingMs }: ConsistencyRequest,
  timeLeft: TimeLeft,
): Promise<Result<ConsistencyReport, string>> {
  const sample = walkUsers(deps.places, of, deps.clock());
  if (!sample.ok) return err(sample.error);
  const before = standingMs === null ? await deps.notes.differing() : [];

  const suspects = new Suspects(standingMs);
  const seen = new Set<AccountId>();
  const right = new Set<AccountId>();
  const note = (account: AccountId, { differences, isOfOtherRules }: Look): void => {
    if (differences.length > 0) right.delete(account);
    else if (!isOfOtherRules) right.add(account);
    suspects.note(account, differences, deps.clock());
  };
  let [checked, ofOtherRules] = [0, 0];
  let stoppedBefore: string | null = null;
  for await (const page of withRemembered(before, of, sample.value)) {
    const isDue = async (account: AccountId): Promise<boolean> => page.isOfScores || (await hasNoScore(deps, account));
    const fresh = [...new Set(page.usernames)].filter((account) => !seen.has(account));
    for (const account of fresh) seen.add(account);
    await settleAll(fresh, PARALLEL_LOOKS, async (account) => {
      if (!(await isDue(account))) return;
      const look = await lookAnyway(deps, account);
      if (look.isCompared) checked += 1;
      if (look.isOfOtherRules) ofOtherRules += 1;
      note(account, look);
    });
    if (page.next !== null && (suspects.size >= MAX_SUSPECTS || !timeLeft.toBegin())) {
      stoppedBefore = page.next;
      break;
    }
  }

  const found = await settle(deps, { suspects, note, timeLeft });
  const differences = found.flatMap(([username, standing]) =>
    standing.slice(0, MAX_OF_ONE_USER).map((each) => ({ username, ...each })),
  );
  const remembered = standingMs === null ? await remember(deps.notes, { before, found, right }) : null;
  return ok({
    sample: of.sample,
    checked,
    different: found.length,
    differences: differences.slice(0, MAX_REPORTED),
    unsettled: suspects.size,
    remembered,
    ofOtherRules,
    complete: stoppedBefore === null,
    next: of.sample === 'all' ? stoppedBefore : null,
    ok: found.length === 0,
  });
}

/** Who differed before, then the sample; a check of named users, or one that goes on, is about nobody else. */
async function* withRemembered(
  usernames: readonly AccountId[],
  of: ConsistencyRequest['of'],
  sample: AsyncIterable<UserPage>,
): AsyncGenerator<UserPage, void> {
  const isWhole = of.sample === 'hour' || (of.sample === 'all' && of.from === null);
  if (isWhole && usernames.length > 0) yield { usernames, isOfScores: true, next: null };
  yield* sample;
}

/** Who was found stays until a look finds all of theirs right. Gives how many differ now. */
async function remember(
  notes: CheckNotes,
  run: {
    readonly before: readonly AccountId[];
    readonly found: readonly Found[];
    readonly right: ReadonlySet<AccountId>;
  },
): Promise<number> {
  const right = run.before.filter((account) => run.right.has(account));
  const found = run.found.map(([username]) => username).filter((account) => !run.before.includes(account));
  if (right.length + found.length === 0) return run.before.length;
  return notes.remember({ right, found: found.slice(0, Math.max(0, MAX_REMEMBERED - run.before.length)) });
}

const hasNoScore = async ({ scores }: ConsistencyDeps, account: AccountId): Promise<boolean> =>
  (await scores.load(account)).score === null;

/**
 * One unreadable user must not hide the others. A fault that passes, such as a throttled read, is gone at the next
 * look.
 */
async function lookAnyway(deps: ConsistencyDeps, account: AccountId): Promise<Look> {
  try {
    return await lookAtUser(deps, account);
  } catch (error) {
    deps.reportFailure(account, error);
    const found = error instanceof Error ? `${error.name}: ${error.message}`.slice(0, 200) : 'no error';
    return { isCompared: true, isOfOtherRules: false, differences: [{ what: 'readable', expected: null, found }] };
  }
}

type Found = readonly [AccountId, readonly Omit<ConsistencyDifference, 'username'>[]];

/** Looks at suspects again until each is as it should be, or found, or the time is up. */
async function settle(
  deps: ConsistencyDeps,
  {
    suspects,
    note,
    timeLeft,
  }: {
    readonly suspects: Suspects;
    readonly note: (account: AccountId, look: Look) => void;
    readonly timeLeft: TimeLeft;
  },
): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (let pause = FIRST_PAUSE_MS; suspects.size > 0 && timeLeft.toWait();) {
    const traffic = { areQueuesEmpty: await deps.areQueuesEmpty(), lastLate: await deps.notes.lastLate() };
    suspects.noteTraffic(traffic, deps.clock());
    found.push(...suspects.take(deps.clock()));
    if (suspects.size === 0) break;
    await deps.sleep(pause);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    await settleAll(suspects.usernames(), PARALLEL_LOOKS, async (account) => {
      note(account, await lookAnyway(deps, account));
    });
  }
  return found;
}
