import { type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeAll, expect, it } from 'vitest';
import type { Credential } from '../../domain/identity/credential.ts';
import type { CredentialStore } from '../../domain/identity/credentials.port.ts';
import { dynamoCredentials } from '../../functions/adapters/dynamodb/identity/credentials.ts';
import { aCollectiveKey, aPersonalKey, aServiceKey } from '../builders/identity.ts';
import { onBothEngines } from '../support/on-both-engines.ts';

const AT = '2026-08-21T12:00:00.000Z';
const LATER = '2026-08-21T13:00:00.000Z';

onBothEngines('the store of keys', (engine) => {
  let client: DynamoDBClient;
  let store: CredentialStore;
  beforeAll(async () => {
    client = engine().client();
    store = dynamoCredentials(client, (await engine().createTables(['credentials'])).credentials);
  });
  let keys = 0;
  const added = async (credential: Credential = aPersonalKey()): Promise<Credential> => {
    keys += 1;
    const id = String(keys).padStart(32, '0');
    const made = { ...credential, id, hash: id + id };
    await store.add(made);
    return made;
  };

  it.each([
    ['personal', aPersonalKey()],
    ['collective', aCollectiveKey()],
    ['service', { ...aServiceKey(), label: 'registry' }],
  ])('finds a %s key as it was added, and no other key', async (_kind, credential) => {
    const made = await added(credential);

    expect(await store.find(made.id)).toEqual(made);
    expect(await store.find('f'.repeat(32))).toBeUndefined();
  });

  it('recognizes its own write, but refuses another key with the same id', async () => {
    const made = await added();

    await store.add(made);
    await expect(store.add({ ...made, hash: 'f'.repeat(64) })).rejects.toMatchObject({
      name: 'ConditionalCheckFailedException',
    });
    expect(await store.find(made.id)).toEqual(made);
  });

  it('revokes a key once, and no unknown key', async () => {
    const { id } = await added();

    expect([await store.revoke(id, AT), await store.revoke(id, LATER)]).toEqual([true, true]);
    expect((await store.find(id))?.revokedAt).toBe(AT);
    expect(await store.revoke('f'.repeat(32), AT)).toBe(false);
    expect(await store.find('f'.repeat(32))).toBeUndefined();
  });

  it('notes the last use, without creating an unknown key', async () => {
    const { id } = await added();
    await store.noteUse(id, AT);
    await store.noteUse(id, LATER);
    await store.noteUse('f'.repeat(32), AT);

    expect((await store.find(id))?.lastUsedAt).toBe(LATER);
    expect(await store.find('f'.repeat(32))).toBeUndefined();
  });

  it('lists every key once, over all pages', async () => {
    for (let more = 0; more < 5; more += 1) await added();
    const listed: string[] = [];
    for (let after: string | undefined, isFirst = true; isFirst || after !== undefined; isFirst = false) {
      const page = await store.list({ limit: 2, ...(after === undefined ? {} : { after }) });
      expect(page.credentials.length).toBeLessThanOrEqual(2);
      listed.push(...page.credentials.map(({ id }) => id));
      after = page.next;
    }

    expect(listed.sort()).toEqual(Array.from({ length: keys }, (_, n) => String(n + 1).padStart(32, '0')));
  });
});
