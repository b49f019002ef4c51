import type { AccountId } from '../identity/account.ts';
import { accountsAsked, type AccountNames } from '../identity/account-names.ts';
import type { ScoreRefreshRequested } from '../messages/score-refresh.message.ts';
import type { Clock, RandomToken } from '../shared/environment.ts';
import { err, ok, type Result } from '../shared/result.ts';
import { settleAll } from '../shared/settle-all.ts';
import type { DateRange } from '../scoring/refold-history.ts';
import { isoOf, type UtcDate } from '../shared/utc.ts';
import type {
  BackfillContinuation,
  BackfillOrder,
  BackfillRefusal,
  BackfillRequest,
  RequestedOrder,
} from './backfill-event.ts';
import {
  dateOfRun,
  datesOfTask,
  isFinished,
  isPlanned,
  keyOfTask,
  lastMovedAt,
  progressOf,
  reportOf,
  tallyOf,
  tasksOf,
  tasksOfAsking,
  tasksOfDays,
  type BackfillReport,
  type BackfillRun,
  type Task,
  type TaskName,
  type TaskState,
} from './backfill-run.ts';
import type { BackfillRuns } from './backfill-runs.port.ts';
import type { UsernameSource, UsernameSources } from './username-source.port.ts';

export type BackfillDeps = {
  readonly runs: BackfillRuns;
  readonly sources: UsernameSources;
  /** Recomputes the account's `METRICS` from nothing. A dry run reports the result and saves nothing. */
  readonly refold: (
    account: AccountId,
    options: { readonly dryRun: boolean },
  ) => Promise<'saved' | 'unknown' | 'erased'>;
  /** Computes the scores of past dates and keeps them. */
  readonly refoldHistory: (account: AccountId, range: DateRange) => Promise<unknown>;
  /** Rolls up every hour of a day that has facts or was rolled up before. */
  readonly rollUpDay: (date: UtcDate) => Promise<void>;
  /** Queues every request, or throws. */
  readonly requestRefreshes: (requests: readonly ScoreRefreshRequested[]) => Promise<void>;
  /** Queues the message by which a run goes on in another invocation, or throws. */
  readonly continueLater: (continuation: BackfillContinuation) => Promise<void>;
  readonly names: Pick<AccountNames, 'find'>;
  /** Tells of a user whose recomputation threw. */
  readonly reportFailure: (account: AccountId, error: unknown) => void;
  /** Tells of a run that is left to the schedule, because invocation after invocation took it no further. */
  readonly reportStuck: (runId: string) => void;
  readonly clock: Clock;
  readonly randomToken: RandomToken;
};

/** Whether there is time left to begin another piece of work. */
export type HasTime = () => boolean;

const TASKS_AT_A_TIME = 4;
const USERS_A_PAGE = 25;
/** After this many invocations in a row without progress, only the schedule takes a run up again. */
const MAX_IDLE_HOPS = 5;
/** A run that moved this recently is in the hands of another invocation. */
const IN_OTHER_HANDS_MS = 10_000;
/** A run that has not moved for this long has lost its continuation. */
const ABANDONED_AFTER_MS = 5 * 60_000;
/** Runs older than this are not taken up again by themselves. */
const RESUMED_WITHIN_MS = 7 * 86_400_000;

/**
 * Starts a backfill, or takes one further, until it is done or time is up; then the rest is queued as a continuation.
 * Reports the progress of the run over all its invocations.
 *
 * Killed at any point, it loses nothing: a page of work is recomputed, then enqueued, then checked off, so whatever was
 * not checked off is done again, and doing it again changes nothing.
 *
 * @param seed Names the delivery that asks for a new run, so that its redelivery finds the run that it began.
 */
