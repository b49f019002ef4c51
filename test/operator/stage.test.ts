import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { GetAccountSettingsCommand, LambdaClient, ListEventSourceMappingsCommand } from '@aws-sdk/client-lambda';
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { connect, FUNCTION_ROLES, hintOf, targetOf } from '../../operator/connection.ts';
import { addressText, concurrencyText } from '../../operator/commands/status.ts';
import { explained } from '../../operator/explained.ts';
import { OperatorError } from '../../operator/outcome.ts';
import { QUEUE_ROLES } from '../../operator/queues.ts';
import { readAddress, readConcurrency } from '../../operator/stack-status.ts';
import { spawnOperator } from '../support/operator.ts';
import { byRole, ofType } from '../support/template.ts';

const sqs = mockClient(SQSClient);
afterEach(() => sqs.reset());
const prod = targetOf({ stage: 'prod' }, {});
const template = JSON.parse(readFileSync(join(inject('assembly'), 'Laurel-local.template.json'), 'utf8'));
const named = (name: string, message = 'no') => Object.assign(new Error(message), { name });

describe('a stage', () => {
  it('has the queues of the template, found by their full names', async () => {
    expect([...QUEUE_ROLES].sort()).toEqual([...byRole(template.Resources, 'AWS::SQS::Queue').keys()].sort());
    // No role's name is the end of another one, otherwise a queue could be taken for one of a stage with a longer name.
    for (const role of QUEUE_ROLES) {
      expect(QUEUE_ROLES.filter((other) => other !== role && other.endsWith(`-${role}`))).toEqual([]);
    }
  });

  it('has the functions of the template', () => {
    const roles = byRole(template.Resources, 'AWS::Lambda::Function').keys();
    expect([...FUNCTION_ROLES].sort()).toEqual([...roles].sort());
  });

  it('does not see the queues of a stage whose name goes on', async () => {
    const there = ['laurel-prod-rank', 'laurel-prod-eu-rank', 'laurel-prod-eu-rank-dlq', 'laurel-prod-other'];
    sqs.on(GetQueueUrlCommand).callsFake(({ QueueName }) => {
      if (there.includes(QueueName)) return { QueueUrl: `https://sqs/1/${QueueName}` };
      throw named('QueueDoesNotExist');
    });

    expect([...(await connect(prod).queues())]).toEqual([['rank', 'https://sqs/1/laurel-prod-rank']]);
    const eu = connect(targetOf({ stage: 'prod-eu' }, {}));
    expect([...(await eu.queues()).keys()]).toEqual(['rank', 'rank-dlq']);
    await expect(connect(targetOf({ stage: 'pro' }, {})).queues()).rejects.toMatchObject({ code: 'not_deployed' });
  });
});

describe("a stage's address", () => {
  const cloudformation = mockClient(CloudFormationClient);
  afterEach(() => cloudformation.reset());

  it.each([
    ['https://a1.execute-api.eu-west-1.amazonaws.com/', false, 'amazonaws.com/'],
    ['https://d1.cloudfront.net/', true, 'cloudfront.net/ (CloudFront, LAUREL_EDGE=on)'],
  ])('%s is the output of its stack; CloudFront is named', async (url, isEdge, shown) => {
    const Outputs = [{ OutputKey: 'ApiUrl', OutputValue: url }];
    const stack = {
      StackName: 'Laurel-prod',
      CreationTime: new Date(0),
      StackStatus: 'CREATE_COMPLETE',
      Outputs,
    } as const;
    cloudformation.on(DescribeStacksCommand, { StackName: 'Laurel-prod' }).resolves({ Stacks: [stack] });

    const address = await readAddress(connect(prod));

    expect(address).toEqual({ url, isEdge });
    expect(addressText({ address })[0]).toMatch(new RegExp(`^address: .*${RegExp.escape(shown)}$`, 'u'));
  });
});

