import { beforeEach, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import type { Reply } from '../../functions/runtime/problems.ts';
import { anHttpRequest } from '../builders/http-request.ts';

vi.hoisted(() => {
  process.env.POWERTOOLS_LOG_LEVEL = 'INFO';
  process.env.POWERTOOLS_METRICS_DISABLED = 'false';
  process.env.POWERTOOLS_DEV = 'true'; // prints to the console, where a test can see it
});
const printed: any[] = [];
for (const method of ['log', 'info'] as const) {
  vi.spyOn(console, method).mockImplementation((line: string) => void printed.push(JSON.parse(line)));
}
beforeEach(() => void printed.splice(0));
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
  await answer({ status: 200, body: {}, counts: { Accepted: 2, Duplicates: 0 } });

  expect(printed).toMatchObject([{ message: 'request', route: '/any', status: 200, Accepted: 2, Duplicates: 0 }]);
  const [{ Namespace, Dimensions, Metrics }] = printed[0]._aws.CloudWatchMetrics;
  expect({ Namespace, Dimensions, Metrics }).toEqual({
    Namespace: 'Laurel',
    Dimensions: [['service']],
    Metrics: [{ Name: 'Accepted', Unit: 'Count' }],
  });
  expect(printed[0].service).toBeTypeOf('string');
});

it('a request without figures publishes none', async () => {
  await answer({ status: 200, body: {} });

  expect(printed).toMatchObject([{ message: 'request', status: 200 }]);
  expect(printed[0]).not.toHaveProperty('_aws');
});
