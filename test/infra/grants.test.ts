import { App, Stack } from 'aws-cdk-lib';
import { AttributeType, StreamViewType, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { type Grant, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { describe, expect, it } from 'vitest';
import { ofType, targetOf } from '../support/template.ts';
import { functions, queues, resources } from './template-under-test.ts';

/**
 * The grants of the CDK's own methods for the same needs. The comparison shows permissions that AWS needs and Laurel
 * forgot.
 */
const stack = new Stack(new App(), 'Compared');
const partitionKey = { name: 'pk', type: AttributeType.STRING };
const table = new TableV2(stack, 'Table', { partitionKey, dynamoStream: StreamViewType.NEW_AND_OLD_IMAGES });
const queue = new Queue(stack, 'Queue');
const log = new LogGroup(stack, 'Log');
const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
const code = Code.fromInline('-');
const fn = new LambdaFunction(stack, 'Function', { code, handler: 'index.handler', runtime: Runtime.NODEJS_24_X });

const actionsOf = (...grants: readonly Grant[]) =>
  grants.flatMap(({ principalStatements }) => principalStatements.flatMap(({ actions }) => actions));
const CDK = {
  'read a table': actionsOf(table.grantReadData(role)),
  'write a table': actionsOf(table.grantWriteData(role)),
  'read a stream': actionsOf(table.grantTableListStreams(role), table.grantStreamRead(role)),
  'drain a queue': actionsOf(queue.grantConsumeMessages(role)),
  'send to a queue': actionsOf(queue.grantSendMessages(role)),
  'write a log': actionsOf(log.grantWrite(role)),
  'invoke a function': actionsOf(fn.grantInvoke(role)),
} as const;
type Need = keyof typeof CDK;

/** The CDK methods for a function that needs these actions on the target. */
function needsOf(target: string, actions: readonly string[]): readonly Need[] {
  const has = (pattern: RegExp) => actions.some((action) => pattern.test(action));
  if (target.endsWith('.StreamArn')) return ['read a stream'];
  if (target.startsWith('log of ')) return ['write a log'];
  if (has(/^lambda:/u)) return ['invoke a function'];
  if (queues.has(target)) {
    const drained: Need[] = has(/:ReceiveMessage$/u) ? ['drain a queue'] : [];
    return has(/:SendMessage$/u) ? [...drained, 'send to a queue'] : drained;
  }
  const read: Need[] = has(/:(?:Batch)?Get|:Query$|:Scan$|:ConditionCheckItem$/u) ? ['read a table'] : [];
  return has(/:(?:Put|Update|Delete|BatchWrite)/u) ? [...read, 'write a table'] : read;
}

/** Permissions that the CDK would grant and Laurel does not, with the reason. */
const WITHHELD: Readonly<Record<string, string>> = {
  'read a table: dynamodb:GetRecords': 'reads a stream, and has no meaning on a table',
  'read a table: dynamodb:GetShardIterator': 'reads a stream, and has no meaning on a table',
  'read a table: dynamodb:DescribeTable': 'no function describes a table, except the consistency check',
  'write a table: dynamodb:DescribeTable': 'no function describes a table, except the consistency check',
  'drain a queue: sqs:ChangeMessageVisibility': 'a failed message comes back by the queue’s own timeout',
  'drain a queue: sqs:GetQueueUrl': 'a mapping finds its queue by its ARN',
  'send to a queue: sqs:GetQueueUrl': 'a function gets the URL',
  'send to a queue: sqs:GetQueueAttributes': "a sender does not read the queue's attributes",
  ...Object.fromEntries(
    ['BatchGetItem', 'ConditionCheckItem', 'GetItem', 'Query', 'Scan'].map((verb) => [
      `read a table: dynamodb:${verb}`,
      'each function has the reads that it makes: a whole run of the tests fails on one that none makes',
    ]),
  ),
  ...Object.fromEntries(
    ['BatchWriteItem', 'DeleteItem', 'PutItem', 'UpdateItem'].map((verb) => [
      `write a table: dynamodb:${verb}`,
      'each function has the writes that it makes: a line of the ledger is put, and never changed or deleted',
    ]),
  ),
};

/** Permissions that Laurel grants beyond these methods, with the reason. */
const BEYOND: Readonly<Record<string, string>> = {
  'score-refresh: sqs:GetQueueAttributes': 'the consistency check waits while refreshes are queued',
  'backfill: sqs:GetQueueAttributes': 'it also waits while a backfill is queued',
};

/** All permissions of a role on one resource: `refresh-score`'s on `telemetry`, or a schedule's on its queue. */
const grants = (() => {
  const byHolder = new Map<string, { target: string; actions: string[] }>();
  for (const [, { Properties }] of ofType(resources, 'AWS::IAM::Policy')) {
    for (const { Action, Resource } of Properties.PolicyDocument.Statement) {
      for (const target of [Resource].flat().map((arn) => targetOf(resources, arn))) {
        const key = `${Properties.PolicyName} ${target}`;
        const held = byHolder.get(key) ?? { target, actions: [] };
        byHolder.set(key, { target, actions: [...held.actions, ...[Action].flat()] });
      }
    }
  }
  return [...byHolder.values()];
})();

describe("each grant, compared with the CDK's grant for the same need", () => {
  it('lacks only permissions that are known to be needless, and every reason is still used', () => {
    const lacking = grants.flatMap(({ target, actions }) =>
      needsOf(target, actions).flatMap((need) =>
        CDK[need].filter((action) => !actions.includes(action)).map((action) => `${need}: ${action}`),
      ),
    );

    expect([...new Set(lacking)].sort()).toEqual(Object.keys(WITHHELD).sort());
  });

  it('has additional permissions only with a known reason', () => {
    const more = grants.flatMap(({ target, actions }) => {
      const given: readonly string[] = needsOf(target, actions).flatMap((need) => CDK[need]);
      return actions.filter((action) => !given.includes(action)).map((action) => `${target}: ${action}`);
    });

    expect([...new Set(more)].sort()).toEqual(Object.keys(BEYOND).sort());
  });

  it('is the same if AWS itself acts for a function: on streams, logs and invocations', () => {
    const exact = grants.filter(({ target }) => target.endsWith('.StreamArn') || target.startsWith('log of '));

    expect(exact).toHaveLength(functions.size + 4);
    for (const { target, actions } of exact) {
      expect(actions.toSorted(), target).toEqual(
        needsOf(target, actions)
          .flatMap((need) => CDK[need])
          .sort(),
      );
    }
  });
});
