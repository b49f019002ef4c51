import {
  GetQueueAttributesCommand,
  ListMessageMoveTasksCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, describe, expect, it } from 'vitest';
import { redrive } from '../../operator/redrive.ts';

/**
 * SQS's own move task, which the test engine does not have. Another test moves messages one by one on the running
 * stack.
 */
const sqs = mockClient(SQSClient);
afterEach(() => sqs.reset());

const arn = 'arn:aws:sqs:eu-central-1:123456789012:laurel-prod-score-refresh-dlq';
const redriveNow = (rate?: number) => {
  sqs.on(GetQueueAttributesCommand).resolves({ Attributes: { QueueArn: arn } });
  sqs.on(StartMessageMoveTaskCommand).resolves({ TaskHandle: 'ours' });
  const [wait, onMoved] = [async () => undefined, () => undefined];
  return redrive({ sqs: new SQSClient(), from: 'dlq', to: 'queue', rate, clock: () => 0, wait, onMoved });
};
const started = () => sqs.commandCalls(StartMessageMoveTaskCommand).map(({ args }) => args[0].input);

const yesterdays = { Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 99, StartedTimestamp: 1_000 };
const running = { TaskHandle: 'ours', Status: 'RUNNING', StartedTimestamp: 2_000 };
const done = { Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 7, StartedTimestamp: 2_000 };
/** The task list over several reads. The first read is before the task starts. */
const listing = (...lists: object[][]) => {
  const asked = sqs.on(ListMessageMoveTasksCommand);
  for (const Results of lists) asked.resolvesOnce({ Results });
};

describe("a redrive with SQS's own move task", () => {
  it('starts one task at the rate and waits for that one, not for other listed tasks', async () => {
    listing([yesterdays], [yesterdays], [running, yesterdays], [done, yesterdays]);

    expect(await redriveNow(20)).toEqual({ moved: 7, by: 'task' });
    expect(started()).toEqual([{ SourceArn: arn, MaxNumberOfMessagesPerSecond: 20 }]);
  });

  it('recognizes its own task if that ended before it was listed, even if a later one is listed too', async () => {
    listing(
      [yesterdays],
      [{ ...done, StartedTimestamp: 3_000, ApproximateNumberOfMessagesMoved: 1 }, done, yesterdays],
    );

    expect(await redriveNow()).toEqual({ moved: 7, by: 'task' });
  });

  it('fails if its task fails, with the reason', async () => {
    listing([], [{ Status: 'FAILED', FailureReason: 'AccessDenied', StartedTimestamp: 2_000 }]);

    await expect(redriveNow()).rejects.toMatchObject({ name: 'OperatorError', code: 'redrive_ended' });
  });

  it.each([['RUNNING'], ['CANCELLING']])('starts no task while another one is %s, and reports it', async (Status) => {
    listing([{ ...running, TaskHandle: 'other', Status }]);

    await expect(redriveNow()).rejects.toMatchObject({
      code: 'redrive_running',
      message: expect.stringContaining('1970-01-01T00:00:02.000Z'),
    });
    expect(started()).toEqual([]);
  });

  it('does not move messages itself if SQS refused for any other reason than an unsupported operation', async () => {
    const refusal = Object.assign(new Error('no'), { name: 'AccessDenied' });
    sqs.on(ListMessageMoveTasksCommand).rejects(refusal);

    await expect(redriveNow()).rejects.toBe(refusal);
  });
});
