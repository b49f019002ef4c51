import {
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { authenticator, type Authenticate } from '../../../../domain/identity/authenticate.ts';
import { Credential } from '../../../../domain/identity/credential.ts';
import type { CredentialStore } from '../../../../domain/identity/credentials.port.ts';
import type { Clock, Sha256 } from '../../../../domain/shared/environment.ts';
import { accountKey, parseAccount } from './accounts.ts';
import { ifItHolds, ifThere, type Condition } from '../shared/conditions.ts';
import { fromItem, toItem } from '../shared/format.ts';
import { A_MOMENT_AGO, getFromTables, type GetItem } from '../shared/gather.ts';

/** The `credentials` table has one item for each key. Its id comes from the key's hash. */
const SK = 'KEY';
const keyOf = (id: string) => marshall({ pk: id, sk: SK });

/** Holds while the key is new, or is this one: a second try of the SDK may find what the first one wrote. */
const ifNewOrSame = (hash: string): Condition => ({
  ConditionExpression: 'attribute_not_exists(pk) OR #hash = :hash',
  ExpressionAttributeNames: { '#hash': 'hash' },
  ExpressionAttributeValues: marshall({ ':hash': hash }),
});

export function dynamoCredentials(client: DynamoDBClient, tableName: string): CredentialStore {
  /** Sets one attribute of a key; false if the key does not exist. */
  async function setTime(id: string, attribute: 'lastUsedAt' | 'revokedAt', value: string): Promise<boolean> {
    const isRevocation = attribute === 'revokedAt';
    const command = new UpdateItemCommand({
      TableName: tableName,
      Key: keyOf(id),
      UpdateExpression: isRevocation ? 'SET #time = if_not_exists(#time, :value)' : 'SET #time = :value',
      ...ifThere,
      ExpressionAttributeNames: { '#time': attribute },
      ExpressionAttributeValues: marshall({ ':value': value }),
    });
    return await ifItHolds(client.send(command));
  }

  return {
    async find(id) {
      const { Item } = await client.send(
        new GetItemCommand({ TableName: tableName, Key: keyOf(id), ConsistentRead: true }),
      );
      return Item === undefined ? undefined : Credential.parse(fromItem('key', Item));
    },

    async add(credential) {
      const command = new PutItemCommand({
        TableName: tableName,
        Item: toItem('key', { pk: credential.id, sk: SK, ...credential }),
        ...ifNewOrSame(credential.hash),
      });
      await client.send(command);
    },

    async list({ limit, after }) {
      const command = new ScanCommand({
        TableName: tableName,
        Limit: limit,
        ConsistentRead: true,
        ...(after === undefined ? {} : { ExclusiveStartKey: keyOf(after) }),
      });
      const { Items = [], LastEvaluatedKey } = await client.send(command);
      const credentials = Items.map((item) => Credential.parse(fromItem('key', item)));
      const last = LastEvaluatedKey?.pk?.S;
      return last === undefined ? { credentials } : { credentials, next: last };
    },

    revoke: (id, at) => setTime(id, 'revokedAt', at),

    async noteUse(id, at) {
      await setTime(id, 'lastUsedAt', at);
    },
  };
}

/** How every function of the API finds out whose a key is. `getAccount` reads an item of the accounts. */
export function dynamoAuthenticator(
  client: DynamoDBClient,
  tables: { readonly CREDENTIALS_TABLE: string; readonly ACCOUNTS_TABLE: string },
  deps: { readonly clock: Clock; readonly sha256: Sha256 },
  getAccount: GetItem = getFromTables(client, A_MOMENT_AGO)(tables.ACCOUNTS_TABLE),
): Authenticate {
  return authenticator({
    credentials: dynamoCredentials(client, tables.CREDENTIALS_TABLE),
    async isErased(account) {
      const item = await getAccount(marshall(accountKey(account)));
      return item !== undefined && parseAccount(item)[1].erasedAt !== undefined;
    },
    ...deps,
  });
}
