import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { jsonOf } from './api.ts';
import type { Connection } from './connection.ts';
import { OperatorError } from './outcome.ts';

/** The answer of the function. Its figures are the totals of all invocations of the run. */
export const BackfillAnswer = z.looseObject({
  runId: z.string(),
  status: z.enum(['running', 'done']),
  mode: z.string().optional(),
  recomputed: z.number(),
  enqueued: z.number(),
  phase: z.string().optional(),
  planned: z.number().nullish(),
  handled: z.number().optional(),
  unknown: z.number().optional(),
  failed: z.number().optional(),
});
export type BackfillAnswer = z.infer<typeof BackfillAnswer>;

const Failure = z.object({ errorType: z.string().default('Error'), errorMessage: z.string().default('') });

/** The function threw an error: the request was invalid, or something broke. */
class BackfillFailedError extends OperatorError {}

/** Lambda ended the function. The run itself has not failed: its next invocation continues it. */
const CUT_OFF = /^(?:Sandbox\.Timedout|Runtime\.\w+)$|timed out/i;
const NETWORK: ReadonlySet<string> = new Set(['TimeoutError', 'AbortError', 'NetworkingError', 'TypeError']);

/** True if a retry may help: the connection broke, or the other side is starting, busy or failing. */
export function isTransient(error: unknown): boolean {
  if (error instanceof BackfillFailedError) return error.code === 'cut_off';
  if (error instanceof OperatorError) return error.code === 'not_running';
  if (!(error instanceof Error)) return false;
  if (NETWORK.has(error.name) || ('code' in error && typeof error.code === 'string')) return true; // ECONNREFUSED …
  const { data } = z.object({ $metadata: z.object({ httpStatusCode: z.number().optional() }) }).safeParse(error);
  const status = data?.$metadata.httpStatusCode;
  return status === 429 || (status !== undefined && status >= 500);
}

export async function invokeBackfill(connection: Connection, event: object): Promise<BackfillAnswer> {
  const FunctionName = connection.functionName('backfill');
  const { Payload, FunctionError } = await connection
    .lambda()
    .send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }));
  const value = jsonOf(Payload?.transformToString() ?? '');
  if (FunctionError === undefined) return BackfillAnswer.parse(value);
  const { errorType, errorMessage } = Failure.parse(value ?? {});
  const isCutOff = CUT_OFF.test(errorType) || CUT_OFF.test(errorMessage);
  throw new BackfillFailedError(
    isCutOff ? 'cut_off' : errorType,
    `the backfill function failed: ${errorMessage || errorType}`,
  );
}

export type Following = {
  readonly connect: () => Connection;
  readonly clock: () => number;
  readonly onAnswer: (answer: BackfillAnswer) => void;
  /** Called when the connection breaks, and after each failed retry. */
  readonly onLost: (error: unknown) => void;
};

const POLL_MS = 1_000;
const LONGEST_WAIT_MS = 10_000;
/** Longer than a deployment or the restart of a machine. */
const GIVE_UP_AFTER_MS = 15 * 60_000;

/**
 * Polls a run until it is done. Each poll also continues a run that nobody is working on. A broken connection is
 * retried. Each retry reads the stack's address again, because a restarted local stack uses other ports.
 */
export async function followBackfill(runId: string, following: Following): Promise<BackfillAnswer> {
  let lastSeen: number | undefined;
  let waitMs = POLL_MS;
  for (;;) {
    try {
      const answer = await invokeBackfill(following.connect(), { runId });
      following.onAnswer(answer);
      if (answer.status === 'done') return answer;
      lastSeen = following.clock();
      waitMs = POLL_MS;
    } catch (error) {
      // Until the run was seen once, it may not exist.
      const mayPass = isTransient(error) || (lastSeen !== undefined && error instanceof BackfillFailedError);
      lastSeen ??= following.clock();
      if (!mayPass || following.clock() - lastSeen > GIVE_UP_AFTER_MS) throw error;
      following.onLost(error);
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    }
    await sleep(waitMs);
  }
}
