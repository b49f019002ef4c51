import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  paginateQuery,
  UpdateItemCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import { HookSource, MAX_SOURCE_NAME, type HookSources, type SecretsOf } from '../../../../domain/hooks/hook-source.ts';
import { ifNew, ifThere } from '../shared/conditions.ts';
import { getOne } from '../shared/gather.ts';
import { putIf } from '../shared/put-if.ts';
import { fromItem, toItem } from '../shared/format.ts';

/**
 * The items of the `hook_sources` table, with secrets in clear: a signature needs them.
 *
 *   SOURCES    <place>#<name>    a source, with one secret, or with two while they are rotated
 */
const PK = 'SOURCES';
/** A key has an end; a longer name is no source's. */
const keyOf = ({ place, name }: Parameters<SecretsOf>[0]) =>
  marshall({ pk: PK, sk: `${place}#${name.slice(0, MAX_SOURCE_NAME + 1)}` });

const Secrets = z.object({ secret: z.string(), previousSecret: z.optional(z.string()) });

/** Only the function that checks signatures may use it. */
export function dynamoHookSecrets(client: DynamoDBClient, tableName: string): SecretsOf {
  const get = getOne(client, tableName);
  return async (source) => {
    const item = await get(keyOf(source));
    if (item === undefined) return [];
    const { secret, previousSecret } = Secrets.parse(fromItem('hook-source', item));
    return previousSecret === undefined ? [secret] : [secret, previousSecret];
  };
}

/** Holds while there is one secret, and while there are two. */
const ifSettled = { ConditionExpression: 'attribute_exists(pk) AND attribute_not_exists(previousSecret)' };
const ifRotating = { ConditionExpression: 'attribute_exists(previousSecret)' };

/** For the operator's command. It gives no secret back, and needs none to rotate one. */
export function dynamoHookSources(client: DynamoDBClient, TableName: string): HookSources {
  /** False if the condition does not hold. The SDK's second try may find the `secret` that its first one wrote. */
  async function isDone(command: UpdateItemCommand | DeleteItemCommand, secret?: string): Promise<boolean> {
    try {
      await (command instanceof UpdateItemCommand ? client.send(command) : client.send(command));
      return true;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return secret !== undefined && error.Item?.secret?.S === secret;
    }
  }

  return {
    async create(source, secret, createdAt) {
      const Item = { ...keyOf(source), ...toItem('hook-source', { ...source, secret, createdAt }) };
      const put = await putIf(client, { TableName, Item, ...ifNew });
      return put.isWritten || put.existing?.secret?.S === secret ? 'created' : 'exists';
    },

    async list() {
      const pages = paginateQuery(
        { client },
        {
          TableName,
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :sources',
          ProjectionExpression: 'place, #name, createdAt, rotatedAt, v',
          ExpressionAttributeNames: { '#name': 'name' },
          ExpressionAttributeValues: marshall({ ':sources': PK }),
        },
      );
      const sources: HookSource[] = [];
      for await (const { Items = [] } of pages)
        sources.push(...Items.map((item) => HookSource.parse(fromItem('hook-source', item))));
      return sources;
    },

    async rotate(source, secret, rotatedAt) {
      const update = new UpdateItemCommand({
        TableName,
        Key: keyOf(source),
        UpdateExpression: 'SET previousSecret = secret, secret = :secret, rotatedAt = :at',
        ...ifSettled,
        ExpressionAttributeValues: marshall({ ':secret': secret, ':at': rotatedAt }),
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
      return (await isDone(update, secret)) ? 'rotated' : 'refused';
    },

    async endRotation(source) {
      const UpdateExpression = 'REMOVE previousSecret, rotatedAt';
      const update = new UpdateItemCommand({ TableName, Key: keyOf(source), UpdateExpression, ...ifRotating });
      return (await isDone(update)) ? 'ended' : 'refused';
    },

    remove: (source) => isDone(new DeleteItemCommand({ TableName, Key: keyOf(source), ...ifThere })),
  };
}
