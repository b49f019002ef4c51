import type { AwsCall } from '../aws-client.ts';
import type { InvocationResult } from '../lambda/function-pool.ts';
import { isAllowed } from '../proxy/policy.ts';
import type { ScheduleModel } from '../template/stack-model.ts';
import { type EventSource, pause } from './event-source.ts';
import { readSchedule } from './schedule.ts';

/** The longest sleep before a timer checks the clock again. After a laptop has slept, its timers are late. */
const LONGEST_WAIT_MS = 60_000;
/** A run that is later than this is skipped. The next run is soon enough. */
const MISSED_AFTER_MS = 60_000;
const FIRST_RETRY_MS = 1_000;

/**
 * Sends a schedule's event to its queue or function when it is due, with the schedule's own role. A failed delivery is
 * retried by its retry policy, then sent to its dead-letter queue. It does not wait for a function to finish.
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
    flush: () => undefined, // it gathers no events
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
