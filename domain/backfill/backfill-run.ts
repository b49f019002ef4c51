import type { AccountId } from '../identity/account.ts';
import { shardOf } from '../shared/shard.ts';
import { openDates } from '../metrics/roll-up.ts';
import { addDays, type UtcDate } from '../shared/utc.ts';
import type { BackfillOrder } from './backfill-event.ts';

/** One backfill: its order, kept for 90 days. Its tasks hold its progress. */
export type BackfillRun = {
  /** Starts with the time of its start, so that runs sort by age. */
  readonly runId: string;
  readonly order: BackfillOrder;
  /** ISO 8601 */
  readonly startedAt: string;
  readonly status: 'running' | 'done';
};

/** The plan is a set of usernames in this many segments. */
export const PLAN_SEGMENTS = 8;

/**
 * One part of a run, with a checkpoint of its own. `plan` tasks collect usernames, each from one segment of one source;
 * `work` tasks go through one segment of the plan. Other runs have no plan: in a run of stale scores, `ask` tasks ask for
 * a refresh of everybody in one segment of a source; in a run of metrics, `days` tasks go through its dates.
 */
export type TaskName =
  | { readonly phase: 'plan' | 'ask'; readonly source: string; readonly segment: number }
  | { readonly phase: 'work'; readonly segment: number }
  | { readonly phase: 'days'; readonly segment: number };

/** How many users, and the first of them by name: enough to see the fault, and bounded. */
export type UserTally = { readonly count: number; readonly first: readonly AccountId[] };

const MAX_NAMED = 20;
const nobody: UserTally = { count: 0, first: [] };

export const tallyOf = (tally: UserTally, usernames: readonly AccountId[]): UserTally => ({
  count: tally.count + usernames.length,
  first: [...tally.first, ...usernames].slice(0, MAX_NAMED),
});

/** The progress of a task. All figures cover its pages up to `position`, so a repeated page counts once. */
export type TaskState = {
  /** Rises by one with every checkpoint; 0 before the first. */
  readonly revision: number;
  /** Where the next page starts; null at the beginning. */
  readonly position: string | null;
  readonly isDone: boolean;
  /** Users of the task's segment of the plan, or of its source; null until they were counted. */
  readonly planned: number | null;
  readonly recomputed: number;
  readonly enqueued: number;
  /** Users without any facts. */
  readonly unknown: UserTally;
  /** Users whose recomputation threw. Their refresh is enqueued anyway, and folds from nothing. */
  readonly failed: UserTally;
  /** ISO 8601; null before the first checkpoint. */
  readonly checkpointAt: string | null;
};

export const newTask: TaskState = {
  revision: 0,
  position: null,
  isDone: false,
  planned: null,
  recomputed: 0,
  enqueued: 0,
  unknown: nobody,
  failed: nobody,
  checkpointAt: null,
};

export type Task = { readonly name: TaskName; readonly state: TaskState };

/** Parts of the sources that a run of this order collects its usernames from. */
export type SourceSegments = ReadonlyMap<string, number>;

const tasksBySource = (phase: 'plan' | 'ask', sources: SourceSegments): readonly TaskName[] =>
  [...sources].flatMap(([source, segments]) =>
    Array.from({ length: segments }, (_, segment): TaskName => ({ phase, source, segment })),
  );

/** Every task of a run with a plan, in the same order each time: the tasks of the plan come first. */
export const tasksOf = (sources: SourceSegments): readonly TaskName[] => [
  ...tasksBySource('plan', sources),
  ...Array.from({ length: PLAN_SEGMENTS }, (_, segment): TaskName => ({ phase: 'work', segment })),
];

/** The tasks of a run of stale scores. */
export const tasksOfAsking = (sources: SourceSegments): readonly TaskName[] => tasksBySource('ask', sources);

/** The tasks of a run of metrics: each takes every so-manieth of its dates. */
const DAY_SEGMENTS = 4;
export const tasksOfDays = (): readonly TaskName[] =>
  Array.from({ length: DAY_SEGMENTS }, (_, segment) => ({ phase: 'days', segment }));

