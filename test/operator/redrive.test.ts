import {
  GetQueueAttributesCommand,
  ListMessageMoveTasksCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, describe, expect, it } from 'vitest';
import { redrive } from '../../operator/redrive.ts';

/** What the engine at hand has not: SQS's own move task. The move by hand is shown on the running stack. */
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
/** The list of tasks as it is read again and again; the first reading is before the task is started. */
const listing = (...lists: object[][]) => {
  const asked = sqs.on(ListMessageMoveTasksCommand);
  for (const Results of lists) asked.resolvesOnce({ Results });
};

describe('a redrive where SQS moves messages itself', () => {
  it('starts one task at the rate and waits for that one, not for what is listed of others', async () => {
    listing([yesterdays], [yesterdays], [running, yesterdays], [done, yesterdays]);

    expect(await redriveNow(20)).toEqual({ moved: 7, by: 'task' });
    expect(started()).toEqual([{ SourceArn: arn, MaxNumberOfMessagesPerSecond: 20 }]);
  });

  it('knows its own task that was over before it was listed, when a later one is listed too', async () => {
    listing(
      [yesterdays],
      [{ ...done, StartedTimestamp: 3_000, ApproximateNumberOfMessagesMoved: 1 }, done, yesterdays],
    );

    expect(await redriveNow()).toEqual({ moved: 7, by: 'task' });
  });

  it('fails where its task does, with the reason', async () => {
    listing([], [{ Status: 'FAILED', FailureReason: 'AccessDenied', StartedTimestamp: 2_000 }]);

    await expect(redriveNow()).rejects.toMatchObject({ name: 'OperatorError', code: 'redrive_ended' });
  });

  it.each([['RUNNING'], ['CANCELLING']])('starts none while another one is %s, and says so', async (Status) => {
    listing([{ ...running, TaskHandle: 'other', Status }]);

    await expect(redriveNow()).rejects.toMatchObject({
      code: 'redrive_running',
      message: expect.stringContaining('1970-01-01T00:00:02.000Z'),
    });
    expect(started()).toEqual([]);
  });

  it('does not move by hand what SQS refused for another reason than not knowing how', async () => {
    const refusal = Object.assign(new Error('no'), { name: 'AccessDenied' });
    sqs.on(ListMessageMoveTasksCommand).rejects(refusal);

    await expect(redriveNow()).rejects.toBe(refusal);
  });
});
