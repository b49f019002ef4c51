import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { awsCaller } from '../../local/aws-client.ts';
import { startTestStack, type TestStack, until } from '../support/stack.ts';
import { aFunction, aQueue, tinyAssembly } from './tiny-stack.ts';

const tiny = tinyAssembly({
  Jobs: aQueue('jobs', { VisibilityTimeout: 1 }),
  ...aFunction('worker', { handler: 'export const handler = async (event) => note(event);' }),
});
let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack({ assembly: tiny.assembly });
});
afterAll(() => stack.stop());

type Sent = { readonly headers?: Record<string, string>; readonly body?: string; readonly path?: string };
const post = ({ headers = {}, body = '', path = '/' }: Sent) =>
  new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
    const { hostname, port } = new URL(stack.lambdaEndpoint);
    const outgoing = request({ hostname, port, path, method: 'POST', headers }, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
      answer.on('end', () => resolve({ status: answer.statusCode, text }));
    });
    outgoing.on('error', reject).end(body);
  });
const invoke = (reference: string, { body = '{}', ...sent }: Sent & { readonly query?: string } = {}) =>
  post({ ...sent, body, path: `/2015-03-31/functions/${reference}/invocations${sent.query ?? ''}` });
const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:tiny-worker';

describe('the Invoke call', () => {
  it.each([
    ['its name', 'tiny-worker', ''],
    ['its name and qualifier', 'tiny-worker:$LATEST', ''],
    ['its name, and a qualifier in the query', 'tiny-worker', '?Qualifier=%24LATEST'],
    ['account and name', '000000000000:function:tiny-worker', ''],
    ['its ARN', encodeURIComponent(ARN), ''],
    ['its ARN and qualifier', `${ARN}:$LATEST`, '?Qualifier=$LATEST'],
  ])('finds a function by %s', async (_what, reference, query) => {
    const before = tiny.notes().length;
    expect(await invoke(reference, { query })).toEqual({ status: 200, text: 'null' });
    expect(tiny.notes()).toHaveLength(before + 1);
  });

  it.each([
    ['another name', 'tiny-other', '', 404, 'Function not found: tiny-other'],
    ['an unknown version', 'tiny-worker:7', '', 404, 'Function not found: tiny-worker:7'],
    ['an unknown alias', 'tiny-worker', '?Qualifier=live', 404, 'Function not found: tiny-worker:live'],
    ['an ARN of another account', ARN.replace('000000000000', '111111111111'), '', 404, 'Function not found'],
    ['an ARN of another region', ARN.replace('us-east-1', 'eu-west-1'), '', 404, 'Function not found'],
    ['two qualifiers', 'tiny-worker:$LATEST', '?Qualifier=live', 400, 'qualifier'],
    ['a name with an invalid encoding', '%E0%A4%A', '', 404, 'Function not found'],
  ])('refuses %s', async (_what, reference, query, status, sentence) => {
    const answer = await invoke(reference, { query });
    expect(answer).toEqual({ status, text: expect.stringContaining(sentence) });
  });

  it('runs nothing on a dry run, and answers at once for an event', async () => {
    const before = tiny.notes().length;
    const typed = (type: string, reference = 'tiny-worker') =>
      invoke(reference, { headers: { 'x-amz-invocation-type': type }, body: '{"by":"event"}' });

    expect(await typed('DryRun')).toEqual({ status: 204, text: '' });
    expect(await typed('DryRun', 'tiny-other')).toMatchObject({ status: 404 });
    expect(await typed('Sometimes')).toMatchObject({ status: 400, text: expect.stringContaining('DryRun') });
    expect(await typed('Event')).toEqual({ status: 202, text: '' });
    await until(() => tiny.notes().length > before);
    expect(tiny.notes().slice(before)).toEqual([{ by: 'event' }]);
  });
});

describe('the AWS endpoint', () => {
  const listQueues = { 'x-amz-target': 'AmazonSQS.ListQueues', 'content-type': 'application/x-amz-json-1.0' };

  it.each([
    ['a page of another host', { origin: 'https://evil.example' }],
    ['a page on another port', { origin: 'http://localhost:3000' }],
    ['a page without an origin', { origin: 'null' }],
    ['a name that resolves to this machine', { host: 'evil.example:80' }],
    ['a name with the same prefix', { host: 'localhost.evil.example' }],
  ])('refuses %s, on each of its services', async (_what, headers) => {
    const before = tiny.notes().length;
    expect(await post({ headers: { ...listQueues, ...headers }, body: '{}' })).toMatchObject({ status: 403 });
    expect(await invoke('tiny-worker', { headers })).toMatchObject({ status: 403 });
    expect(tiny.notes()).toHaveLength(before);
  });

  it.each(['127.0.0.1:1', 'localhost:1', 'sqs.localhost:1', '[::1]:1'])('answers as %s', async (host) => {
    expect(await post({ headers: { ...listQueues, host }, body: '{}' })).toMatchObject({ status: 200 });
  });

  it('tells a client with the query protocol which version it needs', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
    const { status, text } = await post({ headers, body: 'Action=ListQueues&Version=2012-11-05' });

    expect(status).toBe(400);
    expect(text).toMatch(/^<ErrorResponse .*<Message>[^<]*AWS CLI 2\.13\.33 [^<]*boto3 1\.28\.82[^<]*<\/Message>/u);
  });
});

describe('a queue without a consumer', () => {
  it('counts a message as waiting again when its visibility timeout is over', async () => {
    const call = awsCaller(stack.sqsEndpoint, 'operator');
    const QueueUrl = stack.queues.jobs;
    const counts = async () => {
      const answer: any = await call('AmazonSQS.GetQueueAttributes', { QueueUrl, AttributeNames: ['All'] });
      const { ApproximateNumberOfMessages: waiting, ApproximateNumberOfMessagesNotVisible: inFlight } =
        answer.Attributes;
      return { waiting, inFlight };
    };
    await call('AmazonSQS.SendMessage', { QueueUrl, MessageBody: 'one' });
    await call('AmazonSQS.ReceiveMessage', { QueueUrl });

    await until(async () => (await counts()).inFlight === '0');
    expect(await counts()).toEqual({ waiting: '1', inFlight: '0' });
  });
});
