import { type Command, Option } from 'commander';
import * as z from 'zod';
import { readBackfillEvent } from '../../domain/backfill/backfill-event.ts';
import { Username } from '../../domain/identity/username.ts';
import { RequestDate } from '../../domain/shared/utc.ts';
import { type BackfillAnswer, followBackfill, invokeBackfill, isTransient } from '../backfill-client.ts';
import { awaitRun, newestRuns, type Run } from '../backfill-runs.ts';
import { hintOf } from '../connection.ts';
import { addOperation, commaList, type Context, type Runtime } from '../operation.ts';
import { EXIT, type ExitCode, OperatorError, usageError } from '../outcome.ts';
import { counted, type Progress } from '../output.ts';

type Order = {
  readonly mode?: string;
  readonly usernames?: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly dryRun?: true;
};

/** Adds `backfill`. */
export function addBackfillCommand(program: Command, runtime: Runtime): void {
  addOperation(program, runtime, {
    usage: 'backfill',
    summary: 'compute metrics and scores again from the facts, for inactive users as well',
    options: [
      new Option(
        '--mode <mode>',
        'what to compute: all users, users whose score is outdated, the community metrics, or scores of past days',
      )
        .choices(['all', 'stale', 'metrics', 'history'])
        .conflicts('run'),
      new Option('--usernames <a,b>', 'just these').conflicts('run'),
      new Option('--from <date>', 'the first day of the community metrics or of the history').conflicts('run'),
      new Option('--to <date>', 'the last day, included').conflicts('run'),
      new Option('--dry-run', 'count what a run would compute, and change nothing').conflicts('run'),
      new Option('--run <id>', 'follow a run that was started earlier, by hand or by the schedule'),
    ],
    help: `
The default mode is all. The run belongs to the stack: it continues through its own queue, also when nobody follows it.
Running it again, or twice at once, is safe. The progress bar survives broken connections and restarts. Ctrl-C (exit code
${EXIT.interrupted}) stops following, and prints the command that continues. Exits with ${EXIT.found} if users could not be computed.

  laurel backfill --mode stale --dry-run
  laurel backfill --usernames ada,brin --stage prod
  laurel backfill --mode metrics --from 2026-08-01 --to 2026-08-21
  laurel backfill --mode history --from 2025-08-21 --to 2026-08-21
  laurel backfill --run 20260821T130405678Z-x7GtQ2aB
`,
    input: {
      mode: z.string().optional(),
      usernames: commaList.pipe(z.array(Username)).optional(),
      from: z.optional(RequestDate),
      to: z.optional(RequestDate),
      dryRun: z.literal(true).optional(),
      run: z.string().optional(),
    },
    async run(context, { run, ...order }) {
      const asked: Order = {
        ...(order.mode !== undefined && { mode: order.mode }),
        ...(order.usernames !== undefined && { usernames: order.usernames }),
        ...(order.from !== undefined && { from: order.from }),
        ...(order.to !== undefined && { to: order.to }),
        ...(order.dryRun && { dryRun: true }),
      };
      const event = readBackfillEvent(run === undefined ? asked : { runId: run });
      if (!event.ok) throw usageError(event.error.sentence);
      const connection = context.connect();
      if (run !== undefined) await newestRuns(connection); // fails at once if the stack is not there
      return runAndFollow(context, run ?? asked);
    },
  });
}

/** Starts a run, or takes the named one, and shows its progress until it is done. */
async function runAndFollow(context: Context, what: string | Order): Promise<ExitCode> {
  const { output, target } = context;
  const bar = output.progress('backfill', 0);
  const seen: { last?: BackfillAnswer; runId?: string } = typeof what === 'string' ? { runId: what } : {};
  const onAnswer = (answer: BackfillAnswer) => {
    seen.last = answer;
    seen.runId = answer.runId;
    show(bar, answer);
  };
  const onLost = () => bar.update(handledOf(seen.last), { state: 'no connection, retrying' });

  const interruption = Promise.withResolvers<'interrupted'>();
  context.interruption().addEventListener('abort', () => interruption.resolve('interrupted'));
  try {
    const following = { ...context, onAnswer, onLost };
    const done = typeof what === 'string' ? followBackfill(what, following) : startAndFollow(context, what, following);
    const end = await Promise.race([done, interruption.promise]);
    bar.stop();
    if (end === 'interrupted') {
      const how = hintOf(target, seen.runId === undefined ? 'status' : `backfill --run ${seen.runId}`);
      output.note(`The run continues. To follow it again: ${how}`);
      output.result({ ...seen.last, runId: seen.runId ?? null, status: 'running', interrupted: true, follow: how }, '');
      return EXIT.interrupted;
    }
    output.result(end, textOf(end));
    return (end.failed ?? 0) > 0 ? EXIT.found : EXIT.ok;
  } finally {
    bar.stop();
  }
}

type Following = Parameters<typeof followBackfill>[1];

/**
 * The first invocation answers only at its end. So this looks for its run meanwhile, and follows it as soon as it
 * appears.
 */
async function startAndFollow(context: Context, order: Order, following: Following): Promise<BackfillAnswer> {
  const connection = context.connect();
  const known = new Set((await newestRuns(connection)).map(({ runId }) => runId));
  const looking = new AbortController();
  const seen = awaitRun(connection, (run) => isOf(order, run), known, looking.signal).catch((error: unknown) => {
    if (isTransient(error)) return undefined; // the invocation's answer also names the run
    throw error;
  });
  const started = invokeBackfill(connection, order);
  // Once the run is followed, the result of this invocation no longer matters.
  started.catch(() => undefined);
  try {
    const followed = seen.then(async (runId): Promise<string | BackfillAnswer> => runId ?? (await started));
    const first = await Promise.race([started, followed]);
    if (typeof first === 'string') return await followBackfill(first, following);
    following.onAnswer(first);
    return first.status === 'done' ? first : await followBackfill(first.runId, following);
  } catch (error) {
    if (!isTransient(error)) throw error;
    const why = `the connection broke before the run appeared: it may have started, see \`${hintOf(context.target, 'status')}\`, or start it again`;
    throw new OperatorError('lost', why, { cause: error });
  } finally {
    looking.abort();
  }
}

const isOf = ({ mode = 'all', usernames = [], dryRun }: Order, run: Run): boolean =>
  run.mode === mode &&
  run.dryRun === (dryRun ?? false) &&
  [...usernames].sort().join() === (run.usernames ?? []).join();

const handledOf = (answer: BackfillAnswer | undefined): number => answer?.handled ?? answer?.recomputed ?? 0;

function show(bar: Progress, answer: BackfillAnswer): void {
  const total = answer.planned ?? undefined;
  bar.update(handledOf(answer), { ...(total !== undefined && { total }), state: answer.phase ?? answer.status });
}

function textOf({ runId, mode, recomputed, enqueued, unknown = 0, failed = 0, dryRun }: BackfillAnswer): string {
  const did = dryRun === true ? 'would be recomputed' : 'recomputed';
  const isOfDays = mode === 'metrics';
  return [
    isOfDays
      ? `${runId}: ${counted(recomputed, 'day')} of the community metrics ${did}`
      : `${runId}: ${counted(recomputed, 'user')} ${did}, ${counted(enqueued, 'refresh', 'es')} enqueued`,
    ...(unknown > 0 ? [`${counted(unknown, 'more user')} unknown to this stack`] : []),
    ...(failed > 0
      ? [`${counted(failed, isOfDays ? 'day' : 'user')} could not be recomputed: see the log of the function backfill`]
      : []),
  ].join('\n');
}
