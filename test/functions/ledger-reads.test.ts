import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aUsername } from '../builders/identity.ts';
import { aLedger, anAward } from '../builders/grants.ts';
import { anHttpRequest } from '../builders/http-request.ts';
import { emptyBalance } from '../../domain/grants/balance.ts';
import { dynamoGrantLedger } from '../../functions/adapters/dynamodb/grants/grant-ledger.ts';
import { startFunctionEngine, type Answer } from './function-under-test.ts';

let world: Awaited<ReturnType<typeof startFunctionEngine>>;
let handler: (event: unknown) => Promise<Answer>;
const ada = aUsername('ada');
const read = async (path: string, query = '') => {
  const { statusCode, body } = await handler(anHttpRequest({ method: 'GET', path: `/v1/scores/${path}`, query }));
  return { status: statusCode, body: JSON.parse(body) };
};

beforeAll(async () => {
  world = await startFunctionEngine();
  ({ handler } = await import('../../functions/read-api/handler.ts'));
  const awards = Array.from({ length: 5 }, (_, n) => anAward(`a${n}`, 10));
  const { lines, balance: after } = aLedger(...awards);
  const ledger = dynamoGrantLedger(world.client, world.tables.score_grants);
  await ledger.append({ username: ada, before: emptyBalance, lines, after, writeId: 'w' });
});
afterAll(() => world.stop());

describe('a page of grants', () => {
  it('continues at the cursor of the page before, down to the first line', async () => {
    const first = await read('ada/grants', 'limit=3');
    const second = await read('ada/grants', `limit=3&cursor=${first.body.next}`);

    expect([...first.body.grants, ...second.body.grants].map(({ seq }) => seq)).toEqual([5, 4, 3, 2, 1]);
    expect(second.body).not.toHaveProperty('next');
  });

  it.each(['0', '-1', 'x', '1.5', '', '99999999999999999999'])('with the cursor %j is refused', async (cursor) => {
    expect(await read('ada/grants', `cursor=${cursor}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid_query' },
    });
  });

  it.each(['0', '1001', 'x'])('of %s lines is refused', async (limit) => {
    expect(await read('ada/grants', `limit=${limit}`)).toMatchObject({ status: 400, body: { code: 'invalid_query' } });
  });

  it('tells which line cannot be read, and shows the others', async () => {
    const bob = aUsername('bob');
    const { lines, balance: after } = aLedger(...[0, 1, 2].map((n) => anAward(`b${n}`, 10, { username: bob })));
    const ledger = dynamoGrantLedger(world.client, world.tables.score_grants);
    await ledger.append({ username: bob, before: emptyBalance, lines, after, writeId: 'w' });
    const broken = {
      TableName: world.tables.score_grants,
      Key: marshall({ pk: 'GRANT#award:b1', sk: 'GRANT' }),
      UpdateExpression: 'SET amount = :text',
      ExpressionAttributeValues: marshall({ ':text': 'ten' }),
    };
    await world.client.send(new UpdateItemCommand(broken));

    const problems = [{ code: 'unreadable_line', seq: 2, error: 'line 2 cannot be read: amount' }];
    const { status, body } = await read('bob/grants');
    expect([status, body.grants.map(({ seq }: { seq: number }) => seq), body.problems]).toEqual([
      200,
      [3, 1],
      problems,
    ]);
    expect((await read('bob/grants', 'limit=2')).body).toMatchObject({ grants: [{ seq: 3 }], problems, next: '2' });
    expect((await read('bob/grants', 'limit=2&cursor=2')).body).toEqual({
      accountId: 'bob',
      grants: [expect.objectContaining({ seq: 1 })],
    });
  });

  it.each(['grants', 'audit'])('of an unknown account is 404, as its %s', async (view) => {
    expect(await read(`nobody/${view}`)).toMatchObject({ status: 404, body: { code: 'unknown_username' } });
  });
});

describe('an audit', () => {
  it('proves the balance', async () => {
    expect(await read('ada/audit')).toMatchObject({ status: 200, body: { ok: true, grants: 5, sum: 50, balance: 50 } });
  });
});
