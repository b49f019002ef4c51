import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, expect, it } from 'vitest';
import { isQueueEmpty } from '../../functions/adapters/sqs/is-queue-empty.ts';

const sqs = mockClient(SQSClient);
afterEach(() => sqs.reset());

const NONE = {
  ApproximateNumberOfMessages: '0',
  ApproximateNumberOfMessagesNotVisible: '0',
  ApproximateNumberOfMessagesDelayed: '0',
};
/** Of a queue that answers with what is asked of it, as SQS does. */
const isEmpty = (attributes?: Record<string, string>) => {
  sqs.on(GetQueueAttributesCommand).callsFake(({ AttributeNames = [] }: { AttributeNames?: string[] }) => {
    const asked = Object.entries(attributes ?? {}).filter(([name]) => AttributeNames.includes(name));
    return attributes === undefined ? {} : { Attributes: Object.fromEntries(asked) };
  });
  return isQueueEmpty(new SQSClient(), 'https://sqs/queue');
};

it('a queue of which SQS counts nothing is empty', async () => {
  expect(await isEmpty(NONE)).toBe(true);
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
