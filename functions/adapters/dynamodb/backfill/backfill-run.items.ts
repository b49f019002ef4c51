import { marshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import type { BackfillRun, TaskState } from '../../../../domain/backfill/backfill-run.ts';
import { AccountId } from '../../../../domain/identity/account.ts';
import { type Item, USER_PREFIX } from '../shared/item.ts';
import { fromItem, toItem } from '../shared/format.ts';

/**
 * The items of the `backfill_runs` table. All of them expire 90 days after their run started.
 *
 *   RUNS                  <runId>                 the order, and whether it is done; sorted by time
 *   RUN#<runId>           TASK#PLAN#accounts#00   how far one part of the run has come
 *   RUN#<runId>           TASK#WORK#03
 *   RUN#<runId>           TASK#ASK#stale-scores#05
 *   RUN#<runId>           TASK#DAYS#02
 *   RUN#<runId>#<segment> USER#<account>             a planned username
 */

export const RUNS_PK = 'RUNS';
export const TASK_PREFIX = 'TASK#';
const KEPT_SECONDS = 90 * 86_400;

export const runKey = (runId: string): Item => marshall({ pk: RUNS_PK, sk: runId });
export const runPk = (runId: string): string => `RUN#${runId}`;
export const planPk = (runId: string, segment: number): string => `${runPk(runId)}#${segment}`;
export const plannedSk = (username: string): string => USER_PREFIX + username; // an order, not an account's partition

/** Seconds since the epoch, as the table's time to live wants it. */
const expiresAt = ({ startedAt }: BackfillRun): number => Math.floor(Date.parse(startedAt) / 1_000) + KEPT_SECONDS;

const run = { sk: z.string(), dryRun: z.boolean(), startedAt: z.iso.datetime(), status: z.enum(['running', 'done']) };
const RunItem = z.discriminatedUnion('mode', [
  z.object({ ...run, mode: z.enum(['all', 'stale']), usernames: z.nullable(z.array(AccountId)) }),
  z.object({
    ...run,
    mode: z.literal('history'),
    usernames: z.nullable(z.array(AccountId)),
    from: z.nullable(z.iso.date()),
    to: z.nullable(z.iso.date()),
  }),
  z.object({
    ...run,
    mode: z.literal('metrics'),
    usernames: z.null(),
    from: z.nullable(z.iso.date()),
    to: z.nullable(z.iso.date()),
  }),
]);

const Count = z.int().check(z.nonnegative());
const Tally = z.object({ count: Count, first: z.array(AccountId) });
const TaskItem = z.object({
  sk: z.string().check(z.startsWith(TASK_PREFIX)),
  revision: Count,
  position: z.nullable(z.string()),
  isDone: z.boolean(),
  planned: z.nullable(Count),
  recomputed: Count,
  enqueued: Count,
  unknown: Tally,
  failed: Tally,
  checkpointAt: z.nullable(z.iso.datetime()),
});
export const PlannedItem = z.object({ sk: z.string().check(z.startsWith(USER_PREFIX)) });

export const usernameOfPlanned = ({ sk }: z.infer<typeof PlannedItem>): AccountId =>
  AccountId.parse(sk.slice(USER_PREFIX.length));

export const toRunItem = (run: BackfillRun): Item => {
  const { runId, order, ...rest } = run;
  return { ...runKey(runId), ...toItem('run', { ...order, ...rest, expiresAt: expiresAt(run) }) };
};

export function parseRunItem(item: Item): BackfillRun {
  const { sk: runId, startedAt, status, ...order } = RunItem.parse(fromItem('run', item));
  return { runId, order, startedAt, status };
}

export const toTaskItem = (run: BackfillRun, key: string, state: TaskState, writeId: string): Item =>
  toItem('task', { pk: runPk(run.runId), sk: TASK_PREFIX + key, ...state, writeId, expiresAt: expiresAt(run) });

export function parseTaskItem(item: Item): { readonly key: string; readonly state: TaskState } {
  const { sk, ...state } = TaskItem.parse(fromItem('task', item));
  return { key: sk.slice(TASK_PREFIX.length), state };
}

export const toPlannedItem = (run: BackfillRun, segment: number, account: AccountId): Item =>
  toItem('planned-account', { pk: planPk(run.runId, segment), sk: plannedSk(account), expiresAt: expiresAt(run) });
