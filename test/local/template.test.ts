import { describe, expect, it } from 'vitest';
import type { Surroundings } from '../../local/template/references.ts';
import { readStack } from '../../local/template/stack-model.ts';
import { resolveIntrinsics } from '../../local/template/intrinsics.ts';
import { UnsupportedTemplateError } from '../../local/template/unsupported.ts';
import { aFunction, aQueue, aRole, aTable, type Resources, tinyAssembly } from './tiny-stack.ts';

const surroundings: Surroundings = {
  region: 'us-east-1',
  accountId: '000000000000',
  awsEndpoint: 'http://127.0.0.1:1',
  streamArnOf: (table) => `stream-of-${table}`,
};
const dynamodb = (verb: string) => `dynamodb:${verb}`;
const read = (resources: Resources) => readStack(tinyAssembly(resources).assembly, surroundings);

describe('intrinsic functions', () => {
  const references = {
    pseudo: { 'AWS::Region': 'eu-west-1' },
    ref: (id: string) => `ref-${id}`,
    attribute: (id: string, name: string) => `${id}/${name}`,
  };
  it.each([
    ['a reference', { Ref: 'Queue' }, 'ref-Queue'],
    ['a pseudo parameter', { Ref: 'AWS::Region' }, 'eu-west-1'],
    ['an attribute', { 'Fn::GetAtt': ['Queue', 'Arn'] }, 'Queue/Arn'],
    ['an attribute as one text', { 'Fn::GetAtt': 'Queue.Arn' }, 'Queue/Arn'],
    ['a join of references', { 'Fn::Join': ['-', ['a', { Ref: 'B' }]] }, 'a-ref-B'],
    [
      'a substitution',
      { 'Fn::Sub': '${AWS::Region} ${Queue.Arn} ${Queue} ${!kept}' },
      'eu-west-1 Queue/Arn ref-Queue ${kept}',
    ],
    ['a substitution with variables', { 'Fn::Sub': ['${x}!', { x: { Ref: 'B' } }] }, 'ref-B!'],
    [
      'a text without references',
      { a: [1, true, null, { Ref: 'B', other: 1 }] },
      { a: [1, true, null, { Ref: 'B', other: 1 }] },
    ],
  ])('resolves %s', (_what, value, expected) => {
    expect(resolveIntrinsics(value, references)).toEqual(expected);
  });

  it.each([{ 'Fn::ImportValue': 'x' }, { Ref: 'AWS::StackId' }])('stops at %j, with its name', (value) => {
    expect(() => resolveIntrinsics(value, references)).toThrow(UnsupportedTemplateError);
  });
});

