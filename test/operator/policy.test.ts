import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isDeadLetterRole, QUEUE_ROLES } from '../../operator/queues.ts';
import { functions, tables } from '../infra/template-under-test.ts';
import { POLICY_FILE } from '../support/operator-policy.ts';

const OPERATOR = join(import.meta.dirname, '..', '..', 'operator');

/** Every SDK command that `laurel` sends, also through the functions' adapters. */
const source = readdirSync(OPERATOR, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(join(OPERATOR, file), 'utf8'))
  .join('\n');
const sent = new Set(
  [...source.matchAll(/new (\w+Command)\(|paginate(\w+)\(/gu)].map(
    ([, command, paged]) => command ?? `${paged}Command`,
  ),
);
const adapters = new Set(
  [...source.matchAll(/= (dynamo\w+)\(|of (dynamo\w+)\(/gu)].map(([, made, read]) => made ?? read),
);

const arn = (service: string, resource: string) => `arn:aws:${service}:REGION:ACCOUNT:${resource}`;
const queue = (role: string) => arn('sqs', `laurel-STAGE-${role}`);
const table = (name: string) => arn('dynamodb', `table/laurel-STAGE-${name}`);
const log = (role: string) => arn('logs', `log-group:/aws/lambda/laurel-STAGE-${role}:*`);
const fn = (role: string) => arn('lambda', `function:laurel-STAGE-${role}`);

const all = QUEUE_ROLES.map(queue);
const left = QUEUE_ROLES.filter(isDeadLetterRole).map(queue);
const sources = QUEUE_ROLES.filter((role) => !isDeadLetterRole(role));
const movable = sources.map((role) => queue(`${role}-dlq`));

type Need = readonly [action: string, resources: readonly string[]];

/** The permissions that AWS needs for each. A move task receives, deletes and sends in the operator's name. */
const NEEDS: Readonly<Record<string, readonly Need[]>> = {
  GetQueueUrlCommand: [['sqs:GetQueueUrl', all]],
  GetQueueAttributesCommand: [['sqs:GetQueueAttributes', all]],
  ReceiveMessageCommand: [['sqs:ReceiveMessage', left]],
  ChangeMessageVisibilityBatchCommand: [['sqs:ChangeMessageVisibility', left]],
  DeleteMessageCommand: [['sqs:DeleteMessage', left]],
  SendMessageCommand: [['sqs:SendMessage', sources.map(queue)]],
  StartMessageMoveTaskCommand: [['sqs:StartMessageMoveTask', movable]],
  ListMessageMoveTasksCommand: [['sqs:ListMessageMoveTasks', movable]],
  InvokeCommand: [['lambda:InvokeFunction', ['backfill', 'check-conservation', 'shadow-report'].map(fn)]],
  DescribeStacksCommand: [['cloudformation:DescribeStacks', [arn('cloudformation', 'stack/Laurel-STAGE/*')]]],
  GetAccountSettingsCommand: [['lambda:GetAccountSettings', ['*']]],
  ListEventSourceMappingsCommand: [['lambda:ListEventSourceMappings', ['*']]], // AWS knows no narrower resource for it
  GetMetricDataCommand: [['cloudwatch:GetMetricData', ['*']]], // the same
  // One by one, the functions would fill the policy. A stage whose name begins with this one's is covered, too.
  FilterLogEventsCommand: [['logs:FilterLogEvents', [log('*')]]],
  QueryCommand: [['dynamodb:Query', [table('backfill_runs')]]],
  dynamoUsernameSources: [['dynamodb:Query', [`${table('user_scores')}/index/byShard`]]],
  dynamoRulesVersions: [['dynamodb:Query', [`${table('user_scores')}/index/byShard`]]],
  dynamoAccounts: [
    ['dynamodb:BatchGetItem', [table('accounts')]],
    ['dynamodb:Query', [table('accounts')]],
  ],
  dynamoStoredUsers: [['dynamodb:Scan', [table('user_scores')]]],
  dynamoUserTelemetry: [['dynamodb:Query', [table('telemetry')]]],
  dynamoUserRegistry: [['dynamodb:Query', [table('registry')]]],
  dynamoHookSources: [
    ...['PutItem', 'UpdateItem', 'DeleteItem', 'Query'].map((verb): Need => [
      `dynamodb:${verb}`,
      [table('hook_sources')],
    ]),
  ],
  dynamoCredentials: [['dynamodb:PutItem', [table('credentials')]]],
};

/** A statement per set of resources, with its actions in order. */
function leastPolicy() {
  const actionsOn = new Map<string, Set<string>>();
  for (const [action, resources] of Object.values(NEEDS).flat()) {
    const key = JSON.stringify(resources);
    actionsOn.set(key, (actionsOn.get(key) ?? new Set()).add(action));
  }
  const Statement = [...actionsOn].map(([resources, actions]) => ({
    Effect: 'Allow',
    Action: [...actions].sort(),
    Resource: JSON.parse(resources) as string[],
  }));
  return { Version: '2012-10-17', Statement };
}

describe("the operator's policy", () => {
  it('covers every AWS call of laurel, and no other', () => {
    expect([...sent, ...adapters].sort()).toEqual(Object.keys(NEEDS).sort());
  });

  it('is the one in docs/operating (UPDATE_DOCS=1 writes it)', () => {
    const text = `${JSON.stringify(leastPolicy(), null, 2)}\n`;
    if (process.env.UPDATE_DOCS === '1') writeFileSync(POLICY_FILE, text);

    expect(JSON.parse(readFileSync(POLICY_FILE, 'utf8'))).toEqual(leastPolicy());
  });

  it('names only resources that a stage has', () => {
    const named = leastPolicy()
      .Statement.flatMap(({ Resource }) => Resource)
      .flatMap((resource) => /(?:table|function)[/:]laurel-STAGE-([\w-]+)/u.exec(resource)?.[1] ?? []);

    expect([...tables.keys(), ...functions.keys()]).toEqual(expect.arrayContaining(named));
  });

  it('fits into one IAM policy, for the longest names', () => {
    const text = JSON.stringify(leastPolicy())
      .replaceAll('STAGE', 'a'.repeat(20))
      .replaceAll('REGION', 'ap-southeast-2')
      .replaceAll('ACCOUNT', '123456789012');

    expect(text.length).toBeLessThanOrEqual(6_144);
  });
});
