import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeAll, expect, it } from 'vitest';
import type { CheckNotes } from '../../domain/consistency-check/check-notes.port.ts';
import { dynamoCheckNotes, noteLateStreams } from '../../functions/adapters/dynamodb/consistency-check/check-notes.ts';
import { aUsername } from '../builders/identity.ts';
import { onBothEngines } from '../support/on-both-engines.ts';

onBothEngines('notes of the consistency check', (engine) => {
  let client: DynamoDBClient;
  let table: string;
  let notes: CheckNotes;
  beforeAll(async () => {
    client = engine().client();
    ({ backfill_runs: table } = await engine().createTables(['backfill_runs']));
    notes = dynamoCheckNotes(client, table);
  });

  it('return when a stream was last late, or that none was', async () => {
    expect(await notes.lastLate()).toBeNull();

    for (const lateAt of ['2026-08-21T12:00:00.000Z', '2026-08-21T12:00:10.000Z']) {
      await noteLateStreams(client, table)(lateAt);
      expect(await notes.lastLate()).toBe(Date.parse(lateAt));
    }
  });

  it('return accounts that differ until all were found right, also after repeated notes', async () => {
    const [ada, bob, cy] = ['ada', 'bob', 'cy'].map(aUsername) as [any, any, any];
    expect(await notes.differing()).toEqual([]);
    expect(await notes.remember({ found: [], right: [cy] })).toBe(0);

    const both = { found: [bob, ada], right: [] };
    expect([await notes.remember(both), await notes.remember(both)]).toEqual([2, 2]);
    expect(await notes.differing()).toEqual([ada, bob]);
    expect(await notes.remember({ found: [cy], right: [ada, bob] })).toBe(1);
    expect(await notes.remember({ found: [], right: [] })).toBe(1);
    const last = { found: [], right: [cy] };
    expect([await notes.remember(last), await notes.remember(last)]).toEqual([0, 0]);
    expect(await notes.differing()).toEqual([]);
  });
});