describe('the stack model', () => {
  it('resolves environments, policies and mappings to local names', () => {
    const { functions, queueMappings, queues } = read({
      Jobs: aQueue('jobs', { VisibilityTimeout: 7 }),
      ...aFunction('worker', {
        handler: '',
        timeout: 7,
        environment: { QUEUE_URL: { Ref: 'Jobs' } },
        allow: [['sqs:*', { 'Fn::GetAtt': ['Jobs', 'Arn'] }]],
      }),
      Mapping: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: {
          FunctionName: { Ref: 'worker' },
          EventSourceArn: { 'Fn::GetAtt': ['Jobs', 'Arn'] },
          FunctionResponseTypes: ['ReportBatchItemFailures'],
        },
      },
    });
    expect(functions[0]?.environment.QUEUE_URL).toBe('http://127.0.0.1:1/000000000000/tiny-jobs');
    expect(functions[0]?.policy).toHaveLength(1);
    expect(queues[0]?.attributes).toEqual({ VisibilityTimeout: '7' });
    expect(queueMappings).toMatchObject([{ functionName: 'tiny-worker', batchSize: 10, reportsItemFailures: true }]);
  });

  it.each<[string, string, string[]]>([
    ['a queue', 'sqs:GetQueueAttributes', ['sqs:ReceiveMessage', 'sqs:DeleteMessage']],
    ['a stream', 'dynamodb:ListStreams', ['DescribeStream', 'GetRecords', 'GetShardIterator'].map(dynamodb)],
    ['a failure queue', 'sqs:SendMessage', [dynamodb('*')]],
  ])('refuses a mapping of %s if its function lacks %s, as AWS does', (source, missing, actions) => {
    const arn = (id: string, name = 'Arn') => ({ 'Fn::GetAtt': [id, name] });
    const from = source === 'a queue' ? arn('Jobs') : arn('Facts', 'StreamArn');
    const onFailure = { DestinationConfig: { OnFailure: { Destination: arn('Jobs') } } };
    const resources: Resources = {
      Jobs: aQueue('jobs'),
      Facts: aTable('facts', { StreamSpecification: { StreamViewType: 'KEYS_ONLY' } }),
      ...aFunction('worker', { handler: '', allow: actions.map((action) => [action, from] as const) }),
      Mapping: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: {
          FunctionName: { Ref: 'worker' },
          EventSourceArn: from,
          ...(source === 'a queue' ? {} : { StartingPosition: 'LATEST' }),
          ...(source === 'a failure queue' ? onFailure : {}),
        },
      },
    };
    expect(() => read(resources)).toThrow(UnsupportedTemplateError);
    expect(() => read(resources)).toThrow(`may not ${missing} `);
  });

  it.each([
    ["a visibility timeout shorter than the function's", { VisibilityTimeout: 4 }, {}],
    ['more than ten messages without a window', {}, { BatchSize: 11 }],
  ])('refuses a mapping with %s, as AWS does', (_what, queue, mapping) => {
    const EventSourceArn = { 'Fn::GetAtt': ['Jobs', 'Arn'] };
    const resources: Resources = {
      Jobs: aQueue('jobs', queue),
      ...aFunction('worker', { handler: '', timeout: 5, allow: [['sqs:*', EventSourceArn]] }),
      Mapping: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: { FunctionName: { Ref: 'worker' }, EventSourceArn, ...mapping },
      },
    };
    expect(() => read(resources)).toThrow('AWS refuses');
  });

  it('refuses a function whose role does not trust Lambda, as AWS does', () => {
    const resources = { ...aFunction('worker', { handler: '' }), workerRole: aRole('scheduler') };
    expect(() => read(resources)).toThrow('its role does not trust lambda.amazonaws.com');
  });

  it.each<[string, string, Resources]>([
    ['a resource type', 'AWS::Scheduler::Schedule', { Nightly: { Type: 'AWS::Scheduler::Schedule', Properties: {} } }],
    ['a property', 'ContentBasedDeduplication', { Jobs: aQueue('jobs', { ContentBasedDeduplication: true }) }],
    ['a property of a table', 'LocalSecondaryIndexes', { Facts: aTable('facts', { LocalSecondaryIndexes: [] }) }],
    ['a value', 'PROVISIONED', { Facts: aTable('facts', { BillingMode: 'PROVISIONED' }) }],
    ['a resource without a role', 'laurel:role', { Jobs: aQueue('jobs', { Tags: [] }) }],
    [
      'a reserved variable of AWS',
      'AWS_REGION',
      aFunction('worker', { handler: '', environment: { AWS_REGION: 'x' } }),
    ],
    [
      'a policy condition',
      'Condition',
      {
        ...aFunction('worker', { handler: '' }),
        Extra: {
          Type: 'AWS::IAM::Policy',
          Properties: {
            PolicyName: 'Extra',
            Roles: [{ Ref: 'workerRole' }],
            PolicyDocument: {
              Version: '2012-10-17',
              Statement: [{ Effect: 'Allow', Action: 'sqs:*', Resource: '*', Condition: { Bool: {} } }],
            },
          },
        },
      },
    ],
  ])('stops at unsupported %s, with its name', (_what, name, resources) => {
    const expected = name === 'PROVISIONED' ? 'PAY_PER_REQUEST' : name;
    expect(() => read(resources)).toThrow(UnsupportedTemplateError);
    expect(() => read(resources)).toThrow(expected);
  });
});
