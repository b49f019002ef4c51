import type { AwsCall } from '../aws-client.ts';
import type { InvocationResult } from '../lambda/function-pool.ts';
import { isAllowed } from '../proxy/policy.ts';
import type { ScheduleModel } from '../template/stack-model.ts';
import { type EventSource, pause } from './event-source.ts';
import { readSchedule } from './schedule.ts';

/** A timer is looked at again this often: a laptop that slept wakes up with all of them late. */
const LONGEST_WAIT_MS = 60_000;
/** What is later than this was missed: the next time is soon enough, and nothing is caught up. */
const MISSED_AFTER_MS = 60_000;
const FIRST_RETRY_MS = 1_000;

/**
 * Gives a schedule's event to its queue or its function whenever it is due, as the schedule's own role. What cannot be
 * delivered is tried again as its retry policy says, then left in its dead-letter queue. A function is not waited for.
 */
export function startScheduleSource(options: {
  readonly schedule: ScheduleModel;
  readonly call: AwsCall;
  readonly invoke: (functionName: string, event: string) => Promise<InvocationResult>;
  readonly clock: () => number;
  readonly report: (error: unknown) => void;
}): EventSource {
  const { schedule, call, invoke, clock, report } = options;
  const stopping = new AbortController();
  const isStopping = () => stopping.signal.aborted;
  const nextAfter = readSchedule(schedule.expression, clock());
  let isDelivering = false;

  const send = (QueueUrl: string) => call('AmazonSQS.SendMessage', { QueueUrl, MessageBody: schedule.input });

  const hand = async (): Promise<void> => {
    const { target, input, policy, name } = schedule;
    if (target.kind === 'queue') {
      await send(target.queue.url);
      return;
    }
    if (!isAllowed(policy, { action: 'lambda:InvokeFunction', resource: target.arn })) {
      throw new Error(`AccessDenied: the role of schedule ${name} may not invoke ${target.functionName}`);
    }
    const noteFailure = (result: InvocationResult): void => {
      if (!result.ok)
        report(new Error(`${target.functionName} failed for schedule ${name}`, { cause: result.failure }));
    };
    void invoke(target.functionName, input).then(noteFailure, report);
  };

  const deliver = async (): Promise<void> => {
    const until = clock() + schedule.maxEventAgeMs;
    for (let attempt = 0; !isStopping(); attempt += 1) {
      try {
        await hand();
        return;
      } catch (error) {
        const isLast = attempt >= schedule.maxRetries || clock() >= until;
        if (isLast && schedule.deadLetterQueue !== undefined) await send(schedule.deadLetterQueue.url);
        report(error);
        if (isLast) return;
        await pause(FIRST_RETRY_MS * 2 ** attempt, stopping.signal);
      }
    }
  };

  const run = async (): Promise<void> => {
    for (let due = nextAfter(clock()); due !== null && !isStopping();) {
      const wait = due - clock();
      if (wait > 0) {
        await pause(Math.min(wait, LONGEST_WAIT_MS), stopping.signal);
        continue;
      }
      isDelivering = true;
      if (wait > -MISSED_AFTER_MS) await deliver().catch(report);
      isDelivering = false;
      due = nextAfter(Math.max(due, clock()));
    }
  };
  const running = run();

  return {
    name: `schedule ${schedule.name}`,
    isIdle: () => !isDelivering,
    flush: () => undefined, // it gathers nothing
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
