import { afterAll, expect, it } from 'vitest';
import { awsCaller } from '../../local/aws-client.ts';
import { invocationOf } from '../builders/telemetry.ts';
import { operate } from '../support/operator.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

let stack: TestStack;
afterAll(() => stack.stop());

it('ten minutes of queues that refuse every message lose no announcement, and need no operator', async () => {
  const ROLE = 'announce-changes';
  const refusing = { service: 'sqs', error: 'ServiceUnavailable', share: 1, longestDelayMs: 0 } as const;
  let minutes = 0; // one passes before each retry
  const said: string[] = [];
  let status: any;
  stack = await startTestStack({
    onHealth: (sentence) => said.push(sentence),
    streamTime: {
      clock: () => Date.now() + minutes * 60_000,
      backOff: async () => {
        minutes += 1;
        if (minutes === 5) status = await operate(stack.dataDirectory, 'status');
        if (minutes === 10) await stack.crash.disturb([ROLE], 0, refusing); // from now on, no more
      },
    },
  });
  stack.publish();
  const send = async (path: string, key: string, body: object) => {
    const headers = { 'content-type': 'application/json', 'x-api-key': key };
    return (await fetch(stack.baseUrl + path, { method: 'POST', headers, body: JSON.stringify(body) })).json();
  };
  const { key } = (await send('/v1/keys', stack.adminKey, { kind: 'personal', username: 'ada' })) as { key: string };

  void stack.crash.disturb([ROLE], 3_600_000, refusing);
  await send('/ingest', key, {
    event: 'cli_invocation',
    distinct_id: 'laptop',
    timestamp: new Date().toISOString(),
    properties: invocationOf('model'),
  });
  await stack.drain();
  expect(minutes).toBe(10);
  const failing = { function: ROLE, queue: null, streams: ['telemetry'], lastError: expect.stringMatching(/Service/u) };
  expect(status).toMatchObject({ code: 3, said: { failing: [failing] } });
  expect(said).toEqual([
    expect.stringMatching(/^announce-changes began to fail at the stream of \S*telemetry: Service/u),
    'announce-changes is well again',
  ]);

  const score = await fetch(`${stack.baseUrl}/v1/scores/ada`);
  expect(score.status).toBe(200);
  const notes = await awsCaller(stack.dynamodbEndpoint, 'operator')('DynamoDB_20120810.GetItem', {
    TableName: stack.tables.backfill_runs,
    Key: { pk: { S: 'CHECK' }, sk: { S: 'STREAMS' } },
  });
  expect(notes).toMatchObject({ Item: { lateAt: { S: expect.any(String) } } }); // the consistency check waits longer
  const { Attributes } = (await awsCaller(stack.sqsEndpoint, 'operator')('AmazonSQS.GetQueueAttributes', {
    QueueUrl: stack.queues[`${ROLE}-failures`],
    AttributeNames: ['All'],
  })) as { Attributes: Record<string, string> };
  expect(Attributes.ApproximateNumberOfMessages).toBe('0');
});
