import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createKey } from '../domain/identity/create-key.ts';
import { dynamoCredentials } from '../functions/adapters/dynamodb/credentials.dynamodb.ts';
import { clock, randomToken, sha256 } from '../functions/runtime/environment.ts';

/** The first admin key: no key exists yet that could ask the API for one. */
export async function createAdminKey(client: DynamoDBClient, credentialsTable: string): Promise<string> {
  const credentials = dynamoCredentials(client, credentialsTable);
  const label = 'first admin key of the local stack';
  const { key } = await createKey({ credentials, clock, randomToken, sha256 }, { kind: 'admin', label });
  return key;
}
