import { byDate } from '../../domain/shared/by-date.ts';
import { PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import type { AccountId } from '../../domain/identity/account.ts';
import type { TrustedFacts } from '../../domain/telemetry/trusted-facts.port.ts';
import type { UserTelemetry } from '../../domain/telemetry/user-telemetry.port.ts';
import { dynamoTrustedFacts } from '../../functions/adapters/dynamodb/telemetry/trusted-facts.ts';
import { dynamoUserTelemetry } from '../../functions/adapters/dynamodb/telemetry/user-telemetry.ts';
import { aUsername } from '../builders/identity.ts';
import { aReportOf } from '../builders/reports.ts';
import { onBothEngines } from '../support/on-both-engines.ts';
import { aLossyClient } from './lossy-client.ts';
import { ODD_TEXTS } from './odd-texts.ts';

const NOON = Date.parse('2026-08-21T12:34:56.000Z');
const HOUR = 3_600_000;

onBothEngines('facts that servers report', (engine) => {
  let client: DynamoDBClient;
  let table: string;
  let facts: TrustedFacts;
  let reports: Pick<UserTelemetry, 'reportsOf'>;
  let tokens = 0;
  const deps = { random: () => 0.5, sleep: async () => {}, randomToken: () => `token-${(tokens += 1)}` };
  beforeAll(async () => {
    client = engine().client();
    table = (await engine().createTables(['telemetry'])).telemetry;
    facts = dynamoTrustedFacts(client, table, deps);
    reports = dynamoUserTelemetry(client, table);
  });

  let user: AccountId;
  let users = 0;
  beforeEach(() => {
    user = aUsername(`user-${(users += 1)}`);
  });

  it('are empty for an account that no server has named', async () => {
    expect(await reports.reportsOf(user)).toEqual(aReportOf());
  });

  it('count an issue once, in the hour of its first report', async () => {
    expect(await facts.record(user, 'issue_created', 'i1', NOON)).toBe('recorded');
    expect(await facts.record(user, 'issue_created', 'i1', NOON + HOUR)).toBe('already-there');

    expect(await reports.reportsOf(user)).toEqual(aReportOf(1));
  });

  it('count a date with sign-ins once', async () => {
    expect(await facts.record(user, 'daily_sign_in', '2026-08-21', NOON)).toBe('recorded');
    expect(await facts.record(user, 'daily_sign_in', '2026-08-21', NOON + HOUR)).toBe('already-there');
    expect(await facts.record(user, 'daily_sign_in', '2026-08-20', NOON - 24 * HOUR)).toBe('recorded');

    expect(await reports.reportsOf(user)).toEqual(
      new Map([
        [
          'daily_sign_in',
          {
            byDate: byDate([
              ['2026-08-20', 1],
              ['2026-08-21', 1],
            ]),
            lastHour: '2026-08-21T12',
          },
        ],
      ]),
    );
  });

  it('return the newest hour, whatever the order of keys', async () => {
    await facts.record(user, 'issue_created', 'z', NOON - HOUR);
    await facts.record(user, 'issue_created', 'm', NOON);
    await facts.record(user, 'issue_created', 'a', NOON - 2 * HOUR);

    expect(await reports.reportsOf(user)).toEqual(aReportOf(3));
  });

  it('belong to one account: another may have an issue with the same id', async () => {
    const other = aUsername(`${user}.`); // its name starts with the other name

    expect(await facts.record(user, 'issue_created', 'i1', NOON)).toBe('recorded');
    const areThere = async () => [
      await facts.isThere(user, 'issue_created', 'i1'),
      await facts.isThere(other, 'issue_created', 'i1'),
    ];
    expect(await areThere()).toEqual([true, false]);
    expect(await facts.record(other, 'issue_created', 'i1', NOON)).toBe('recorded');
    expect(await areThere()).toEqual([true, true]);
    expect(await reports.reportsOf(user)).toEqual(aReportOf(1));
  });

  it('distinguish similar ids', async () => {
    for (const id of ODD_TEXTS)
      expect([id, await facts.record(user, 'issue_created', id, NOON)]).toEqual([id, 'recorded']);

    expect(await reports.reportsOf(user)).toEqual(aReportOf(ODD_TEXTS.length));
  });

  it('count a record after a lost answer', async () => {
    const lossy = aLossyClient(engine());
    expect(await dynamoTrustedFacts(lossy, table, deps).record(user, 'issue_created', 'i1', NOON)).toBe('recorded');

    expect(await reports.reportsOf(user)).toEqual(aReportOf(1));
  });

  it('are recorded by only one of many writers', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => facts.record(user, 'issue_created', 'i1', NOON)),
    );

    expect(outcomes.filter((outcome) => outcome === 'recorded')).toHaveLength(1);
  });

  it('are counted past the end of a page', async () => {
    const padding = 'x'.repeat(300_000); // four such items fill a page of 1 MB
    for (let n = 0; n < 5; n += 1) {
      const Item = marshall({ pk: `USER#${user}`, sk: `ISSUE#${n}`, hour: '2026-08-21T12', padding });
      await client.send(new PutItemCommand({ TableName: table, Item }));
    }

    expect(await reports.reportsOf(user)).toEqual(aReportOf(5));
  });
});
