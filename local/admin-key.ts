import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { authenticator } from '../domain/identity/authenticate.ts';
import { createKey } from '../domain/identity/create-key.ts';
import { dynamoCredentials } from '../functions/adapters/dynamodb/identity/credentials.ts';
import { clock, randomToken, sha256 } from '../functions/runtime/environment.ts';
import { type DataDirectory, unusableKey } from './data-directory.ts';

/**
 * The admin key of earlier runs, or a new one if there is none. The API cannot create the first key, because every
 * request for a key needs one. Throws `ExplainedError` if the stored file does not hold a valid key.
 */
export async function ensureAdminKey(
  data: DataDirectory,
  client: DynamoDBClient,
  credentialsTable: string,
): Promise<string> {
  const credentials = dynamoCredentials(client, credentialsTable);
  const kept = data.readAdminKey();
  if (kept !== undefined) {
    const admission = await authenticator({ credentials, isErased: async () => false, clock, sha256 })(kept);
    if (admission?.credential.kind === 'admin') return kept;
    throw unusableKey(data.file('admin-key'), 'holds a key that is not an admin key in the stored data');
  }
  const label = 'first admin key of the local stack';
  const { key } = await createKey({ credentials, clock, randomToken, sha256 }, { kind: 'admin', label });
  data.keepAdminKey(key);
  return key;
}