export async function runBackfill(
  deps: BackfillDeps,
  request: BackfillRequest,
  { hasTime, seed }: { readonly hasTime: HasTime; readonly seed?: RunSeed },
): Promise<Result<BackfillReport, BackfillRefusal>> {
  switch (request.kind) {
    case 'start': {
      const { at, token } = seed ?? { at: deps.clock(), token: deps.randomToken(6) };
      const order = await resolved(deps, request.order);
      const startedAt = isoOf(at);
      const runId = `${startedAt.replaceAll(/[-:.]/gu, '')}-${token}`;
      const run = await deps.runs.start({
        runId,
        order,
        startedAt,
        status: 'running',
      });
      if (order.mode === 'stale' && !order.dryRun) await resumeAbandoned(deps, runId);
      return ok(await work(deps, run, { hasTime, idleHops: 0 }));
    }
    case 'resume': {
      const run = await deps.runs.find(request.runId);
      if (run === undefined) return err(unknownRun);
      const tasks = await tasksOfRun(deps, run);
      const isInOtherHands = deps.clock() - Date.parse(lastMovedAt(run, tasks)) < IN_OTHER_HANDS_MS;
      if (run.status === 'done' || isInOtherHands) return ok(reportOf(run, tasks));
      return ok(await work(deps, run, { hasTime, idleHops: 0 }));
    }
    case 'continue': {
      const { runId, checkpoint, idleHops } = request.continuation;
      const run = await deps.runs.find(runId);
      if (run === undefined) return err(unknownRun);
      const tasks = await tasksOfRun(deps, run);
      // The invocation that took it further has sent, or will send, a continuation of its own, unless it was cut off.
      const isTakenOver = progressOf(tasks) !== checkpoint;
      const isSuperseded = isTakenOver && !isAbandoned(deps, run, tasks);
      if (run.status === 'done' || isSuperseded) return ok(reportOf(run, tasks));
      return ok(await work(deps, run, { hasTime, idleHops }));
    }
  }
}

async function resolved({ names }: BackfillDeps, order: RequestedOrder): Promise<BackfillOrder> {
  if (order.mode === 'metrics') return order;
  const { usernames, ...rest } = order;
  if (usernames === null) return { ...rest, usernames };
  return { ...rest, usernames: await accountsAsked(names, usernames) };
}

/** When a run was asked for, in milliseconds since the epoch, and a name for the asking that no other has. */
export type RunSeed = { readonly at: number; readonly token: string };

const unknownRun = { kind: 'unknown-run', sentence: 'runId: there is no such run' } as const;

const isAbandoned = ({ clock }: BackfillDeps, run: BackfillRun, tasks: readonly Task[]): boolean =>
  clock() - Date.parse(lastMovedAt(run, tasks)) >= ABANDONED_AFTER_MS;

/** Sends the lost continuations of runs that nobody has taken further for some minutes. */
async function resumeAbandoned(deps: BackfillDeps, except: string): Promise<void> {
  for (const run of await deps.runs.unfinished(isoOf(deps.clock() - RESUMED_WITHIN_MS))) {
    if (run.runId === except) continue;
    const tasks = await tasksOfRun(deps, run);
    if (!isAbandoned(deps, run, tasks)) continue;
    await deps.continueLater({ runId: run.runId, checkpoint: progressOf(tasks), idleHops: 0 });
  }
}

const sourcesOf = ({ sources }: BackfillDeps, { order }: BackfillRun): readonly UsernameSource[] => {
  if (order.mode === 'metrics') return [];
  return order.usernames === null
    ? sources[order.mode === 'history' ? 'all' : order.mode]
    : [givenUsernames(order.usernames)];
};

const givenUsernames = (usernames: readonly AccountId[]): UsernameSource => ({
  name: 'given',
  segments: 1,
  page: async () => ({ usernames, next: null }),
});

function tasksOfRun(deps: BackfillDeps, run: BackfillRun): Promise<readonly Task[]> {
  if (run.order.mode === 'metrics') return deps.runs.tasks(run.runId, tasksOfDays());
  const segments = new Map(sourcesOf(deps, run).map(({ name, segments: count }) => [name, count]));
  return deps.runs.tasks(run.runId, run.order.mode === 'stale' ? tasksOfAsking(segments) : tasksOf(segments));
}

