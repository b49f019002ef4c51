import type { AccountId } from '../identity/account.ts';
import type { BackfillRun, Task, TaskName, TaskState } from './backfill-run.ts';

/** Where runs, their tasks and their plans are kept. Every read is strongly consistent. */
export type BackfillRuns = {
  /** Starts a run. A run that exists already stays as it is, and is returned. */
  start(run: BackfillRun): Promise<BackfillRun>;
  find(runId: string): Promise<BackfillRun | undefined>;
  /** Runs that started at or after `since` (ISO 8601) and are not done. */
  unfinished(since: string): Promise<readonly BackfillRun[]>;
  /** Marks a run as done, for lists of runs. */
  finish(runId: string): Promise<void>;
  /** The stored states of the named tasks, in the same order. */
  tasks(runId: string, names: readonly TaskName[]): Promise<readonly Task[]>;
  /** Replaces a task's state if it still is at `expected`; `stale` where another invocation came first. */
  checkpoint(run: BackfillRun, name: TaskName, expected: TaskState, next: TaskState): Promise<'saved' | 'stale'>;
  /** Adds usernames to the plan, which is a set. */
  plan(run: BackfillRun, usernames: readonly AccountId[]): Promise<void>;
  countPlanned(runId: string, segment: number): Promise<number>;
  /** The planned usernames of a segment after `after` in their order, at most `limit`. */
  planned(
    runId: string,
    segment: number,
    page: { readonly after: string | null; readonly limit: number },
  ): Promise<readonly AccountId[]>;
};
