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
  const onMoved = () => undefined;
  return redrive({ sqs: new SQSClient(), from: 'dlq', to: 'queue', rate, clock: () => 0, onMoved });
};

describe('a redrive where SQS moves messages itself', () => {
  it('starts one task at the rate and follows it to its end', async () => {
    sqs.on(StartMessageMoveTaskCommand).resolves({ TaskHandle: 't' });
    sqs
      .on(ListMessageMoveTasksCommand)
      .resolvesOnce({}) // not listed yet
      .resolves({ Results: [{ Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 7 }] });

    expect(await redriveNow(20)).toEqual({ moved: 7, by: 'task' });
    expect(sqs.commandCalls(StartMessageMoveTaskCommand).map(({ args }) => args[0].input)).toEqual([
      { SourceArn: arn, MaxNumberOfMessagesPerSecond: 20 },
    ]);
  });

  it('fails where the task does, with its reason', async () => {
    sqs.on(StartMessageMoveTaskCommand).resolves({ TaskHandle: 't' });
    sqs.on(ListMessageMoveTasksCommand).resolves({ Results: [{ Status: 'FAILED', FailureReason: 'AccessDenied' }] });

    await expect(redriveNow()).rejects.toMatchObject({ name: 'OperatorError', code: 'redrive_ended' });
  });

  it('does not move by hand what SQS refused for another reason than not knowing how', async () => {
    const refusal = Object.assign(new Error('no'), { name: 'AccessDenied' });
    sqs.on(StartMessageMoveTaskCommand).rejects(refusal);

    await expect(redriveNow()).rejects.toBe(refusal);
  });
});