async function work(
  deps: BackfillDeps,
  run: BackfillRun,
  { hasTime, idleHops }: { readonly hasTime: HasTime; readonly idleHops: number },
): Promise<BackfillReport> {
  const before = await tasksOfRun(deps, run);
  const plan = before.filter(({ name, state }) => name.phase === 'plan' && !state.isDone);
  await settleAll(plan, TASKS_AT_A_TIME, (task) => carryOn(deps, run, task, hasTime));

  const between = plan.length === 0 ? before : await tasksOfRun(deps, run);
  const rest = isPlanned(between) ? between.filter(({ state }) => !state.isDone) : [];
  await settleAll(rest, TASKS_AT_A_TIME, (task) => carryOn(deps, run, task, hasTime));

  const after = rest.length === 0 ? between : await tasksOfRun(deps, run);
  if (isFinished(after)) {
    if (run.status !== 'done') await deps.runs.finish(run.runId);
    return reportOf(run, after);
  }
  const checkpoint = progressOf(after);
  const idle = checkpoint === progressOf(before) ? idleHops + 1 : 0;
  if (idle > MAX_IDLE_HOPS) deps.reportStuck(run.runId);
  else await deps.continueLater({ runId: run.runId, checkpoint, idleHops: idle });
  return reportOf(run, after);
}

/** Takes a task further, page by page, until it is done or time is up. */
async function carryOn(deps: BackfillDeps, run: BackfillRun, { name, state }: Task, hasTime: HasTime): Promise<void> {
  let current = state;
  while (!current.isDone && hasTime()) {
    const page = await pageOf(deps, run, name, current, hasTime);
    const next = { ...page, revision: current.revision + 1, checkpointAt: isoOf(deps.clock()) };
    const outcome = await deps.runs.checkpoint(run, name, current, next);
    current = outcome === 'saved' ? next : await readAgain(deps, run, name);
  }
}

async function pageOf(
  deps: BackfillDeps,
  run: BackfillRun,
  name: TaskName,
  state: TaskState,
  hasTime: HasTime,
): Promise<TaskState> {
  switch (name.phase) {
    case 'plan':
      return planPage(deps, run, name, state);
    case 'ask':
      return askPage(deps, run, name, state);
    case 'work':
      return workPage(deps, run, name, state, hasTime);
    case 'days':
      return dayPage(deps, run, name, state);
  }
}

/** One day of a run of metrics: rolled up whole, then checked off. */
async function dayPage(
  deps: BackfillDeps,
  run: BackfillRun,
  { segment }: TaskName,
  state: TaskState,
): Promise<TaskState> {
  const dates = datesOfTask(run, segment);
  if (state.planned === null) return { ...state, planned: dates.length, isDone: dates.length === 0 };
  const date = dates.find((each) => state.position === null || each > state.position);
  if (date === undefined) return { ...state, isDone: true };
  if (!run.order.dryRun) await deps.rollUpDay(date);
  return { ...state, position: date, isDone: date === dates.at(-1), recomputed: state.recomputed + 1 };
}

/** Another invocation was first: this one goes on from its checkpoint. */
async function readAgain(deps: BackfillDeps, run: BackfillRun, name: TaskName): Promise<TaskState> {
  const [task] = await deps.runs.tasks(run.runId, [name]);
  if (task === undefined) throw new Error(`run ${run.runId} has lost its task ${keyOfTask(name)}`);
  return task.state;
}

type OfSource = TaskName & { readonly phase: 'plan' | 'ask' };

async function usersOfPage(deps: BackfillDeps, run: BackfillRun, { source, segment }: OfSource, state: TaskState) {
  const found = sourcesOf(deps, run).find(({ name }) => name === source);
  if (found === undefined) throw new Error(`run ${run.runId}: there is no source ${source}`);
  const { usernames, next } = await found.page(segment, state.position, dateOfRun(run));
  return { users: [...new Set(usernames)], next };
}

