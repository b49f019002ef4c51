import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { authenticator } from '../domain/identity/authenticate.ts';
import { createKey } from '../domain/identity/create-key.ts';
import { dynamoCredentials } from '../functions/adapters/dynamodb/identity/credentials.ts';
import { clock, randomToken, sha256 } from '../functions/runtime/environment.ts';
import { type DataDirectory, unusableKey } from './data-directory.ts';

/**
 * The admin key of earlier runs, or else the first one: no key exists yet that could ask the API for one. Throws
 * `ExplainedError` for a file whose key opens nothing.
 */
export async function ensureAdminKey(
  data: DataDirectory,
  client: DynamoDBClient,
  credentialsTable: string,
): Promise<string> {
  const credentials = dynamoCredentials(client, credentialsTable);
  const kept = data.readAdminKey();
  if (kept !== undefined) {
    const credential = await authenticator({ credentials, clock, sha256 })(kept);
    if (credential?.kind === 'admin') return kept;
    throw unusableKey(data.file('admin-key'), 'holds a key that the stored data does not know as an admin key');
  }
  const label = 'first admin key of the local stack';
  const { key } = await createKey({ credentials, clock, randomToken, sha256 }, { kind: 'admin', label });
  data.keepAdminKey(key);
  return key;
}
