import * as z from 'zod/mini';
import type { AccountId } from '../identity/account.ts';
import { Username } from '../identity/username.ts';
import { check, sentenceOf, withoutNulls } from '../shared/faults.ts';
import { err, ok, type Result } from '../shared/result.ts';
import { RequestDate, type UtcDate } from '../shared/utc.ts';

const BackfillMode = z.enum(['all', 'stale', 'metrics', 'history'], 'expected all, stale, metrics or history');
export type BackfillMode = z.infer<typeof BackfillMode>;

/** One run's list of usernames is kept in one item. */
const MAX_USERNAMES = 1_000;

const RunId = z.string('expected the id of a run').check(z.regex(/^[A-Za-z0-9_-]{1,100}$/, 'expected the id of a run'));

/** `{"mode"?, "dryRun"?, "usernames"?, "from"?, "to"?}` */
const StartEvent = z.strictObject({
  mode: z._default(BackfillMode, 'all'),
  dryRun: z._default(z.boolean('expected true or false'), false),
  usernames: z.optional(
    z
      .array(Username, 'expected a list of usernames')
      .check(
        z.minLength(1, 'expected at least one username'),
        z.maxLength(MAX_USERNAMES, `expected at most ${MAX_USERNAMES} usernames`),
      ),
  ),
  from: z.optional(RequestDate),
  to: z.optional(RequestDate),
});

/** `{"runId"}`: continues an unfinished run, reports any. */
const ResumeEvent = z.strictObject({ runId: RunId });

/** The message that continues a run: its progress when it was sent, and how often nothing moved before. */
export const BackfillContinuation = z.strictObject({
  runId: RunId,
  /** The run's progress when this was sent. If it is more by now, another invocation has taken it further. */
  checkpoint: z.int().check(z.nonnegative()),
  /** Invocations in a row that took the run no further. */
  idleHops: z.int().check(z.nonnegative()),
});
export type BackfillContinuation = z.infer<typeof BackfillContinuation>;

/** The work to do; `usernames` means just these instead of all. */
export type BackfillOrder = UsersOrder<AccountId> | HistoryOrder<AccountId> | MetricsOrder;
/** The same as it is asked for, by names. */
export type RequestedOrder = UsersOrder<Username> | HistoryOrder<Username> | MetricsOrder;

type UsersOrder<Name> = {
  readonly mode: 'all' | 'stale';
  readonly dryRun: boolean;
  readonly usernames: readonly Name[] | null;
};

/** The same as `all`, and the scores of past dates; `from` and `to` as `refoldHistory` takes them. */
type HistoryOrder<Name> = {
  readonly mode: 'history';
  readonly dryRun: boolean;
  readonly usernames: readonly Name[] | null;
  readonly from: UtcDate | null;
  readonly to: UtcDate | null;
};

/** `from` and `to` are both included. Null means the first or the last day that events may bear. */
export type MetricsOrder = {
  readonly mode: 'metrics';
  readonly dryRun: boolean;
  readonly usernames: null;
  readonly from: UtcDate | null;
  readonly to: UtcDate | null;
};

export type BackfillRequest =
  | { readonly kind: 'start'; readonly order: RequestedOrder }
  | { readonly kind: 'resume'; readonly runId: string }
  | { readonly kind: 'continue'; readonly continuation: BackfillContinuation };

/** `sentence` names the field and the expectation. */
export type BackfillRefusal = {
  readonly kind: 'invalid-event' | 'unknown-run';
  readonly sentence: string;
};

const invalid = (sentence: string) => err({ kind: 'invalid-event', sentence } as const);

/** Reads an event from any sender: `{}` is a run of mode `all`. */
export function readBackfillEvent(sent: unknown): Result<BackfillRequest, BackfillRefusal> {
  const event = withoutNulls(sent);
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return invalid('event: expected an object');
  if (Object.hasOwn(event, 'checkpoint')) {
    return parsed(BackfillContinuation, event, (continuation) => ok({ kind: 'continue', continuation }));
  }
  if (Object.hasOwn(event, 'runId')) {
    return parsed(ResumeEvent, event, ({ runId }) => ok({ kind: 'resume', runId }));
  }
  return parsed(StartEvent, event, ({ mode, dryRun, usernames, from, to }) => {
    if (usernames !== undefined && mode !== 'all' && mode !== 'history')
      return invalid(`usernames: cannot go with mode ${mode}`);
    if (from !== undefined && to !== undefined && to < from) return invalid('to: expected a date not before from');
    const dates = { from: from ?? null, to: to ?? null };
    const distinct = usernames === undefined ? null : [...new Set(usernames)].sort();
    if (mode === 'metrics') return ok({ kind: 'start', order: { mode, dryRun, usernames: null, ...dates } });
    if (mode === 'history') return ok({ kind: 'start', order: { mode, dryRun, usernames: distinct, ...dates } });
    if (from !== undefined || to !== undefined) return invalid('from, to: only metrics and history have dates');
    return ok({ kind: 'start', order: { mode, dryRun, usernames: distinct } });
  });
}

function parsed<Value>(
  schema: z.ZodMiniType<Value>,
  event: object,
  read: (value: Value) => Result<BackfillRequest, BackfillRefusal>,
): Result<BackfillRequest, BackfillRefusal> {
  const checked = check(schema, event, 'event');
  return checked.ok ? read(checked.value) : invalid(sentenceOf(checked.error));
}
