import { type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeAll, expect, it } from 'vitest';
import { putOnce, putsGathered, type Table } from '../../functions/adapters/dynamodb/shared/put-once.ts';
import { onBothEngines } from '../support/on-both-engines.ts';
import { aLossyClient } from './lossy-client.ts';
import { ODD_TEXTS } from './odd-texts.ts';

onBothEngines('what is put once', (engine) => {
  let client: DynamoDBClient;
  let tableName: string;
  let tokens = 0;
  const over = (by: DynamoDBClient): Table => ({
    client: by,
    tableName,
    random: () => 0.5,
    sleep: async () => {},
    randomToken: () => `token-${(tokens += 1)}`,
  });
  beforeAll(async () => {
    client = engine().client();
    tableName = (await engine().createTables(['registry'])).registry;
  });

  it.each(ODD_TEXTS)('is recorded only by the first write, under its own key: %s', async (text) => {
    expect(await putOnce(over(client), marshall({ pk: 'ODD', sk: text }))).toBe('recorded');
    expect(await putOnce(over(client), marshall({ pk: 'ODD', sk: text }))).toBe('already-there');
  });

  it('is recorded by only one of many writers', async () => {
    const puts = Array.from({ length: 20 }, () => putOnce(over(client), marshall({ pk: 'RACED', sk: 'once' })));

    const outcomes = await Promise.all(puts);
    expect(outcomes.filter((outcome) => outcome === 'recorded')).toHaveLength(1);
  });

  it('is recorded for its writer after a lost answer, and for nobody later', async () => {
    const lossy = aLossyClient(engine());

    expect(await putOnce(over(lossy), marshall({ pk: 'LOST', sk: 'once' }))).toBe('recorded');
    expect(await putOnce(over(client), marshall({ pk: 'LOST', sk: 'once' }))).toBe('already-there');
  });

  it('is recorded once each, with few calls for very many at a time', async () => {
    const items = Array.from({ length: 250 }, (_, n) => marshall({ pk: 'MANY', sk: `${n}` }));
    await putOnce(over(client), marshall({ pk: 'MANY', sk: '7' }));
    const counted = engine().client();
    let calls = 0;
    counted.middlewareStack.add(
      (next) => (args) => {
        calls += 1;
        return next(args);
      },
      { step: 'initialize' },
    );
    const put = putsGathered(over(counted));

    const outcomes = await Promise.all([marshall({ pk: 'MANY', sk: '1' }), ...items].map(put));
    const again = await Promise.all(items.map(putsGathered(over(client))));

    expect(outcomes.filter((outcome) => outcome === 'recorded')).toHaveLength(249);
    expect([outcomes[2], outcomes[8]]).toEqual(['already-there', 'already-there']);
    // 100, 100 and 51 puts by 25, one transaction again without what was there, and the repeat
    expect(calls).toBe(4 + 4 + 3 + 1 + 1);
    expect(new Set(again)).toEqual(new Set(['already-there']));
  });

  it('is recorded by only one of two writers of very many at the same time', async () => {
    const items = Array.from({ length: 100 }, (_, n) => marshall({ pk: 'BOTH', sk: `${n}` }));
    const [ada, bob] = await Promise.all(
      [over(client), over(client)].map((table) => Promise.all(items.map(putsGathered(table)))),
    );

    const recorded = items.map((_, n) => [ada![n], bob![n]].filter((outcome) => outcome === 'recorded').length);
    expect(new Set(recorded)).toEqual(new Set([1]));
  });

  it('is recorded for its writer after a lost answer, also among very many', async () => {
    const lossy = aLossyClient(engine());
    const put = putsGathered(over(lossy));
    const outcomes = await Promise.all(
      Array.from({ length: 60 }, (_, n) => put(marshall({ pk: 'LOST-MANY', sk: `${n}` }))),
    );

    expect(new Set(outcomes)).toEqual(new Set(['recorded']));
  });

  it('throws any error that is not a failed condition', async () => {
    const nowhere = { ...over(client), tableName: 'nowhere' };

    await expect(putOnce(nowhere, marshall({ pk: 'a', sk: 'b' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });
});
