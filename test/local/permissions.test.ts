import { describe, expect, it } from 'vitest';
import { accessesOf, operationOf } from '../../local/proxy/aws-operation.ts';
import type { ObservedCall } from '../../local/proxy/aws-proxy.ts';
import { type Access, arnLike, isAllowed, parsePolicy } from '../../local/proxy/policy.ts';
import { startTestStack } from '../support/stack.ts';
import { aFunction, aTable, tinyAssembly } from './tiny-stack.ts';

const table = 'arn:aws:dynamodb:r:1:table/facts';
const context = { region: 'r', accountId: '1', streamOfIterator: (iterator: string) => `${table}/stream/${iterator}` };
const accesses = (target: string, body: unknown) => accessesOf(operationOf(target)!, body, context);

describe('the permissions of a call', () => {
  it.each([
    ['DynamoDB_20120810.PutItem', { TableName: 'facts' }, [['dynamodb:PutItem', table]]],
    ['DynamoDB_20120810.GetItem', { TableName: table }, [['dynamodb:GetItem', table]]],
    ['DynamoDB_20120810.Query', { TableName: 'facts', IndexName: 'i' }, [['dynamodb:Query', `${table}/index/i`]]],
    ['DynamoDB_20120810.BatchWriteItem', { RequestItems: { facts: [] } }, [['dynamodb:BatchWriteItem', table]]],
    [
      'DynamoDB_20120810.TransactWriteItems',
      { TransactItems: [{ Put: { TableName: 'facts' } }, { ConditionCheck: { TableName: 'facts' } }] },
      [
        ['dynamodb:PutItem', table],
        ['dynamodb:ConditionCheckItem', table],
      ],
    ],
    ['DynamoDBStreams_20120810.GetRecords', { ShardIterator: 's' }, [['dynamodb:GetRecords', `${table}/stream/s`]]],
    ['AmazonSQS.SendMessageBatch', { QueueUrl: 'http://x/1/jobs' }, [['sqs:SendMessage', 'arn:aws:sqs:r:1:jobs']]],
    [
      'AmazonSQS.ListMessageMoveTasks',
      { SourceArn: 'arn:aws:sqs:r:1:jobs-dlq' },
      [['sqs:ListMessageMoveTasks', 'arn:aws:sqs:r:1:jobs-dlq']],
    ],
  ])('%s %j', (target, body, expected) => {
    expect(accesses(target, body)).toEqual(expected.map(([action, resource]) => ({ action, resource })));
  });

  it('are unknown for a body without a resource', () => {
    expect(accesses('DynamoDB_20120810.ExecuteStatement', { Statement: 'SELECT' })).toBeUndefined();
    expect(accesses('DynamoDB_20120810.TransactWriteItems', { TransactItems: [{ Odd: { TableName: 'x' } }] })).toBe(
      undefined,
    );
  });
});

describe('policies', () => {
  const allow = { Effect: 'Allow', Action: ['dynamodb:Get*'], Resource: [table, `${table}/index/?`] };
  it.each([
    ['an action that a wildcard covers', [allow], 'dynamodb:GetItem', table, true],
    ['an action in another case', [allow], 'DynamoDB:getitem', table, true],
    ['another action', [allow], 'dynamodb:PutItem', table, false],
    ['a resource that a wildcard covers', [allow], 'dynamodb:GetItem', `${table}/index/a`, true],
    ['a resource that it does not cover', [allow], 'dynamodb:GetItem', `${table}/index/ab`, false],
    ['a longer name', [allow], 'dynamodb:GetItem', `${table}-2`, false],
    ['a permission that is also denied', [allow, { ...allow, Effect: 'Deny' }], 'dynamodb:GetItem', table, false],
    ['nothing at all', [], 'dynamodb:GetItem', table, false],
  ])('judge %s', (_what, statements, action, resource, expected) => {
    expect(isAllowed(parsePolicy('p', statements), { action, resource })).toBe(expected);
  });
});

