import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestStack, type TestStack } from '../support/stack.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.stop());

const send = async (path: string, body?: object, method = 'POST'): Promise<any> => {
  const headers = { 'content-type': 'application/json', 'x-api-key': stack.adminKey };
  const response = await fetch(stack.baseUrl + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  return { ...((await response.json()) as object), status: response.status };
};
const scoreOf = (username: string) => send(`/v1/scores/${username}`, undefined, 'GET');
const award = (username: string, points: number) =>
  send('/v1/awards', { awardId: username, username, points, reason: 'Talk' });

it('an account that is merged answers as the other one, and by itself again after an unmerge', async () => {
  for (const [name, points] of [
    ['ada', 20],
    ['bob', 30],
    ['cyd', 40],
  ] as const)
    await award(name, points);
  await stack.drain();

  expect(await send('/v1/users/bob/merge', { into: 'ada' })).toMatchObject({ status: 200, into: 'ada' });
  await stack.drain();
  const ada = await scoreOf('ada');
  expect(ada).toMatchObject({ username: 'ada', canonicalScore: 50, balance: { totalScore: 50 } });
  expect((await send('/v1/users?prefix=b', undefined, 'GET')).users).toEqual([]);

  expect(await send('/v1/users/bob/unmerge')).toMatchObject({ status: 200 });
  await stack.drain();
  expect(await scoreOf('ada')).toMatchObject({ canonicalScore: 20, balance: { totalScore: 20 } });
  expect((await send('/v1/users?prefix=b', undefined, 'GET')).users).toMatchObject([
    { username: 'bob', canonicalScore: 30 },
  ]);
  expect(await send('/v1/users/bob/merge', { into: 'cyd' })).toMatchObject({ status: 200 });
  await stack.drain();
  expect(await scoreOf('cyd')).toMatchObject({ canonicalScore: 70 });
});
