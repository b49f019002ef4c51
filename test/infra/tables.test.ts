import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { grantsOf } from '../support/template.ts';
import { functions, resources, tables } from './template-under-test.ts';

const dynamodb = (...actions: string[]) => actions.map((action) => `dynamodb:${action}`).sort();

describe('tables', () => {
  it.each([
    ['telemetry'],
    ['user_scores'],
    ['credentials'],
    ['hook_sources'],
    ['score_grants'],
    ['backfill_runs'],
    ['registry'],
    ['leaderboards'],
  ])('%s is on demand, recoverable, and keyed by pk and sk', (role) => {
    expect(tables.get(role)!.Properties).toMatchObject({
      TableName: `laurel-local-${role}`,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      WriteOnDemandThroughputSettings: { MaxWriteRequestUnits: 4_000 },
      Replicas: [
        {
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          ReadOnDemandThroughputSettings: { MaxReadRequestUnits: 12_000 },
        },
      ],
    });
  });

  it('are all on the page about restoring tables', () => {
    const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs/operating/restore.md'), 'utf8');
    expect([...tables.keys()].filter((role) => !page.includes(`\`${role}\``))).toEqual([]);
  });

  it('of grants is only written by puts: only the erasure may update lines, and nobody may delete or write in batches', () => {
    for (const role of functions.keys()) {
      if (role === 'erase-accounts') continue; // infra/functions.test.ts lists what it may do
      const actions = grantsOf(resources, role!)['Allow score_grants'] ?? [];
      expect(dynamodb('DescribeTable', 'GetItem', 'BatchGetItem', 'Scan', 'PutItem')).toEqual(
        expect.arrayContaining(actions),
      );
    }
  });

  it('of grants lists the complete lines of a user in order', () => {
    expect(tables.get('score_grants')!.Properties.GlobalSecondaryIndexes[0]).toEqual({
      IndexName: 'byUser',
      KeySchema: [
        { AttributeName: 'username', KeyType: 'HASH' },
        { AttributeName: 'seq', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'ALL' },
    });
  });

  it('of scores lists each by its shard under a constant key, with the attributes that boards, gauges and backfills read', () => {
    expect(tables.get('user_scores')!.Properties.GlobalSecondaryIndexes).toEqual([
      {
        IndexName: 'byShard',
        KeySchema: [
          { AttributeName: 'scoreShard', KeyType: 'HASH' },
          { AttributeName: 'pk', KeyType: 'RANGE' },
        ],
        Projection: {
          ProjectionType: 'INCLUDE',
          NonKeyAttributes: [
            ...['username', 'memberScore', 'tier', 'standingSince', 'steps'],
            ...['isHidden', 'rulesVersion', 'nextChangeOn', 'v'],
          ],
        },
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

  it('of telemetry, backfills and leaderboards delete expired items, and no other table does', () => {
    const expiring = [...tables]
      .map(([role, { Properties }]) => [role, Properties.TimeToLiveSpecification])
      .filter(([, specification]) => specification !== undefined);

    expect(expiring).toEqual(
      ['telemetry', 'backfill_runs', 'leaderboards'].map((role) => [
        role,
        { AttributeName: 'expiresAt', Enabled: true },
      ]),
    );
  });

  it('have a stream if they hold facts or scores', () => {
    const streamed = [...tables].filter(([, { Properties }]) => Properties.StreamSpecification !== undefined);

    expect(streamed.map(([role]) => role)).toEqual(['telemetry', 'score_grants', 'registry', 'user_scores']);
    for (const [, { Properties }] of streamed) {
      expect(Properties.StreamSpecification.StreamViewType).toBe('NEW_AND_OLD_IMAGES');
    }
  });
});
