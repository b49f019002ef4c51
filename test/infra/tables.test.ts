import { describe, expect, it } from 'vitest';
import { grantsOf } from '../support/template.ts';
import { functions, resources, tables } from './template-under-test.ts';

const dynamodb = (...actions: string[]) => actions.map((action) => `dynamodb:${action}`).sort();

describe('tables', () => {
  it.each([['telemetry'], ['user_scores'], ['credentials'], ['score_grants'], ['backfill_runs'], ['registry']])(
    '%s is on demand, recoverable, and keyed by pk and sk',
    (role) => {
      expect(tables.get(role)!.Properties).toMatchObject({
        TableName: `laurel-local-${role}`,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        Replicas: [{ PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } }],
      });
    },
  );

  it('of grants is written by puts only: nobody may update, delete or write in batches', () => {
    for (const role of functions.keys()) {
      const actions = grantsOf(resources, role!)['Allow score_grants'] ?? [];
      expect(dynamodb('DescribeTable', 'GetItem', 'BatchGetItem', 'Scan', 'PutItem')).toEqual(
        expect.arrayContaining(actions),
      );
    }
  });

  it('of grants lists the lines of a user in their order, whole', () => {
    expect(tables.get('score_grants')!.Properties.GlobalSecondaryIndexes[0]).toEqual({
      IndexName: 'byUser',
      KeySchema: [
        { AttributeName: 'username', KeyType: 'HASH' },
        { AttributeName: 'seq', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'ALL' },
    });
  });

  it('of scores lists by shard and date what will be behind, and beside its keys its score', () => {
    expect(tables.get('user_scores')!.Properties.GlobalSecondaryIndexes).toEqual([
      {
        IndexName: 'byNextChange',
        KeySchema: [
          { AttributeName: 'changeShard', KeyType: 'HASH' },
          { AttributeName: 'changesOn', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['memberScore'] },
      },
    ]);
  });

  it.each(['telemetry', 'score_grants', 'registry'])('of facts, as %s, list them by hour, keys only', (role) => {
    const indexes: any[] = tables.get(role)!.Properties.GlobalSecondaryIndexes;

    expect(indexes.find(({ IndexName }) => IndexName === 'byHour')).toMatchObject({
      KeySchema: [
        { AttributeName: 'dayShard', KeyType: 'HASH' },
        { AttributeName: 'hour', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'KEYS_ONLY' },
    });
  });

  it('of backfills forgets its items by itself, and no other table does', () => {
    const expiring = [...tables].flatMap(
      ([
        role,
        {
          Properties: { TimeToLiveSpecification },
        },
      ]) => (TimeToLiveSpecification === undefined ? [] : [[role, TimeToLiveSpecification]]),
    );

    expect(expiring).toEqual([['backfill_runs', { AttributeName: 'expiresAt', Enabled: true }]]);
  });

  it('have a stream where they hold facts, none where a refresh could trigger itself', () => {
    const streamed = [...tables].filter(([, { Properties }]) => Properties.StreamSpecification !== undefined);

    expect(streamed.map(([role]) => role)).toEqual(['telemetry', 'score_grants', 'registry']);
    for (const [, { Properties }] of streamed) {
      expect(Properties.StreamSpecification.StreamViewType).toBe('NEW_AND_OLD_IMAGES');
    }
  });
});