/** The dates of a run's order that one of its tasks goes through, in their order. */
export function datesOfTask({ order, startedAt }: BackfillRun, segment: number): readonly UtcDate[] {
  if (order.mode !== 'metrics') return [];
  const open = openDates(Date.parse(startedAt)).toSorted();
  const [from = '', to = ''] = [order.from ?? open.at(0), order.to ?? open.at(-1)];
  const dates: UtcDate[] = [];
  for (let date = addDays(from, segment); date <= to; date = addDays(date, DAY_SEGMENTS)) dates.push(date);
  return dates;
}

/** `PLAN#accounts#00`, `WORK#07`, `ASK#stale-scores#00`, `DAYS#02` */
export const keyOfTask = (name: TaskName): string => {
  const segment = String(name.segment).padStart(2, '0');
  switch (name.phase) {
    case 'plan':
    case 'ask':
      return `${name.phase.toUpperCase()}#${name.source}#${segment}`;
    case 'work':
      return `WORK#${segment}`;
    case 'days':
      return `DAYS#${segment}`;
  }
};

/** The segment of the plan that a username belongs to: always the same, so that it is planned once. */
export const segmentOf = (account: AccountId): number => shardOf(account, PLAN_SEGMENTS);

/** Checkpoints written so far: it rises as long as a run moves. */
export const progressOf = (tasks: readonly Task[]): number => tasks.reduce((sum, { state }) => sum + state.revision, 0);

export const isPlanned = (tasks: readonly Task[]): boolean =>
  tasks.every(({ name, state }) => name.phase !== 'plan' || state.isDone);

export const isFinished = (tasks: readonly Task[]): boolean => tasks.every(({ state }) => state.isDone);

/** When a run last moved, ISO 8601: its last checkpoint, or its start. */
export const lastMovedAt = ({ startedAt }: BackfillRun, tasks: readonly Task[]): string =>
  tasks.reduce(
    (last, { state: { checkpointAt } }) => (checkpointAt !== null && checkpointAt > last ? checkpointAt : last),
    startedAt,
  );

/** The progress of a run over all its invocations. */
export type BackfillReport = {
  readonly runId: string;
  readonly mode: BackfillOrder['mode'];
  readonly dryRun: boolean;
  readonly status: 'running' | 'done';
  readonly phase: 'planning' | 'recomputing' | 'done';
  readonly startedAt: string;
  readonly lastMovedAt: string;
  /** Users in the plan, of metrics days; null while they are still being collected. */
  readonly planned: number | null;
  /** Users done so far, of `planned`. */
  readonly handled: number;
  readonly recomputed: number;
  readonly enqueued: number;
  /** Planned users without any facts, and some of them by name. */
  readonly unknown: number;
  readonly unknownUsernames: readonly AccountId[];
  /** Users whose recomputation threw, and some of them by name. */
  readonly failed: number;
  readonly failedUsernames: readonly AccountId[];
};

const merged = (a: UserTally, b: UserTally): UserTally => ({
  count: a.count + b.count,
  first: [...a.first, ...b.first].slice(0, MAX_NAMED),
});

export function reportOf(run: BackfillRun, tasks: readonly Task[]): BackfillReport {
  const work = tasks.flatMap(({ name, state }) => (name.phase === 'plan' ? [] : [state]));
  const sum = (figure: (state: TaskState) => number) => work.reduce((total, state) => total + figure(state), 0);
  const isCounted = work.every(({ planned }) => planned !== null);
  const recomputed = sum((state) => state.recomputed);
  const unknown = work.reduce((all, state) => merged(all, state.unknown), nobody);
  const failed = work.reduce((all, state) => merged(all, state.failed), nobody);
  const isDone = isFinished(tasks);
  return {
    runId: run.runId,
    mode: run.order.mode,
    dryRun: run.order.dryRun,
    status: isDone ? 'done' : 'running',
    phase: isDone ? 'done' : isPlanned(tasks) ? 'recomputing' : 'planning',
    startedAt: run.startedAt,
    lastMovedAt: lastMovedAt(run, tasks),
    planned: isCounted ? sum(({ planned }) => planned ?? 0) : null,
    handled: recomputed + unknown.count + failed.count,
    recomputed,
    enqueued: sum((state) => state.enqueued),
    unknown: unknown.count,
    unknownUsernames: unknown.first,
    failed: failed.count,
    failedUsernames: failed.first,
  };
}

/** The date that a run counts as: a plan that goes on past midnight stays one plan. */
export const dateOfRun = ({ startedAt }: BackfillRun): UtcDate => startedAt.slice(0, 10);
