import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, expect, it } from 'vitest';
import { isQueueEmpty } from '../../functions/adapters/sqs/is-queue-empty.ts';

const sqs = mockClient(SQSClient);
afterEach(() => sqs.reset());
afterAll(() => sqs.restore());

const NONE = {
  ApproximateNumberOfMessages: '0',
  ApproximateNumberOfMessagesNotVisible: '0',
  ApproximateNumberOfMessagesDelayed: '0',
};
/** Asks a queue that returns the requested attributes, as SQS does. */
const isEmpty = (attributes?: Record<string, string>) => {
  sqs.on(GetQueueAttributesCommand).callsFake(({ AttributeNames = [] }: { AttributeNames?: string[] }) => {
    const asked = Object.entries(attributes ?? {}).filter(([name]) => AttributeNames.includes(name));
    return attributes === undefined ? {} : { Attributes: Object.fromEntries(asked) };
  });
  return isQueueEmpty(new SQSClient(), 'https://sqs/queue');
};

it('a queue is empty if all counts of SQS are 0', async () => {
  expect(await isEmpty(NONE)).toBe(true);
});

it.each(Object.keys(NONE))('a queue is not empty if it has one message of %s', async (name) => {
  expect(await isEmpty({ ...NONE, [name]: '1' })).toBe(false);
});

it.each<[what: string, attributes: Record<string, string> | undefined]>([
  ['no counts at all', undefined],
  ['a missing count', { ApproximateNumberOfMessages: '0' }],
  ['a count that is not a number', { ...NONE, ApproximateNumberOfMessages: '' }],
])('an answer with %s does not mean an empty queue', async (_what, attributes) => {
  await expect(isEmpty(attributes)).rejects.toThrow();
});
