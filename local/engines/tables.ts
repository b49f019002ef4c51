import {
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  ResourceNotFoundException,
  type TableDescription,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { isDeepStrictEqual } from 'node:util';
import { ExplainedError } from '../explained-error.ts';
import type { TableModel } from '../template/stack-model.ts';

/** A table in the data directory has a different shape than in the template. */
export class TableChangedError extends ExplainedError {
  override readonly name = 'TableChangedError';
}

/**
 * Creates a table if it does not exist, and returns the ARN of its stream. Never alters a table: throws
 * `TableChangedError`.
 */
export async function ensureTable(
  client: DynamoDBClient,
  table: Pick<TableModel, 'name' | 'definition' | 'timeToLiveAttribute'>,
): Promise<string | undefined> {
  const existing = await describe(client, table.name);
  if (existing !== undefined) {
    const isUnchanged = isDeepStrictEqual(shapeOf(existing), shapeOf(definitionOf(table)));
    if (isUnchanged) return existing.LatestStreamArn;
    throw new TableChangedError(
      `The table ${table.name} in the data directory has a different shape than in the template: start with --fresh`,
    );
  }
  return createTable(client, table);
}

/** Creates a table that does not exist yet, and returns the ARN of its stream. */
export async function createTable(
  client: DynamoDBClient,
  table: Pick<TableModel, 'name' | 'definition' | 'timeToLiveAttribute'>,
): Promise<string | undefined> {
  const created = await client.send(new CreateTableCommand(definitionOf(table)));
  await setTimeToLive(client, table);
  return created.TableDescription?.LatestStreamArn;
}

async function describe(client: DynamoDBClient, TableName: string): Promise<TableDescription | undefined> {
  try {
    return (await client.send(new DescribeTableCommand({ TableName }))).Table;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

async function setTimeToLive(client: DynamoDBClient, table: Pick<TableModel, 'name' | 'timeToLiveAttribute'>) {
  const { name: TableName, timeToLiveAttribute: AttributeName } = table;
  if (AttributeName === undefined) return;
  const TimeToLiveSpecification = { AttributeName, Enabled: true };
  await client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }));
}

function definitionOf({ name, definition }: Pick<TableModel, 'name' | 'definition'>) {
  const { AttributeDefinitions, KeySchema, GlobalSecondaryIndexes, StreamSpecification } = definition;
  return {
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST' as const,
    AttributeDefinitions,
    KeySchema,
    ...(GlobalSecondaryIndexes.length > 0 && {
      GlobalSecondaryIndexes: GlobalSecondaryIndexes.map(({ IndexName, KeySchema, Projection }) => ({
        IndexName,
        KeySchema,
        Projection: {
          ProjectionType: Projection.ProjectionType,
          ...(Projection.NonKeyAttributes && { NonKeyAttributes: Projection.NonKeyAttributes }),
        },
      })),
    }),
    ...(StreamSpecification && { StreamSpecification: { StreamEnabled: true, ...StreamSpecification } }),
  };
}

/** The attributes of a table that can change only by replacing it, sorted so that they can be compared. */
function shapeOf(
  table: Pick<
    TableDescription,
    'AttributeDefinitions' | 'KeySchema' | 'GlobalSecondaryIndexes' | 'StreamSpecification'
  >,
) {
  const byName = (left: string | undefined, right: string | undefined) => (left ?? '').localeCompare(right ?? '');
  const keys = (schema: TableDescription['KeySchema']) =>
    schema?.map(({ AttributeName, KeyType }) => `${KeyType} ${AttributeName}`);
  return {
    attributes: table.AttributeDefinitions?.map(
      ({ AttributeName, AttributeType }) => `${AttributeName} ${AttributeType}`,
    ).toSorted(),
    keys: keys(table.KeySchema),
    indexes: (table.GlobalSecondaryIndexes ?? [])
      .toSorted((left, right) => byName(left.IndexName, right.IndexName))
      .map(({ IndexName, KeySchema, Projection }) => ({
        name: IndexName,
        keys: keys(KeySchema),
        projection: Projection?.ProjectionType,
        attributes: (Projection?.NonKeyAttributes ?? []).toSorted(),
      })),
    stream: table.StreamSpecification?.StreamViewType,
  };
}