async function planPage(deps: BackfillDeps, run: BackfillRun, name: OfSource, state: TaskState): Promise<TaskState> {
  const { users, next } = await usersOfPage(deps, run, name, state);
  if (users.length > 0) await deps.runs.plan(run, users);
  return { ...state, position: next, isDone: next === null };
}

/**
 * A page of stale scores: asked for, then checked off. They need no plan, because nothing is read of them here: a refresh
 * applies the rules of its own date to the stored metrics. So a million of them are asked for within minutes of midnight.
 */
async function askPage(deps: BackfillDeps, run: BackfillRun, name: OfSource, state: TaskState): Promise<TaskState> {
  const { users, next } = await usersOfPage(deps, run, name, state);
  const { dryRun } = run.order;
  if (!dryRun) await deps.requestRefreshes(users.map(refreshOnly));
  const recomputed = state.recomputed + users.length;
  const [isDone, enqueued] = [next === null, state.enqueued + (dryRun ? 0 : users.length)];
  return { ...state, position: next, isDone, planned: isDone ? recomputed : null, recomputed, enqueued };
}

/** A page of the plan: recompute, enqueue. The caller checks it off: in this order, no crash loses an announcement. */
async function workPage(
  deps: BackfillDeps,
  run: BackfillRun,
  { segment }: TaskName & { readonly phase: 'work' },
  state: TaskState,
  hasTime: HasTime,
): Promise<TaskState> {
  if (state.planned === null) return { ...state, planned: await deps.runs.countPlanned(run.runId, segment) };
  const { position, ...figures } = state;
  const page = await deps.runs.planned(run.runId, segment, { after: position, limit: USERS_A_PAGE });
  const { dryRun } = run.order;
  const done: { readonly username: AccountId; readonly outcome: Outcome }[] = [];
  for (const account of page) {
    if (done.length > 0 && !hasTime()) break; // one at least: else a slow page would never get anywhere
    done.push({ username: account, outcome: await recompute(deps, run, account) });
  }
  const requests = dryRun ? [] : done.flatMap(requestOf);
  if (requests.length > 0) await deps.requestRefreshes(requests);
  const whoCameTo = (outcome: Outcome) =>
    done.filter((each) => each.outcome === outcome).map(({ username }) => username);
  return {
    ...figures,
    position: done.at(-1)?.username ?? position,
    isDone: page.length < USERS_A_PAGE && done.length === page.length,
    recomputed: state.recomputed + whoCameTo('saved').length,
    enqueued: state.enqueued + requests.length,
    unknown: tallyOf(state.unknown, whoCameTo('unknown')),
    failed: tallyOf(state.failed, whoCameTo('failed')),
  };
}

type Outcome = 'saved' | 'unknown' | 'erased' | 'failed';

async function recompute(deps: BackfillDeps, run: BackfillRun, account: AccountId): Promise<Outcome> {
  const { order } = run;
  const { dryRun } = order;
  try {
    const outcome = await deps.refold(account, { dryRun });
    if (order.mode === 'history' && outcome === 'saved' && !dryRun) await deps.refoldHistory(account, order);
    return outcome;
  } catch (error) {
    // One user who cannot be folded must not hold up the others. The queue tries again, and keeps what always fails.
    deps.reportFailure(account, error);
    return 'failed';
  }
}

/** A refresh of an account whose metrics are as they should be. */
const refreshOnly = (username: AccountId): ScoreRefreshRequested => ({ username, days: [], grants: true });

/** Only the score if the metrics are new already; everything from nothing if that failed. */
function requestOf({ username, outcome }: { readonly username: AccountId; readonly outcome: Outcome }) {
  switch (outcome) {
    case 'saved':
      return [refreshOnly(username)];
    case 'failed':
      return [{ username }];
    case 'unknown':
    case 'erased':
      return [];
  }
}
