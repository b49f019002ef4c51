import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, it } from 'vitest';
import { ledgerChange } from '../../functions/adapters/dynamodb/change-feed/ledger-changes.ts';
import { balanceKey, toGrantItem } from '../../functions/adapters/dynamodb/grants/grant.items.ts';
import { registryChange } from '../../functions/adapters/dynamodb/change-feed/registry-changes.ts';
import {
  authorPk,
  pullSk,
  toExtensionItem,
  toPublisherItems,
  toVersionItem,
} from '../../functions/adapters/dynamodb/registry/registry.items.ts';
import { telemetryChange } from '../../functions/adapters/dynamodb/change-feed/telemetry-changes.ts';
import { chunkItem } from '../../functions/adapters/dynamodb/telemetry/telemetry.items.ts';
import { aChunk, anEntry } from '../builders/device-hour.ts';
import { aLedger, anAward } from '../builders/grants.ts';
import { aUsername } from '../builders/identity.ts';
import { aPublisher, aVersion } from './a-publication.ts';

type Item = Record<string, AttributeValue>;
const [ada, bob] = [aUsername('ada'), aUsername('bob')];
const AT = '2026-08-21T12:10:00.000Z';

/** A change from one image to the other. Either may be missing. */
const of = (before: Item | undefined, after: Item | undefined) => {
  const { pk, sk } = (after ?? before)!;
  return { table: 'any', keys: { pk: pk!, sk: sk! }, before, after };
};

describe('a change of the telemetry', () => {
  const chunk = (...senders: (typeof ada | null)[]) =>
    chunkItem(
      'd1',
      '2026-08-21T12',
      aChunk({ events: senders.map((sender, n) => anEntry(String(n), {}, sender)) }),
      'w',
    );
  const device = (owner?: string, createdAt = AT) =>
    marshall({ pk: 'DEVICE#d1', sk: 'DEVICE', createdAt, ...(owner === undefined ? {} : { owner }) });

  it.each([
    ['the accounts that an hour names now', undefined, chunk(ada, null), [ada], true],
    ['the accounts that it named before', chunk(ada, bob), chunk(ada), [ada, bob], false],
    ['the accounts of a manually deleted hour', chunk(bob), undefined, [bob], false],
    ['the sender of a further event', chunk(ada, null), chunk(ada, null, ada), [ada], false],
    ['the sender that an anonymous event got', chunk(null), chunk(ada), [ada], true],
    ['nobody for a further anonymous event', chunk(null), chunk(null, null), [], true],
    ['nobody for manually deleted anonymous events', chunk(null), undefined, [], true],
  ])('names %s', (_whom, before, after, senders, isAnonymous) => {
    expect(telemetryChange(of(before, after))).toEqual({
      kind: 'hour-changed',
      deviceId: 'd1',
      hour: '2026-08-21T12',
      senders,
      isAnonymous,
    });
  });

  it.each([
    ['the new owner of a device', device(), device('ada'), ['ada']],
    ['the old owner of a device', device('bob'), device('ada'), ['bob', 'ada']],
    ['the account that lost it', device('ada'), device(), ['ada']],
    ['the owner of a manually deleted device', device('ada'), undefined, ['ada']],
    ['nobody if the owner is unchanged', device('ada'), device('ada'), []],
  ])('names %s', (_whom, before, after, owners) => {
    expect(telemetryChange(of(before, after))).toMatchObject({ kind: 'device-changed', owners });
  });

  it('names the hour in which a device was first seen, and both hours after a manual change', () => {
    expect(telemetryChange(of(undefined, device()))).toMatchObject({ hours: ['2026-08-21T12'] });
    expect(telemetryChange(of(device(), device(undefined, '2026-08-20T09:00:00.000Z')))).toMatchObject({
      hours: ['2026-08-21T12', '2026-08-20T09'],
    });
    expect(telemetryChange(of(device(), device('ada')))).toMatchObject({ hours: [] });
  });

  it('names the account of a link and of a report', () => {
    const link = marshall({ pk: 'USER#ada', sk: 'DEVICE#d1', owned: false });
    const report = marshall({ pk: 'USER#bob', sk: 'ISSUE#1', hour: '2026-08-21T12' });

    expect(telemetryChange(of(undefined, link))).toEqual({ kind: 'link-changed', username: ada });
    expect(telemetryChange(of(report, undefined))).toEqual({ kind: 'report-changed', username: bob });
  });

  it('throws on items that the table never contains', () => {
    expect(() => telemetryChange(of(undefined, marshall({ pk: 'DEVICE#d1', sk: 'NOTHING' })))).toThrow();
  });
});

describe('a change of the ledger', () => {
  it('names the account and hour of a line, and the account of a balance', () => {
    const [line] = aLedger(anAward('a1', 5, { username: ada })).lines;
    const balance = marshall({ ...balanceKeyOf(), seq: 1 });

    expect(ledgerChange(of(undefined, toGrantItem(line!, 'w')))).toEqual({
      kind: 'ledger-changed',
      username: ada,
      hours: ['2026-08-21T12'],
    });
    expect(ledgerChange(of(toGrantItem(line!, 'w'), undefined))).toMatchObject({ username: ada });
    expect(ledgerChange(of(undefined, balance))).toEqual({ kind: 'ledger-changed', username: ada, hours: [] });
  });
  const balanceKeyOf = () => ({ pk: balanceKey(ada).pk!.S, sk: balanceKey(ada).sk!.S });
});

describe('a change of the registry', () => {
  const version = aVersion({ name: '@ada/net', publisher: aPublisher(ada), credited: [ada] });
  const [row] = toPublisherItems(version);

  it('names the accounts that a version counts for, and whether it was deleted manually', () => {
    expect(registryChange(of(undefined, row))).toMatchObject({
      kind: 'registry-changed',
      username: ada,
      isRemoval: false,
    });
    expect(registryChange(of(row, undefined))).toMatchObject({ username: ada, isRemoval: true });
  });

  it('names the author of a pull, and its hour if the community counts it', () => {
    const key = { pk: authorPk(ada), sk: pullSk('@ada/net', '2026.08.21.1', 'user:bob') };
    const counted = marshall({ ...key, dayShard: '2026-08-21#00', hour: '2026-08-21T12' });

    expect(registryChange(of(undefined, counted))).toMatchObject({ username: ada, hours: ['2026-08-21T12'] });
    expect(registryChange(of(undefined, marshall({ ...key, hour: '2026-08-21T12' })))).toMatchObject({ hours: [] });
  });

  it('names the hours of an extension and of a version, also after a manual deletion', () => {
    const extension = toExtensionItem({ name: '@ada/net', owner: aPublisher(ada), createdAt: AT, revision: 1 });
    const published = toVersionItem(version, 'w');

    for (const change of [of(undefined, extension), of(extension, undefined), of(published, undefined)]) {
      expect(registryChange(change)).toEqual({ kind: 'extension-changed', hours: ['2026-08-21T12'] });
    }
  });

  it('of members changes no score', () => {
    const members = marshall({ pk: 'COLLECTIVE#guild', sk: 'COLLECTIVE', members: ['ada'] });

    expect(registryChange(of(undefined, members))).toBeUndefined();
  });
});
