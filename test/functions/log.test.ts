import { beforeEach, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import type { Reply } from '../../functions/runtime/problems.ts';
import { anHttpRequest } from '../builders/http-request.ts';

vi.hoisted(() => {
  process.env.AWS_LAMBDA_LOG_LEVEL = 'INFO';
});
const printed: any[] = [];
vi.spyOn(process.stdout, 'write').mockImplementation((line) => printed.push(JSON.parse(String(line))) > 0);
beforeEach(() => void printed.splice(0));
const { logger } = await import('../../functions/runtime/log.ts');
const { httpFunction } = await import('../../functions/runtime/http-function.ts');
const { route } = await import('../../functions/runtime/route.ts');

const answer = (reply: Reply) =>
  httpFunction({
    wire: () => ({ authenticate: async () => undefined }),
    routes: [
      route({
        ...{ method: 'GET', path: '/any', summary: 'Any', access: 'anyone', request: z.object({}), answers: {} },
        handle: async () => reply,
      }),
    ],
  })(anHttpRequest({ method: 'GET', path: '/any' }));

it('a request and its figures are one line; a figure of 0 is no metric', async () => {
  await answer({ status: 200, body: {}, counts: { Accepted: 2, Duplicates: 3, Ignored: 0 } });

  expect(printed).toMatchObject([{ route: '/any', status: 200, Accepted: 2, Duplicates: 3, Ignored: 0 }]);
  const [{ Namespace, Dimensions, Metrics }] = printed[0]._aws.CloudWatchMetrics;
  expect({ Namespace, Dimensions, Metrics }).toEqual({
    Namespace: 'Laurel',
    Dimensions: [['service']],
    Metrics: [{ Name: 'Duplicates', Unit: 'Count' }], // the log's filter counts what was accepted
  });
  expect(printed[0].service).toBeTypeOf('string');
});

it('a request without other figures publishes none', async () => {
  await answer({ status: 200, body: {}, counts: { Accepted: 2 } });

  expect(printed).toMatchObject([{ message: 'request', status: 200, Accepted: 2 }]);
  expect(printed[0]).not.toHaveProperty('_aws');
});

it('an error is told by its name, its words, its place and its cause, without what else it holds', () => {
  const cause = new RangeError('too far', { cause: 7n });
  logger.error('failed', { error: Object.assign(new Error('no', { cause }), { $response: { of: 'AWS' } }) });

  const stack = expect.stringContaining('log.test.ts');
  const error = {
    name: 'Error',
    message: 'no',
    stack,
    cause: { name: 'RangeError', message: 'too far', stack, cause: '7' },
  };
  expect(printed).toEqual([
    { level: 'ERROR', message: 'failed', timestamp: expect.stringMatching(/Z$/u), service: expect.any(String), error },
  ]);
});
