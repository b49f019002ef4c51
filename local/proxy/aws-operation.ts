import * as z from 'zod/mini';
import type { Access } from './policy.ts';

/** A call of an AWS JSON service, from its `X-Amz-Target`. */
export type AwsOperation = {
  readonly service: 'dynamodb' | 'streams' | 'sqs';
  readonly name: string;
};

export type ArnContext = {
  readonly region: string;
  readonly accountId: string;
  /** The stream that a shard iterator belongs to. */
  readonly streamOfIterator: (iterator: string) => string | undefined;
};

const SERVICES = new Map<string, AwsOperation['service']>([
  ['DynamoDB_20120810', 'dynamodb'],
  ['DynamoDBStreams_20120810', 'streams'],
  ['AmazonSQS', 'sqs'],
]);

/** Parses a target such as `DynamoDB_20120810.PutItem`; undefined if it is unknown. */
export function operationOf(target: string | undefined): AwsOperation | undefined {
  const [prefix = '', name] = (target ?? '').split('.');
  const service = SERVICES.get(prefix);
  return service === undefined || name === undefined || name === '' ? undefined : { service, name };
}

const WRITES: ReadonlySet<string> = new Set([
  'PutItem',
  'UpdateItem',
  'DeleteItem',
  'BatchWriteItem',
  'TransactWriteItems',
]);

/** True if the operation can write items, and so add records to a stream. */
export const isWrite = ({ service, name }: AwsOperation) => service === 'dynamodb' && WRITES.has(name);

const TableTarget = z.object({ TableName: z.string(), IndexName: z.optional(z.string()) });
const BatchTarget = z.object({ RequestItems: z.record(z.string(), z.unknown()) });
const TransactionTarget = z.object({
  TransactItems: z.array(z.record(z.string(), z.object({ TableName: z.string() }))),
});
const StreamTarget = z.object({ StreamArn: z.optional(z.string()), ShardIterator: z.optional(z.string()) });
const QueueTarget = z.object({
  QueueUrl: z.optional(z.string()),
  QueueName: z.optional(z.string()),
  SourceArn: z.optional(z.string()), // of a task that moves messages
});

/** IAM checks the single operations of a transaction, and the single action of an SQS batch. */
const TRANSACTION_ACTIONS = new Map([
  ['Get', 'dynamodb:GetItem'],
  ['Put', 'dynamodb:PutItem'],
  ['Update', 'dynamodb:UpdateItem'],
  ['Delete', 'dynamodb:DeleteItem'],
  ['ConditionCheck', 'dynamodb:ConditionCheckItem'],
]);

/**
 * The permissions that a call needs, one for each action and resource, as IAM checks them. Undefined if the body does
 * not name a resource; only the operator may make such a call.
 */
export function accessesOf(operation: AwsOperation, body: unknown, context: ArnContext): readonly Access[] | undefined {
  switch (operation.service) {
    case 'dynamodb':
      return tableAccesses(operation.name, body, context);
    case 'streams': {
      const { data } = StreamTarget.safeParse(body);
      const iterator = data?.ShardIterator;
      const stream = iterator === undefined ? data?.StreamArn : context.streamOfIterator(iterator);
      return stream === undefined ? undefined : [{ action: `dynamodb:${operation.name}`, resource: stream }];
    }
    case 'sqs': {
      const { data } = QueueTarget.safeParse(body);
      const name = data?.QueueUrl?.split('/').at(-1) ?? data?.QueueName ?? data?.SourceArn?.split(':').at(-1);
      if (name === undefined) return undefined;
      const resource = `arn:aws:sqs:${context.region}:${context.accountId}:${name}`;
      return [{ action: `sqs:${operation.name.replace(/Batch$/, '')}`, resource }];
    }
  }
}

function tableAccesses(name: string, body: unknown, { region, accountId }: ArnContext): readonly Access[] | undefined {
  const tableArn = (nameOrArn: string) =>
    nameOrArn.startsWith('arn:') ? nameOrArn : `arn:aws:dynamodb:${region}:${accountId}:table/${nameOrArn}`;

  const action = `dynamodb:${name}`;
  if (name.startsWith('Transact')) {
    const { data: transaction } = TransactionTarget.safeParse(body);
    const members = transaction?.TransactItems.flatMap((member) => Object.entries(member));
    const accesses = members?.map(([kind, { TableName }]) => {
      const action = TRANSACTION_ACTIONS.get(kind);
      return action === undefined ? undefined : { action, resource: tableArn(TableName) };
    });
    return accesses?.every((access) => access !== undefined) === true ? accesses : undefined;
  }
  if (name.startsWith('Batch')) {
    const { data: batch } = BatchTarget.safeParse(body);
    return batch && Object.keys(batch.RequestItems).map((table) => ({ action, resource: tableArn(table) }));
  }
  const { data: single } = TableTarget.safeParse(body);
  if (single === undefined) return undefined;
  const index = single.IndexName === undefined ? '' : `/index/${single.IndexName}`;
  return [{ action, resource: `${tableArn(single.TableName)}${index}` }];
}