describe('the source of a permission', () => {
  const api = 'arn:aws:execute-api:us-east-1:1:abc';
  it.each([
    [`${api}/*/*/*`, `${api}/$default/GET/v1/keys/{id}`, true],
    [`${api}/*/*/*`, `${api}/$default/$default`, false],
    [`${api}/*/$default`, `${api}/$default/$default`, true],
    [`${api}/*/*`, `${api}/$default/$default`, true],
    [`${api}/*/GET/health`, `${api}/$default/GET/health`, true],
    [`${api}/*/GET/health`, `${api}/$default/POST/health`, false],
    ['arn:aws:execute-api:*', `${api}/$default/$default`, false], // a wildcard does not match across a colon
    ['arn:aws:execute-api:*:*:*', `${api}/$default/$default`, true],
    [`${api}d/*/*/*`, `${api}/$default/GET/health`, false],
  ])('%s covers %s: %s', (wildcard, arn, expected) => {
    expect(arnLike(wildcard)(arn)).toBe(expected);
  });

  it('decides whether the gateway may invoke a function for a route', async () => {
    const { assembly, notes } = tinyAssembly({
      Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: { Name: 'tiny', ProtocolType: 'HTTP' } },
      ...aFunction('answerer', { handler: 'export const handler = async ({ routeKey }) => (note(routeKey), "ok")' }),
      Integration: {
        Type: 'AWS::ApiGatewayV2::Integration',
        Properties: {
          ApiId: { Ref: 'Api' },
          IntegrationType: 'AWS_PROXY',
          IntegrationUri: { 'Fn::GetAtt': ['answerer', 'Arn'] },
          PayloadFormatVersion: '2.0',
        },
      },
      ...Object.fromEntries(
        ['ANY /health', '$default'].map((RouteKey) => [
          RouteKey.replaceAll(/\W/g, ''),
          {
            Type: 'AWS::ApiGatewayV2::Route',
            Properties: { ApiId: { Ref: 'Api' }, RouteKey, Target: 'integrations/Integration' },
          },
        ]),
      ),
      Permission: {
        Type: 'AWS::Lambda::Permission',
        Properties: {
          Action: 'lambda:InvokeFunction',
          FunctionName: { 'Fn::GetAtt': ['answerer', 'Arn'] },
          Principal: 'apigateway.amazonaws.com',
          SourceArn: 'arn:aws:execute-api:us-east-1:000000000000:Api/*/*/*',
        },
      },
    });
    const stack = await startTestStack({ assembly });
    const statusOf = async (path: string) => (await fetch(`${stack.baseUrl}${path}`)).status;

    expect([await statusOf('/health'), await statusOf('/other')]).toEqual([200, 500]);
    expect(notes()).toEqual(['ANY /health']);
    await stack.stop();
  });
});

