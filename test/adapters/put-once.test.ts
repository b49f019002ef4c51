import { type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { putOnce, type Table } from '../../functions/adapters/dynamodb/shared/put-once.ts';
import { onBothEngines } from '../support/on-both-engines.ts';
import { aLossyClient } from './lossy-client.ts';
import { ODD_TEXTS } from './odd-texts.ts';

onBothEngines('what is put once', (engine) => {
  let client: DynamoDBClient;
  let tableName: string;
  let tokens = 0;
  const over = (by: DynamoDBClient): Table => ({ client: by, tableName, randomToken: () => `token-${(tokens += 1)}` });
  beforeAll(async () => {
    client = engine().client();
    tableName = (await engine().createTables(['registry'])).registry;
  });
  afterAll(() => client.destroy());

  it.each(ODD_TEXTS)('is recorded by the first write only, under a key of its own: %s', async (text) => {
    expect(await putOnce(over(client), { pk: 'ODD', sk: text })).toBe('recorded');
    expect(await putOnce(over(client), { pk: 'ODD', sk: text })).toBe('already-there');
  });

  it('is recorded by one of many writers', async () => {
    const puts = Array.from({ length: 20 }, () => putOnce(over(client), { pk: 'RACED', sk: 'once' }));

    const outcomes = await Promise.all(puts);
    expect(outcomes.filter((outcome) => outcome === 'recorded')).toHaveLength(1);
  });

  it('is recorded for whom it was written, though the answer was lost, and for nobody after', async () => {
    const lossy = aLossyClient(engine());

    expect(await putOnce(over(lossy), { pk: 'LOST', sk: 'once' })).toBe('recorded');
    expect(await putOnce(over(client), { pk: 'LOST', sk: 'once' })).toBe('already-there');
    lossy.destroy();
  });

  it('throws what is no failed condition', async () => {
    const nowhere = { ...over(client), tableName: 'nowhere' };

    await expect(putOnce(nowhere, { pk: 'a', sk: 'b' })).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});
