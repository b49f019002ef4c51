import { rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { awsCaller } from '../../local/aws-client.ts';
import { operate, spawnOperator } from '../support/operator.ts';
import { stack } from '../support/shared-stack.ts';
import { accountsNamed, temporaryDirectory, until } from '../support/stack.ts';

beforeAll(async () => {
  await accountsNamed(stack, 'ada', 'grace');
  stack.publish();
});

describe('backfill', () => {
  it('runs, is followed to its end, and can be queried afterwards', async () => {
    const award = ['award', 'ada', '5', '--id', 'a1', '--reason', 'Thanks'];
    await operate(stack.dataDirectory, ...award);
    await stack.drain();

    const dry = await operate(stack.dataDirectory, 'backfill', '--dry-run');
    expect(dry).toMatchObject({ code: 0, said: { status: 'done', recomputed: 1, enqueued: 0 } });
    const whole = await operate(stack.dataDirectory, 'backfill', '--usernames', 'ada,nobody');
    expect(whole).toMatchObject({ code: 0, said: { status: 'done', recomputed: 1, enqueued: 1, unknown: 1 } });
    const { runId } = whole.said;
    expect(await operate(stack.dataDirectory, 'backfill', '--run', runId)).toEqual(whole);
    const status = await operate(stack.dataDirectory, 'status');
    expect(status).toMatchObject({
      code: 0,
      said: { staleUsers: 0, rulesVersions: { 1: 1 }, lastBackfill: { runId, status: 'done' } },
    });
  });

  it('of stale scores is done when status and boards show one version of the rules', async () => {
    await operate(stack.dataDirectory, ...['award', 'grace', '9', '--id', 'a2', '--reason', 'Thanks']);
    await stack.drain();
    const byOthers = {
      TableName: stack.tables.user_scores,
      Key: { pk: { S: 'USER#grace' }, sk: { S: 'SCORE' } },
      UpdateExpression: 'SET rulesVersion = :theirs',
      ExpressionAttributeValues: { ':theirs': { S: '0/a-fold' } },
    };
    await awsCaller(stack.dynamodbEndpoint, 'operator')('DynamoDB_20120810.UpdateItem', byOthers);

    const status = () => operate(stack.dataDirectory, 'status');
    const board = async (): Promise<any> => {
      const rank = `${stack.lambdaEndpoint}/2015-03-31/functions/${stack.functions['rank-leaderboards']}/invocations`;
      await fetch(rank, { method: 'POST', body: '{}' });
      return (await fetch(`${stack.baseUrl}/v1/leaderboards/alltime`)).json();
    };
    const versions = async () => {
      const { rulesVersions, rows } = await board();
      return { rulesVersions, rows: rows.map(({ username, rulesVersion }: any) => [username, rulesVersion]) };
    };
    expect((await status()).said).toMatchObject({ staleUsers: 1, rulesVersions: { 0: 1, 1: 1 } });
    const { stdout } = await spawnOperator(['status', '--local', stack.dataDirectory]).ended;
    expect(stdout).toContain('1 scores by version 0, 1 scores by version 1');
    // prettier-ignore
    expect(await versions()).toEqual({ rulesVersions: { 0: 1, 1: 1 }, rows: [['grace', '0'], ['ada', '1']] });

    await operate(stack.dataDirectory, ...['backfill', '--mode', 'stale']);
    await stack.drain();
    expect((await status()).said).toMatchObject({ staleUsers: 0, rulesVersions: { 1: 2 } });
    // prettier-ignore
    expect(await versions()).toEqual({ rulesVersions: undefined, rows: [['grace', undefined], ['ada', undefined]] });
  });

  it('rolls up the given days', async () => {
    const today = new Date().toISOString().slice(0, 10);
    const days = ['backfill', '--mode', 'metrics', '--from', today, '--to', today];
    expect(await operate(stack.dataDirectory, ...days)).toMatchObject({ code: 0, said: { status: 'done' } });
    expect(await operate(stack.dataDirectory, 'backfill', '--mode', 'metrics', '--from', 'May')).toMatchObject({
      code: 2,
    });
  });

  it('fails for an unknown run, and is wrong usage for an invalid username', async () => {
    expect(await operate(stack.dataDirectory, 'backfill', '--run', 'none')).toMatchObject({ code: 1 });
    expect(await operate(stack.dataDirectory, 'backfill', '--usernames', 'NO SUCH NAME')).toMatchObject({ code: 2 });
  });
});

type Fake = { readonly asked: unknown[]; readonly close: () => Promise<void> };

/** The stack with replaced functions, which give the test's answers at a changing address. */
async function fakeFunctions(directory: string, answer: () => object): Promise<Fake> {
  const asked: unknown[] = [];
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
    request.on('end', () => {
      asked.push(JSON.parse(body));
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer()));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { baseUrl, dynamodbEndpoint, sqsEndpoint, region, adminKey, functions, queues, tables } = stack;
  const lambdaEndpoint = `http://127.0.0.1:${port}`;
  const description = {
    baseUrl,
    lambdaEndpoint,
    dynamodbEndpoint,
    sqsEndpoint,
    region,
    adminKey,
    functions,
    queues,
    tables,
  };
  writeFileSync(join(directory, 'local.json'), JSON.stringify(description));
  const close = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  return { asked, close };
}

const aDirectory = () => {
  const directory = temporaryDirectory();
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};
const running = { runId: 'r1', status: 'running', phase: 'recomputing', planned: 10, recomputed: 4, enqueued: 4 };

describe('following a backfill', () => {
  it('continues after the stack was away and came back at another address', async () => {
    const directory = aDirectory();
    const before = await fakeFunctions(directory, () => running);
    const following = operate(directory, 'backfill');
    await until(() => before.asked.length >= 2);
    expect(before.asked.slice(0, 2)).toEqual([{}, { runId: 'r1' }]);
    await before.close();
    rmSync(join(directory, 'local.json'));

    const done = { ...running, status: 'done', recomputed: 10, enqueued: 10 };
    const after = await fakeFunctions(directory, () => done);
    const end = await following;
    await after.close();

    expect(end).toEqual({ code: 0, said: done });
    // It is the same run: no other was started.
    expect(after.asked).toEqual([{ runId: 'r1' }]);
  });

  it('ends with 3 if users could not be recomputed', async () => {
    const directory = aDirectory();
    const functions = await fakeFunctions(directory, () => ({ ...running, status: 'done', failed: 1 }));

    expect(await operate(directory, 'backfill', '--run', 'r1')).toMatchObject({ code: 3, said: { failed: 1 } });
    await functions.close();
  });

  it('ends at Ctrl-C with 130 and prints how to follow the run, which continues', async () => {
    const directory = aDirectory();
    const functions = await fakeFunctions(directory, () => running);
    const { process: child, ended } = spawnOperator(['backfill', '--local', directory, '--json']);
    await until(() => functions.asked.length >= 2);
    child.kill('SIGINT');
    const { code, stdout, stderr } = await ended;
    await functions.close();

    const follow = `laurel backfill --run r1 --local ${directory}`;
    expect({ code, said: JSON.parse(stdout) as unknown }).toMatchObject({
      code: 130,
      said: { runId: 'r1', status: 'running', interrupted: true, follow },
    });
    expect(stderr).toContain(follow);
  });
});