describe("a stage's concurrency", () => {
  const lambda = mockClient(LambdaClient);
  afterEach(() => lambda.reset());

  const arnOf = (name: string) => `arn:aws:lambda:eu-west-1:1:function:${name}`;
  /** The mappings of the template, with other `refreshes`, as Lambda lists them among those of other stacks. */
  const mappings = (refreshes: number) => [
    { FunctionArn: arnOf('laurel-prod-eu-backfill'), ScalingConfig: { MaximumConcurrency: 500 } },
    ...ofType(template.Resources, 'AWS::Lambda::EventSourceMapping').map(([, { Properties }]) => {
      const { FunctionName, ScalingConfig, ParallelizationFactor } = Properties;
      const role = template.Resources[FunctionName.Ref].Properties.FunctionName.replace('laurel-local-', '');
      const FunctionArn = arnOf(`laurel-prod-${role}`);
      if (role !== 'refresh-score') return { FunctionArn, ScalingConfig, ParallelizationFactor };
      return { FunctionArn, ScalingConfig: { MaximumConcurrency: refreshes } };
    }),
  ];

  it.each([
    [10, 10, 10, 22, ['concurrency:    10 unreserved invocations at a time (10 in all)']],
    [1_000, 400, 10, 22, []],
    [1_000, 150, 200, 212, ['concurrency:    150 unreserved invocations at a time (1000 in all)']],
    [1_000, 400, 200, 212, []],
  ])('of %i, %i unreserved, is shown if the workers with refreshes=%i use more', async (...row) => {
    const [account, unreserved, refreshes, workers, shown] = row;
    const AccountLimit = { ConcurrentExecutions: account, UnreservedConcurrentExecutions: unreserved };
    const [first, ...rest] = mappings(refreshes);
    lambda.on(GetAccountSettingsCommand).resolves({ AccountLimit });
    lambda.on(ListEventSourceMappingsCommand).resolves({ EventSourceMappings: [first!], NextMarker: '2' });
    lambda.on(ListEventSourceMappingsCommand, { Marker: '2' }).resolves({ EventSourceMappings: rest });

    const concurrency = await readConcurrency(connect(prod));

    expect(concurrency).toEqual({ account, unreserved, workers });
    const lines = concurrencyText({ concurrency });
    expect(lines.map((line) => line.split(',')[0])).toEqual(shown);
    if (lines[0] !== undefined) expect(lines[0]).toContain(`can use ${workers}:`);
  });
});

describe('an error that keeps an operator from a stage', () => {
  it.each([
    ['no region', new Error('Region is missing'), 'no_region', 'AWS_REGION'],
    ['no credentials', named('CredentialsProviderError'), 'no_credentials', 'AWS_PROFILE'],
    ['old credentials', named('ExpiredTokenException'), 'bad_credentials', 'sign in again'],
    ['a missing permission', named('AccessDeniedException', 'sqs:GetQueueUrl'), 'denied', 'sqs:GetQueueUrl'],
    ['no such table', named('ResourceNotFoundException'), 'not_deployed', 'npx cdk bootstrap'],
    ['no network', Object.assign(named('Error'), { code: 'ENOTFOUND' }), 'unreachable', 'network'],
  ])('is explained in a sentence: %s', (_what, error, code, words) => {
    const said = explained(error, prod);

    expect(said).toBeInstanceOf(OperatorError);
    expect(said).toMatchObject({ code, message: expect.stringContaining(words) });
    expect((said as Error).message).not.toContain('\n');
  });

  it('is unchanged if it is unexpected', () => {
    const error = new TypeError('x is not a function');
    expect(explained(error, prod)).toBe(error);
  });

  const nobody = { AWS_CONFIG_FILE: '/none', AWS_SHARED_CREDENTIALS_FILE: '/none', AWS_EC2_METADATA_DISABLED: 'true' };
  it.each([
    [{ AWS_REGION: '' }, 'no_region'],
    [{ AWS_REGION: 'eu-west-1', AWS_PROFILE: 'none' }, 'no_credentials'],
  ])('is an error of the SDK: %j', async (env, code) => {
    const { code: exitCode, stdout } = await spawnOperator(['status', '--stage', 'prod', '--json'], {
      ...nobody,
      ...env,
    }).ended;

    expect({ exitCode, said: JSON.parse(stdout) }).toMatchObject({ exitCode: 1, said: { code } });
  });
});

describe('a hint', () => {
  it.each([
    [{ stage: 'dev' }, 'laurel status --stage dev'],
    [{ local: true as const }, 'laurel status --local'],
    [{ local: 'data/two' }, 'laurel status --local data/two'],
    [{ local: "it's here" }, "laurel status --local 'it'\\''s here'"],
  ])('has the options as they were given: %j', (options, hint) => {
    expect(hintOf(targetOf(options, {}), 'status')).toBe(hint);
  });
});

describe('wrong usage', () => {
  it.each([
    [['status', '--stage', 'Prod'], '--stage: expected 1 to 20 of a-z 0-9 -, starting with a letter'],
    [['keys', 'list', '--stage', 'prod', '--url', 'example.com'], '--url: expected an http or https address'],
    [
      ['backfill', '--mode', 'metrics', '--to', '9999-12-31', '--stage', 'dev'],
      '--to: expected a date from 2000-01-01 to 2100-12-31, such as 2026-08-21',
    ],
    [
      ['keys', 'create-admin', '--label', '\u001b[31m', '--stage', 'dev'],
      '--label: expected no control characters or line breaks',
    ],
  ])('is named: %j', async (args, sentence) => {
    const { code, stderr } = await spawnOperator(args).ended;

    expect({ code, stderr }).toEqual({ code: 2, stderr: `laurel: ${sentence}\n` });
  });
});
