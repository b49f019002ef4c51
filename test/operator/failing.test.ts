import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DeleteItemCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { marshall } from '@aws-sdk/util-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, targetOf } from '../../operator/connection.ts';
import { readFailing } from '../../operator/failing.ts';
import { operate } from '../support/operator.ts';
import { promptly, startTestStack, type TestStack, until } from '../support/stack.ts';

describe('a function that fails on message after message on the running stack', () => {
  let stack: TestStack;
  const said: string[] = [];
  beforeAll(async () => {
    // A failed message comes again after two seconds, and is never given up.
    const RedrivePolicy = (attributes: Readonly<Record<string, string>>) =>
      JSON.stringify({ ...JSON.parse(attributes.RedrivePolicy!), maxReceiveCount: 1_000 });
    stack = await startTestStack({
      onHealth: (sentence) => said.push(sentence),
      adapt: (model) => {
        const adapted = ({ role, attributes }: (typeof model.queues)[number]) =>
          role === 'score-refresh'
            ? { ...attributes, VisibilityTimeout: '2', RedrivePolicy: RedrivePolicy(attributes) }
            : attributes;
        const own = (queue: (typeof model.queues)[number]) => ({ ...queue, attributes: adapted(queue) });
        const queueMappings = model.queueMappings.map((mapping) => ({ ...mapping, queue: own(mapping.queue) }));
        return promptly({ ...model, queues: model.queues.map(own), queueMappings });
      },
    });
    stack.publish();
  });
  afterAll(() => stack.stop());

  it('is shown with its queue and last error by `laurel status`, and on the terminal until it has recovered', async () => {
    const credentials = { accessKeyId: 'operator', secretAccessKey: 'operator' };
    const dynamodb = new DynamoDBClient({ region: stack.region, credentials, endpoint: stack.dynamodbEndpoint });
    const sqs = new SQSClient({ region: stack.region, credentials, endpoint: stack.sqsEndpoint });
    // An item that no refresh can read, as after a manual change.
    const broken = { TableName: stack.tables.user_scores!, Key: marshall({ pk: 'USER#dara', sk: 'METRICS' }) };
    await dynamodb.send(new PutItemCommand({ ...broken, Item: { ...broken.Key, ...marshall({ rev: 'one' }) } }));
    const QueueUrl = stack.queues['score-refresh']!;
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '{"username": "dara"}' }));

    await until(() => said.length > 0);
    expect(said).toEqual([
      expect.stringMatching(/^refresh-score began to fail at messages of score-refresh: \$?ZodError/),
    ]);
    const { code, said: status } = await operate(stack.dataDirectory, 'status');
    expect(code).toBe(3);
    expect(status.failing).toEqual([
      {
        function: 'refresh-score',
        queue: 'score-refresh',
        streams: [],
        failed: expect.any(Number),
        withinSeconds: 600,
        lastError: expect.stringMatching(/^\$?ZodError/),
        lastErrorAt: expect.any(String),
        log: expect.stringContaining('refresh-score.log'),
      },
    ]);
    expect(status.failing[0].failed).toBeGreaterThan(0);

    await dynamodb.send(new DeleteItemCommand(broken));
    await until(() => said.length > 1);
    expect(said.slice(1)).toEqual(['refresh-score is well again']);
    await stack.drain();
    expect(await operate(stack.dataDirectory, 'status')).toMatchObject({ code: 0, said: { failing: [] } });
    dynamodb.destroy();
    sqs.destroy();
  });
});

describe('a function that fails on a stage', () => {
  const NOW = Date.parse('2026-08-21T12:00:00.000Z');
  const minutesAgo = (minutes: number) => new Date(NOW - minutes * 60_000);
  const [metrics, logs] = [mockClient(CloudWatchClient), mockClient(CloudWatchLogsClient)];
  const queues = new Map(
    Object.entries({ 'score-refresh': 361, 'roll-up': 1_801, rank: 5_401, backfill: 1_800 }).map(
      ([role, visibilitySeconds]) => [
        role,
        { waiting: 0, inFlight: role === 'roll-up' ? 0 : 1, delayed: 0, visibilitySeconds },
      ],
    ),
  );

  it('is found by its own metric and by Lambda’s while the failed work has not come again, with its last error', async () => {
    metrics.on(GetMetricDataCommand).callsFake(({ MetricDataQueries }) => {
      const data = (metric: string, role: string, ...values: [Date, number][]) => {
        const { Id } = MetricDataQueries.find(({ MetricStat: { Metric } }: any) => {
          return Metric.MetricName === metric && Metric.Dimensions[0].Value === `laurel-prod-${role}`;
        });
        return { Id, Timestamps: values.map(([at]) => at), Values: values.map(([, value]) => value) };
      };
      return {
        MetricDataResults: [
          data('FailedItems', 'rank-leaderboards', [minutesAgo(70), 1]),
          data('FailedItems', 'refresh-score', [minutesAgo(70), 9]), // retried long ago
          data('FailedItems', 'announce-changes', [minutesAgo(5), 2]),
          data('Errors', 'announce-changes', [minutesAgo(5), 1], [minutesAgo(80), 50]),
        ],
      };
    });
    const event = (at: string, error: object) => ({
      message: JSON.stringify({ level: 'ERROR', timestamp: at, ...error }),
    });
    logs
      .on(FilterLogEventsCommand, { logGroupName: '/aws/lambda/laurel-prod-rank-leaderboards' })
      .resolvesOnce({ nextToken: 'more', events: [event('2026-08-21T10:50:00Z', { message: 'older' })] })
      .resolves({
        events: [event('2026-08-21T10:51:00Z', { message: 'm', error: { name: 'Late', message: 'why\n  so' } })],
      })
      .on(FilterLogEventsCommand, { logGroupName: '/aws/lambda/laurel-prod-announce-changes' })
      .resolves({
        events: [
          event('2026-08-21T11:54:00Z', { message: 'unreadable stream record', table: 'laurel-prod-registry' }),
          event('2026-08-21T11:55:00Z', { message: 'not announced', table: 'laurel-prod-score_grants' }),
          event('2026-08-21T11:55:00Z', { message: { errorType: 'Boom', errorMessage: 'now' } }),
        ],
      });

    const failing = await readFailing(connect(targetOf({ stage: 'prod' }, {})), queues, NOW);

    expect(failing).toMatchObject([
      { function: 'rank-leaderboards', queue: 'rank', failed: 1, withinSeconds: 5_401, lastError: 'Late: why so' },
      {
        function: 'announce-changes',
        queue: null,
        streams: ['registry', 'score_grants'],
        failed: 3,
        lastError: 'Boom: now',
        lastErrorAt: '2026-08-21T11:55:00Z',
      },
    ]);
    const [{ args }] = metrics.commandCalls(GetMetricDataCommand) as [any];
    // its queue is empty, so nothing can still fail
    expect(JSON.stringify(args[0].input)).not.toContain('roll-up-metrics');
  });
});
