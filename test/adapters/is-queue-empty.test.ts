import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, expect, it } from 'vitest';
import { isQueueEmpty } from '../../functions/adapters/sqs/is-queue-empty.sqs.ts';

const sqs = mockClient(SQSClient);
afterEach(() => sqs.reset());

const NONE = {
  ApproximateNumberOfMessages: '0',
  ApproximateNumberOfMessagesNotVisible: '0',
  ApproximateNumberOfMessagesDelayed: '0',
};
const isEmpty = (attributes?: Record<string, string>) => {
  sqs.on(GetQueueAttributesCommand).resolves(attributes === undefined ? {} : { Attributes: attributes });
  return isQueueEmpty(new SQSClient(), 'https://sqs/queue');
};

it('a queue of which SQS counts nothing is empty', async () => {
  expect(await isEmpty(NONE)).toBe(true);
  const [call] = sqs.commandCalls(GetQueueAttributesCommand);
  expect(new Set(call!.args[0].input.AttributeNames)).toEqual(new Set(Object.keys(NONE)));
});

it.each(Object.keys(NONE))('it is not where there is one message of %s', async (name) => {
  expect(await isEmpty({ ...NONE, [name]: '1' })).toBe(false);
});

it.each<[what: string, attributes: Record<string, string> | undefined]>([
  ['no counts at all', undefined],
  ['one count too few', { ApproximateNumberOfMessages: '0' }],
  ['a count that is none', { ...NONE, ApproximateNumberOfMessages: '' }],
])('an answer with %s is not taken for an empty queue', async (_what, attributes) => {
  await expect(isEmpty(attributes)).rejects.toThrow();
});
