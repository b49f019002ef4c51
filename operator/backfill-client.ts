import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { jsonOf } from './api.ts';
import type { Connection } from './connection.ts';
import { OperatorError } from './outcome.ts';

/** What the function answers: cumulative over all of a run's invocations. */
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

/** The function threw: what it was asked cannot be, or something broke. */
export class BackfillFailedError extends OperatorError {}

/** Lambda ended the function, which says nothing about the run: what is unfinished is continued. */
const CUT_OFF = /^(?:Sandbox\.Timedout|Runtime\.\w+)$|timed out/i;
const NETWORK: ReadonlySet<string> = new Set(['TimeoutError', 'AbortError', 'NetworkingError', 'TypeError']);

/** Whether trying again may help: the line broke, or the other end is starting, busy or failing. */
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
  /** Tells that the line broke, and of each try to reach it again. */
  readonly onLost: (error: unknown) => void;
};

const POLL_MS = 1_000;
const LONGEST_WAIT_MS = 10_000;
/** Longer than a deployment or the restart of a machine takes. */
const GIVE_UP_AFTER_MS = 15 * 60_000;

/**
 * Asks for a run until it is done. Each asking also takes up a run that nobody is working on. A broken line is tried
 * again, and where the stack is is read anew: a local one comes back on other ports.
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
      // Before the run was seen once, it may well be one that there is not.
      const mayPass = isTransient(error) || (lastSeen !== undefined && error instanceof BackfillFailedError);
      lastSeen ??= following.clock();
      if (!mayPass || following.clock() - lastSeen > GIVE_UP_AFTER_MS) throw error;
      following.onLost(error);
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    }
    await sleep(waitMs);
  }
}
