import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import type { AwsCall } from './aws-client.ts';
import type { EventSource } from './events/event-source.ts';
import type { FunctionPool } from './lambda/function-pool.ts';
import type { StackModel } from './template/stack-model.ts';

/** The log of errors that happened outside the functions. */
export const STACK_LOG = 'stack.log';

const Counts = z.object({ Attributes: z.record(z.string(), z.coerce.number()) });
const COUNTS = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'];
/**
 * Its messages are delayed for seconds. In other queues they are delayed for minutes and not counted: a caller that needs
 * their work now invokes the function.
 */
const SOON = 'score-refresh';

/**
 * Waits until no work is left, without waiting for batch windows. Throws after `timeoutMs`, with the work that is left
 * and the last errors in the logs.
 */
export async function drain(given: {
  readonly stack: StackModel;
  readonly functions: ReadonlyMap<string, FunctionPool>;
  readonly sources: readonly EventSource[];
  readonly operator: AwsCall;
  readonly timeoutMs: number;
  readonly logs: string;
  /** Queues whose work is not waited for, by their roles. */
  readonly except?: readonly string[] | undefined;
}): Promise<void> {
  const busy = (): readonly string[] => [
    ...given.sources.filter((source) => !source.isIdle()).map(({ name }) => name),
    ...[...given.functions.values()].filter((pool) => pool.inFlight() > 0).map(({ model }) => model.role),
  ];
  const isAwaited = (work: string): boolean => given.except?.some((role) => work.includes(role)) !== true;
  const pending = async (): Promise<readonly string[]> => {
    const running = busy().filter(isAwaited);
    if (running.length > 0) return running; // the queues need not be asked
    const queued = given.stack.queueMappings.map(async ({ queue }) => {
      const answer = await given.operator('AmazonSQS.GetQueueAttributes', {
        QueueUrl: queue.url,
        AttributeNames: queue.role === SOON ? [...COUNTS, 'ApproximateNumberOfMessagesDelayed'] : COUNTS,
      });
      const count = Object.values(Counts.parse(answer).Attributes).reduce((sum, each) => sum + each, 0);
      return count === 0 ? [] : [`${count} messages in ${queue.role}`];
    });
    return [...(await Promise.all(queued)).flat(), ...busy()].filter(isAwaited);
  };
  const until = Date.now() + given.timeoutMs;
  let idleChecks = 0;
  for (;;) {
    for (const source of given.sources) source.flush();
    const left = await pending();
    idleChecks = left.length === 0 ? idleChecks + 1 : 0;
    if (idleChecks === 2) return; // a single check could fall between the receipt of a message and its invocation
    if (Date.now() > until) {
      throw new Error(
        [`Not idle after ${given.timeoutMs} ms: ${left.join(', ')}`, ...lastErrors(given.logs)].join('\n'),
      );
    }
    await sleep(50);
  }
}

const ERRORS_OF_A_LOG = 3;

/** The last errors in the logs of the functions and of the stack. */
const lastErrors = (logs: string): readonly string[] =>
  readdirSync(logs).flatMap((file) =>
    readFileSync(join(logs, file), 'utf8')
      .split('\n')
      .filter((line) => line.includes('"level":"ERROR"') || (file === STACK_LOG && line !== ''))
      .slice(-ERRORS_OF_A_LOG)
      .map((line) => `${file}: ${line}`),
  );