describe('a function without one of its permissions', () => {
  it('gets a refusal that names the permission, and only for that call', async () => {
    const calls: ObservedCall[] = [];
    const arn = { 'Fn::GetAtt': ['Facts', 'Arn'] };
    const { assembly, notes } = tinyAssembly({
      Facts: aTable('facts'),
      ...aFunction('writer', {
        allow: [['dynamodb:PutItem', arn]],
        handler: `export const handler = async () => {
          const Key = { pk: { S: 'a' }, sk: { S: 'b' } };
          note(await call('DynamoDB_20120810.PutItem', { TableName: 'tiny-facts', Item: Key }));
          note(await call('DynamoDB_20120810.GetItem', { TableName: 'tiny-facts', Key }));
          note(await call('DynamoDB_20120810.TransactWriteItems', {
            TransactItems: [
              { Put: { TableName: 'tiny-facts', Item: { ...Key, sk: { S: 'c' } } } },
              { Delete: { TableName: 'tiny-facts', Key } },
            ],
          }));
        }`,
      }),
    });
    const stack = await startTestStack({ assembly, observe: (call) => calls.push(call) });
    await fetch(`${stack.lambdaEndpoint}/2015-03-31/functions/tiny-writer/invocations`, { method: 'POST' });
    const denied = (action: string) => `writer is not authorized to perform: ${action} on resource: .*table/tiny-facts`;
    const both = new RegExp(`\n${denied('dynamodb:GetItem')}\n${denied('dynamodb:DeleteItem')}$`, 'u');
    await expect(stack.stop()).rejects.toThrow(both); // so no test passes without a permission that it needs

    const [put, get, together] = notes();
    expect(put).toEqual({});
    expect(get).toMatchObject({
      __type: expect.stringMatching(/#AccessDeniedException$/),
      message: expect.stringMatching(/writer .*dynamodb:GetItem .*table\/tiny-facts/),
    });
    expect(together).toMatchObject({
      message: expect.stringMatching(/writer .*dynamodb:DeleteItem .*table\/tiny-facts/), // all of it, or nothing
    });
    expect(calls.filter(({ caller }) => caller === 'writer').map(({ status }) => status)).toEqual([200, 400, 400]);
  });
});

describe('a function that calls as the SDK does', () => {
  it('reaches the engine itself, and the proxy with what its role does not allow', async () => {
    const { assembly, notes } = tinyAssembly({
      Facts: aTable('facts'),
      ...aFunction('writer', {
        allow: [['dynamodb:PutItem', { 'Fn::GetAtt': ['Facts', 'Arn'] }]],
        handler: `import { Agent, request } from 'node:http';
        const agent = new Agent({ keepAlive: true });
        const send = (operation, body) => new Promise((resolve) => {
          const { hostname, port } = new URL(process.env.AWS_ENDPOINT_URL_DYNAMODB);
          const headers = {
            'content-type': 'application/x-amz-json-1.0',
            'x-amz-target': 'DynamoDB_20120810.' + operation,
            authorization: 'AWS4-HMAC-SHA256 Credential=' + process.env.AWS_ACCESS_KEY_ID + '/20260101/r/s/aws4_request',
          };
          request({ agent, hostname, port, method: 'POST', headers }, (answer) => {
            const isProxy = answer.socket.remotePort === Number(port);
            answer.resume().on('end', () => resolve([operation, answer.statusCode, isProxy ? 'proxy' : 'engine']));
          }).end(JSON.stringify({ TableName: 'tiny-facts', ...body }));
        });
        export const handler = async () => {
          const Key = { pk: { S: 'a' }, sk: { S: 'b' } };
          note(await send('PutItem', { Item: Key }));
          note(await send('GetItem', { Key }));
        }`,
      }),
    });
    const used: string[] = [];
    const onUse = (role: string, accesses: readonly Access[]) => accesses.map(({ action }) => used.push(role + action));
    const stack = await startTestStack({ assembly, onUse, denied: /^writer .* dynamodb:GetItem / });
    await stack.invoke('writer', {});
    await stack.invoke('writer', {});
    await stack.crash.disturb(['writer'], 0, { error: 'Odd', share: 0, longestDelayMs: 0 });
    await stack.invoke('writer', {});
    await stack.stop();

    const direct = [
      ['PutItem', 200, 'engine'],
      ['GetItem', 400, 'proxy'],
    ];
    expect(notes()).toEqual([...direct, ...direct, ['PutItem', 200, 'proxy'], ['GetItem', 400, 'proxy']]);
    expect(new Set(used)).toEqual(new Set(['writerdynamodb:PutItem']));
  });
});

describe('a disturbed function', () => {
  it('gets the given error for that time, and no other function does', async () => {
    const writes = (role: string) =>
      aFunction(role, {
        allow: [['dynamodb:PutItem', { 'Fn::GetAtt': ['Facts', 'Arn'] }]],
        handler: `export const handler = async () => {
          const Item = { pk: { S: 'a' }, sk: { S: 'b' } };
          note(await call('DynamoDB_20120810.PutItem', { TableName: 'tiny-facts', Item }));
        }`,
      });
    const { assembly, notes } = tinyAssembly({ Facts: aTable('facts'), ...writes('writer'), ...writes('other') });
    const stack = await startTestStack({ assembly });
    const invoke = (role: string) =>
      fetch(`${stack.lambdaEndpoint}/2015-03-31/functions/tiny-${role}/invocations`, { method: 'POST' });

    const odd = { error: 'Odd', share: 1, longestDelayMs: 0 };
    void stack.crash.disturb(['writer'], 60_000, odd);
    await invoke('writer');
    await invoke('other');
    await stack.crash.disturb(['writer'], 0, odd);
    await invoke('writer');
    await stack.stop();

    expect(notes()).toEqual([expect.objectContaining({ __type: expect.stringMatching(/#Odd$/) }), {}, {}]);
  });
});
