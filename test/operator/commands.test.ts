import { rmSync } from 'node:fs';
import { DeleteItemCommand, DynamoDBClient, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { GetQueueAttributesCommand, SendMessageBatchCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { marshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { operate, spawnOperator } from '../support/operator.ts';
import {
  accountsNamed,
  promptly,
  startTestStack,
  temporaryDirectory,
  type TestStack,
  until,
} from '../support/stack.ts';

let stack: TestStack;
let dynamodb: DynamoDBClient;
let sqs: SQSClient;
const laurel = (...args: readonly string[]) => operate(stack.dataDirectory, ...args);

beforeAll(async () => {
  // A failed message is retried after three seconds instead of six minutes.
  stack = await startTestStack({
    adapt: (model) => ({
      ...promptly(model),
      queues: model.queues.map((queue) =>
        queue.role === 'score-refresh'
          ? { ...queue, attributes: { ...queue.attributes, VisibilityTimeout: '3' } }
          : queue,
      ),
    }),
  });
  await accountsNamed(stack, 'cleo', 'dara');
  stack.publish();
  const { region } = stack;
  const credentials = { accessKeyId: 'operator', secretAccessKey: 'operator' };
  dynamodb = new DynamoDBClient({ region, credentials, endpoint: stack.dynamodbEndpoint });
  sqs = new SQSClient({ region, credentials, endpoint: stack.sqsEndpoint });
});
afterAll(async () => {
  dynamodb.destroy();
  sqs.destroy();
  await stack.stop();
});

const read = async (path: string, key?: string) => {
  const response = await fetch(stack.baseUrl + path, { headers: key === undefined ? {} : { 'x-api-key': key } });
  return { status: response.status, body: await response.json() };
};

describe('keys', () => {
  it('creates a key that works, lists it without its secret, and revokes it', async () => {
    const created = await laurel('keys', 'create', '--kind', 'personal', '--username', 'ada', '--label', 'laptop');
    expect(created).toMatchObject({ code: 0, said: { kind: 'personal', key: expect.stringMatching(/^lrl_/) } });
    expect(await read('/api/whoami', created.said.key)).toMatchObject({ status: 200, body: { username: 'ada' } });

    const { id, key } = created.said;
    const revoked = await laurel('keys', 'revoke', id);
    const listed = await laurel('keys', 'list');

    expect(revoked).toEqual({ code: 0, said: { id, revoked: true } });
    expect(listed.said.keys).toContainEqual(
      expect.objectContaining({ id, username: 'ada', label: 'laptop', revokedAt: expect.any(String) }),
    );
    expect(JSON.stringify(listed.said)).not.toContain(key);
  });

  it('creates an admin key without the API', async () => {
    const { code, said } = await laurel('keys', 'create-admin');

    expect(code).toBe(0);
    expect((await read('/v1/keys', said.key)).status).toBe(200);
  });

  it('treats an invalid key as wrong usage', async () => {
    expect(await laurel('keys', 'create', '--kind', 'personal')).toMatchObject({ code: 2, said: { code: 'usage' } });
    expect(await laurel('keys', 'revoke', '0'.repeat(32))).toMatchObject({ code: 1, said: { code: 'unknown_id' } });
  });
});

describe('users', () => {
  it('exports an account whole to stdout, with progress on stderr, in both forms', async () => {
    await laurel('award', 'exported', '50', '--id', 'for-export', '--reason', 'Won');
    const commands = [
      ['users', 'export', 'exported'],
      ['export', 'exported'],
    ];
    const [long, short] = await Promise.all(
      commands.map((words) => spawnOperator([...words, '--local', stack.dataDirectory]).ended),
    );
    const whole = JSON.parse(long!.stdout);

    expect(whole).toMatchObject({ accountId: expect.any(String), items: expect.any(Array) });
    expect(whole.items).toContainEqual(expect.objectContaining({ kind: 'grant', grantId: 'award:for-export' }));
    expect(long!.stderr).toMatch(/^\d+ items\.\n$/u);
    expect(JSON.parse(short!.stdout)).toMatchObject({ accountId: whole.accountId });
    expect(await laurel('export', 'nobody-at-all')).toMatchObject({ code: 1, said: { code: 'unknown_username' } });
  });

  it('renames, merges and unmerges accounts', async () => {
    await laurel('award', 'thea', '20', '--id', 'of-thea', '--reason', 'Won');
    await laurel('award', 'theo', '30', '--id', 'of-theo', '--reason', 'Won');
    const { said: renamed } = await laurel('users', 'rename', 'thea', 'thea-lind');
    expect(renamed).toMatchObject({
      username: 'thea-lind',
      previous: 'thea',
      accountId: expect.stringMatching(/^acc_/),
    });
    expect(await laurel('users', 'rename', 'theo', 'thea')).toMatchObject({
      code: 1,
      said: { code: 'username_taken' },
    });
    const scoreOf = (username: string) => read(`/v1/scores/${username}`);

    const merged = await laurel('users', 'merge', 'theo', 'thea-lind');
    expect(merged).toMatchObject({ code: 0, said: { accountId: expect.any(String), into: 'thea-lind' } });
    await stack.drain();
    const body = { username: 'thea-lind', canonicalScore: 50, accountId: renamed.accountId };
    expect(await scoreOf('theo')).toMatchObject({ status: 200, body });
    expect(await scoreOf('thea')).toMatchObject({ status: 200, body: { ...body, balance: { totalScore: 50 } } });
    expect((await read('/v1/users?prefix=theo')).body.users).toEqual([]);
    expect(await laurel('users', 'merge', 'theo', 'thea')).toMatchObject({ code: 1, said: { code: 'merge_conflict' } });

    expect(await laurel('users', 'unmerge', 'theo')).toMatchObject({
      code: 0,
      said: { accountId: merged.said.accountId },
    });
    await stack.drain();
    expect((await read('/v1/users?prefix=theo')).body.users).toMatchObject([{ username: 'theo', canonicalScore: 30 }]);
    const alone = { ...body, canonicalScore: 20, balance: { totalScore: 20 } };
    expect(await scoreOf('thea')).toMatchObject({ status: 200, body: alone });

    await laurel('award', 'tilda', '40', '--id', 'of-tilda', '--reason', 'Won');
    expect(await laurel('users', 'merge', 'theo', 'tilda')).toMatchObject({ code: 0, said: { into: 'tilda' } });
    await stack.drain();
    expect(await scoreOf('tilda')).toMatchObject({ body: { canonicalScore: 70 } });
  });
});

describe('the ledger', () => {
  it('awards once per id, reverses once, and proves the balance', async () => {
    const award = ['award', 'brin', '50', '--id', 'hack', '--reason', 'Won'];
    const first = await laurel(...award);
    expect(first).toMatchObject({ code: 0, said: { grantId: 'award:hack', balance: 50 } });
    expect(await laurel(...award)).toEqual({ code: 0, said: { ...first.said, replayed: true } });
    expect(await laurel('award', 'brin', '51', '--id', 'hack', '--reason', 'Won')).toMatchObject({
      code: 1,
      said: { code: 'award_conflict' },
    });

    expect(await laurel('reverse', 'award:hack', '--reason', 'Wrong account')).toMatchObject({
      code: 0,
      said: { balance: 0 },
    });
    expect(await laurel('audit', 'brin')).toMatchObject({ code: 0, said: { ok: true, grants: 2, sum: 0, balance: 0 } });
  });

  it('ends with 3 if a balance is wrong', async () => {
    await laurel('award', 'cleo', '10', '--id', 'tip', '--reason', 'Thanks');
    await dynamodb.send(
      new UpdateItemCommand({
        TableName: stack.tables.score_grants,
        Key: marshall({ pk: 'USER#cleo', sk: 'BALANCE' }),
        UpdateExpression: 'SET totalScore = :wrong',
        ExpressionAttributeValues: marshall({ ':wrong': 1_000 }),
      }),
    );

    const { code, said } = await laurel('audit', 'cleo');

    expect(code).toBe(3);
    expect(said).toMatchObject({ ok: false, sum: 10, balance: 1_000 });
    expect(said.problems).not.toEqual([]);
  });
});

describe('dead letters', () => {
  const broken = () => ({ TableName: stack.tables.user_scores, Key: marshall({ pk: 'USER#dara', sk: 'METRICS' }) });
  const numberOfDeadLetters = async () => {
    const QueueUrl = stack.queues['score-refresh-dlq'];
    const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
    // Messages that were looked at count as in flight until the next look, because the engine only then returns them.
    return Number(Attributes?.ApproximateNumberOfMessages) + Number(Attributes?.ApproximateNumberOfMessagesNotVisible);
  };

  it('are shown with their reasons and not consumed; after the repair a redrive completes the messages', async () => {
    const before = await laurel('dead-letters', 'score-refresh');
    expect(before).toMatchObject({ code: 0, said: { queues: [{ deadLetters: [] }] } });
    const event = { event: 'cli_invocation', distinct_id: 'd1', insert_id: 'e1', timestamp: new Date().toISOString() };
    const { said: key } = await laurel('keys', 'create', '--kind', 'personal', '--username', 'dara');
    const headers = { 'content-type': 'application/json', 'x-api-key': key.key };
    await fetch(`${stack.baseUrl}/ingest`, { method: 'POST', headers, body: JSON.stringify(event) });
    await stack.drain();
    // An item that no refresh can read, as after a manual change.
    const { TableName, Key } = broken();
    await dynamodb.send(new PutItemCommand({ TableName, Item: { ...Key, ...marshall({ rev: 'one' }) } }));
    const bodies = ['poison', '{"username": "NO SUCH NAME"}'];
    await sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: stack.queues['score-refresh'],
        Entries: [...bodies, '{"username": "dara"}'].map((MessageBody, index) => ({ Id: String(index), MessageBody })),
      }),
    );
    await until(async () => (await numberOfDeadLetters()) === 3);

    const { code, said } = await laurel('dead-letters', 'score-refresh');
    expect(code).toBe(3);
    const [queue] = said.queues;
    expect(queue).toMatchObject({
      queue: 'score-refresh-dlq',
      cure: `laurel redrive score-refresh --local ${stack.dataDirectory}`,
      discard: expect.stringMatching(/^laurel discard score-refresh --message [\w-]+,[\w-]+ --local /),
    });
    const whyOf = (text: string) => queue.deadLetters.find(({ body }: any) => body.includes(text));
    expect(whyOf('poison')).toMatchObject({ reason: { kind: 'unreadable' }, firstSentAt: expect.any(String) });
    expect(whyOf('poison').receives).toBeGreaterThanOrEqual(5);
    expect(whyOf('NO SUCH NAME').reason).toMatchObject({
      kind: 'unreadable',
      text: expect.stringContaining('username'),
    });
    expect(whyOf('dara').reason).toMatchObject({ kind: 'failed', text: expect.stringMatching(/^\$?ZodError/) });
    // After the look they are all still there.
    await until(
      async () => (await laurel('dead-letters')).said.queues.flatMap((each: any) => each.deadLetters).length === 3,
    );

    const status = await laurel('status');
    expect(status.code).toBe(3);
    expect(status.said).toMatchObject({ refreshLag: { state: 'measured', lastHourMaxMs: expect.any(Number) } });
    expect(status.said.queues).toContainEqual(
      expect.objectContaining({ queue: 'score-refresh', isDeadLetters: false, oldestAgeSeconds: null }),
    );

    await dynamodb.send(new DeleteItemCommand(broken()));
    expect(await laurel('redrive', 'score-refresh', '--dry-run')).toEqual({
      code: 0,
      said: { from: 'score-refresh-dlq', to: 'score-refresh', messages: 3, dryRun: true, moved: 0 },
    });
    expect(await laurel('redrive', 'score-refresh', '--rate', '20')).toMatchObject({
      code: 0,
      said: { moved: 3, by: 'hand' },
    });
    await until(async () => (await read('/v1/stats?username=dara')).body.totalEvents === 1);
  });

  it('that can never be read are not offered for a redrive, and are deleted after they were shown', async () => {
    const QueueUrl = stack.queues['roll-up-dlq'];
    for (const MessageBody of ['poison\u202e', '{}']) await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    const looked = await laurel('dead-letters', 'roll-up');
    const [{ deadLetters, cure }] = looked.said.queues;
    expect(deadLetters.map(({ reason }: any) => reason.kind)).toEqual(['unreadable', 'unreadable']);
    expect(cure).toMatch(/^laurel discard roll-up --message /);
    expect(await laurel('redrive', 'roll-up')).toMatchObject({ code: 2, said: { code: 'usage' } });

    const [first, second] = deadLetters.map(({ messageId }: any) => messageId);
    const unknown = await laurel('discard', 'roll-up', '--message', `${first},none`);
    expect(unknown).toMatchObject({ code: 1, said: { code: 'unknown_message' } });
    const discard = ['discard', 'roll-up', '--message', first, '--local', stack.dataDirectory];
    const { code, stdout, stderr } = await spawnOperator(discard).ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: '1 message deleted from roll-up-dlq\n' });
    expect(stderr).toContain('poison\\u202e');

    const left = (await laurel('dead-letters', 'roll-up')).said.queues[0].deadLetters;
    expect(left.map(({ messageId }: any) => messageId)).toEqual([second]);
    expect(await laurel('discard', 'roll-up-dlq', '--message', second)).toMatchObject({
      code: 0,
      said: { queue: 'roll-up-dlq', discarded: [{ messageId: second, body: '{}' }] },
    });
  });

  it('that are positions of a stream are not redriven: the remedy is printed', async () => {
    const refused = await laurel('redrive', 'announce-changes');

    expect(refused).toMatchObject({ code: 2, said: { code: 'usage' } });
    expect(refused.said.error).toContain('laurel backfill --mode all');
  });

  it('of an unknown queue are wrong usage', async () => {
    const refused = await laurel('dead-letters', 'scores');

    expect(refused).toMatchObject({ code: 2, said: { code: 'usage' } });
    expect(refused.said.error).toContain('score-refresh');
  });
});

describe('which stack', () => {
  it('must be selected if none is the default, and one that is not running is a failure', async () => {
    const nowhere = temporaryDirectory();
    const unreachable = await operate(nowhere, 'status');
    rmSync(nowhere, { recursive: true });
    expect(unreachable).toMatchObject({ code: 1, said: { code: 'not_running' } });

    const both = await spawnOperator(['status', '--local', '--stage', 'dev']).ended;
    expect(both.code).toBe(2);
    const keyless = await spawnOperator(['keys', 'list', '--stage', 'dev', '--url', 'http://127.0.0.1:1']).ended;
    expect(keyless.code).toBe(2);
    expect(keyless.stderr).toContain('LAUREL_ADMIN_KEY');
  });

  it('can be selected by stage, URL and key for all commands over HTTP', async () => {
    const env = { LAUREL_URL: stack.baseUrl, LAUREL_ADMIN_KEY: stack.adminKey };
    const { code, stdout } = await spawnOperator(['keys', 'list', '--stage', 'dev', '--json'], env).ended;

    expect(code).toBe(0);
    expect(JSON.parse(stdout).keys.length).toBeGreaterThan(0);
  });
});
