import { setTimeout as sleep } from 'node:timers/promises';
import { SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { ConsistencyReport } from '../../domain/consistency-check/consistency-report.ts';
import { settleAll } from '../../domain/shared/settle-all.ts';
import { hourOf } from '../../domain/shared/utc.ts';
import type { LocalDescription } from '../../local/local-description.ts';
import { isDeadLetterRole, readQueue } from '../../operator/queues.ts';
import { redrive } from '../../operator/redrive.ts';
import { OLDEST_EVENT_HOURS } from './steps.ts';
import type { StackFigures } from './reconcile.ts';
import type { StackProcess } from './stack-process.ts';

const DEAD_LETTERS = '-dlq';
/**
 * After the crashes, a slow message is still being handled. On a slow machine a short timeout would only deliver it
 * twice.
 */
const PATIENT_SECONDS = '120';
/** A delayed message that was received before may die after the first redrive. */
const MAX_REDRIVES = 3;

/**
 * Waits until all work is done, then redrives dead letters as the runbook describes. Returns their numbers by queue.
 */
export async function settle(stack: StackProcess, timeoutMs: number): Promise<ReadonlyMap<string, number>> {
  const { queues } = stack.description;
  const sqs = operatorOf(stack.description);
  const redriven = new Map<string, number>();
  try {
    await stack.ask({ kind: 'drain', timeoutMs });
    for (const role of Object.keys(queues)) {
      const QueueUrl = queues[sourceOf(role)];
      if (QueueUrl === undefined) continue;
      const Attributes = { VisibilityTimeout: PATIENT_SECONDS };
      await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
    }
    for (let time = 0; time < MAX_REDRIVES; time += 1) {
      const waiting = (await depths(sqs, queues)).filter(([role, count]) => count > 0 && sourceOf(role) in queues);
      if (waiting.length === 0) break;
      for (const [role] of waiting) {
        const [from, to] = [queues[role], queues[sourceOf(role)]];
        if (from === undefined || to === undefined) continue;
        const [clock, wait, onMoved] = [Date.now, sleep, () => undefined];
        const { moved } = await redrive({ sqs, from, to, rate: undefined, clock, wait, onMoved });
        redriven.set(role, (redriven.get(role) ?? 0) + moved);
      }
      await stack.ask({ kind: 'drain', timeoutMs });
    }
  } finally {
    sqs.destroy();
  }
  return redriven;
}

/** The source queue of a dead letter. */
const sourceOf = (role: string): string =>
  role.endsWith(DEAD_LETTERS) ? role.slice(0, -DEAD_LETTERS.length) : 'none: it holds positions';

/** The stack's own figures beside its API, after all work is done. */
export async function figuresOf({ description }: StackProcess): Promise<StackFigures> {
  const sqs = operatorOf(description);
  try {
    const [checked] = await settleAll(
      [
        () => invoke(description, 'check-conservation', { sample: 'all', standingSeconds: 0 }),
        () => rollUpNow(description),
      ],
      2,
      (work) => work(),
    );
    const leftOver = new Map(await depths(sqs, description.queues));
    return { leftOver, consistency: ConsistencyReport.parse(checked) };
  } finally {
    sqs.destroy();
  }
}

/**
 * Rolls up the hours that events are sent for now, not a minute after the last change. The whole work of the function
 * would cover five weeks.
 */
async function rollUpNow(description: LocalDescription): Promise<void> {
  const now = Date.now();
  const hours = Array.from({ length: OLDEST_EVENT_HOURS + 2 }, (_, back) => hourOf(now - back * 3_600_000));
  const Records = hours.map((hour) => ({ messageId: hour, body: JSON.stringify({ hour }) }));
  const { batchItemFailures } = Failures.parse(await invoke(description, 'roll-up-metrics', { Records }));
  if (batchItemFailures.length > 0) throw new Error(`roll-up-metrics failed for ${JSON.stringify(batchItemFailures)}`);
}

const Failures = z.object({ batchItemFailures: z.array(z.unknown()) });

function operatorOf({ region, sqsEndpoint: endpoint }: LocalDescription): SQSClient {
  return new SQSClient({ region, endpoint, credentials: { accessKeyId: 'operator', secretAccessKey: 'operator' } });
}

/** The numbers of unhandled messages, by the role of their queue. */
async function depths(sqs: SQSClient, queues: LocalDescription['queues']): Promise<[string, number][]> {
  const found: [string, number][] = [];
  for (const [role, url] of Object.entries(queues)) {
    if (!isDeadLetterRole(role)) continue;
    const { waiting, inFlight } = await readQueue(sqs, url);
    found.push([role, (waiting ?? 0) + (inFlight ?? 0)]);
  }
  return found;
}

async function invoke(description: LocalDescription, role: string, event: object): Promise<unknown> {
  const name = description.functions[role];
  if (name === undefined) throw new Error(`There is no function ${role}`);
  const url = `${description.lambdaEndpoint}/2015-03-31/functions/${name}/invocations`;
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(event) });
  const body: unknown = await answer.json();
  if (answer.headers.has('x-amz-function-error'))
    throw new Error(`${role} failed: ${JSON.stringify(z.json().parse(body))}`);
  return body;
}
