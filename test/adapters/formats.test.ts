import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keyOfTask, newTask, type BackfillRun } from '../../domain/backfill/backfill-run.ts';
import { nothingGranted } from '../../domain/grants/granted.ts';
import { HookSource } from '../../domain/hooks/hook-source.ts';
import { Credential } from '../../domain/identity/credential.ts';
import { totalsOf } from '../../domain/metrics/rolled-up-day.ts';
import { idOfSeries } from '../../domain/metrics/tally.ts';
import { decideScore } from '../../domain/scoring/score.ts';
import * as run from '../../functions/adapters/dynamodb/backfill/backfill-run.items.ts';
import * as grant from '../../functions/adapters/dynamodb/grants/grant.items.ts';
import * as board from '../../functions/adapters/dynamodb/leaderboards/leaderboard.items.ts';
import * as accounts from '../../functions/adapters/dynamodb/identity/accounts.ts';
import * as rollup from '../../functions/adapters/dynamodb/metrics/rollup.items.ts';
import * as registry from '../../functions/adapters/dynamodb/registry/registry.items.ts';
import * as month from '../../functions/adapters/dynamodb/scoring/refolded-month.items.ts';
import * as profile from '../../functions/adapters/dynamodb/scoring/profile.items.ts';
import * as score from '../../functions/adapters/dynamodb/scoring/score.items.ts';
import {
  FORMATS,
  fromItem,
  toItem,
  type ItemKind,
  withFormat,
} from '../../functions/adapters/dynamodb/shared/format.ts';
import type { Item } from '../../functions/adapters/dynamodb/shared/item.ts';
import * as telemetry from '../../functions/adapters/dynamodb/telemetry/telemetry.items.ts';
import { aChunk, anEntry } from '../builders/device-hour.ts';
import { aLedger, anAward } from '../builders/grants.ts';
import { aPersonalKey, aUsername } from '../builders/identity.ts';
import { someMetricsOf } from '../builders/metrics.ts';
import { aReportOf } from '../builders/reports.ts';
import { rulesVersion1 } from '../builders/rules.ts';

/**
 * One item of every format that a release ever wrote, as its bytes. Entries are only added: `UPDATE_FORMATS=1` writes
 * the missing ones. If an entry cannot be read any more, the reader is wrong, not the entry.
 */
const FILE = join(import.meta.dirname, '..', 'fixtures', 'formats.json');

const date = '2026-08-21';
const at = `${date}T12:00:00.000Z`;
const ada = aUsername('acc_k3vq7m2xw5tn4hbz');
const someMetrics = someMetricsOf(date, { ownedDevices: 1, sentFrom: [2], reports: aReportOf(1, 1) });
const { lines, balance } = aLedger(anAward('a1', 50, { username: ada }), anAward('a2', 5, { username: ada }));
const aScore = decideScore(
  ada,
  { metrics: someMetrics, granted: nothingGranted },
  { previous: null, isHidden: true, date, now: Date.parse(at), rules: rulesVersion1 },
);
const anExtension = { name: '@ada/tool', owner: { kind: 'personal', name: ada }, createdAt: at, revision: 1 } as const;
const aVersion = {
  ...{ name: '@ada/tool', version: '2026.08.21.1', channel: 'stable', publisher: anExtension.owner, credited: [ada] },
  ...{ publishedAt: at, yank: { at, reason: 'broken' }, revision: 2 },
};
const aCollective = { slug: aUsername('guild'), members: [ada], since: at, revision: 3 };
const series = { metric: 'EXTENSION_PULLED', scope: 'extension', key1: '@ada/tool' } as const;
const aDay = {
  date,
  series: new Map([[idOfSeries(series), { series, hours: new Map([[12, { eventCount: 3n, valueSum: 0n }]]) }]]),
  sets: new Map([['ACTIVE_DEVICE' as const, new Map([['00ff00ff00ff00ff', 4096]])]]),
  rolledUpAt: new Map([[12, at]]),
};
const [metricOfDay] = rollup.toRows(aDay);
const [setOfDay] = rollup.toSetItems(date, 'ACTIVE_DEVICE', aDay.sets.get('ACTIVE_DEVICE')!);
const aRun: BackfillRun = {
  runId: `${at}-run`,
  order: { mode: 'all', dryRun: false, usernames: [ada] },
  startedAt: at,
  status: 'running',
};
const aTask = { ...newTask, revision: 1, checkpointAt: at, failed: { count: 1, first: [ada] } };
const row = { username: ada, points: 90, canonicalScore: 95, tier: 'Sprout', rulesVersion: '1' };
const aSnapshot = {
  ...{ board: 'alltime', asOf: at, date, total: 1, rulesVersions: new Map([['1', 1]]), scores: 2 },
  tiers: new Map([['Sprout', 1]]),
  leaves: [{ start: null, count: 1, ref: 'a'.repeat(12) }],
  buckets: ['b'.repeat(12)],
};
const key = aPersonalKey(ada);

/** How an item of each kind is written now, and how one is read. */
const FORMS: Record<ItemKind, readonly [write: () => Item, read?: (item: Item) => unknown]> = {
  device: [
    () => toItem('device', { pk: telemetry.devicePk('laptop'), sk: 'DEVICE', owner: ada, boundAt: at, createdAt: at }),
    (item) => telemetry.DeviceItem.parse(fromItem('device', item)),
  ],
  'device-hour': [
    () => telemetry.chunkItem('laptop', `${date}T12`, aChunk({ events: [anEntry('e1', {}, ada), anEntry('e2')] }), 'w'),
    telemetry.parseChunk,
  ],
  link: [
    () => toItem('link', { pk: `USER#${ada}`, sk: telemetry.devicePk('laptop'), owned: true }),
    (item) => telemetry.LinkItem.parse(fromItem('link', item)),
  ],
  'link-count': [() => toItem('link-count', { pk: `USER#${ada}`, sk: telemetry.LINKS_SK, devices: 1 })],
  report: [
    () => toItem('report', { pk: `USER#${ada}`, sk: telemetry.factSk('issue_created', 'i1'), hour: `${date}T12` }),
    (item) => telemetry.ReportItem.parse(fromItem('report', item)),
  ],
  login: [
    () => toItem('login', { pk: telemetry.loginPk('github', 7), sk: telemetry.LOGIN_SK, username: ada, login: 'Ada' }),
    (item) => telemetry.LoginItem.parse(fromItem('login', item)),
  ],
  'own-login': [
    () => toItem('own-login', { pk: `USER#${ada}`, sk: telemetry.ownLoginSk('github'), id: 7, login: 'Ada' }),
    (item) => telemetry.OwnLoginItem.parse(fromItem('own-login', item)),
  ],
  'first-name': [
    () => toItem('first-name', { pk: telemetry.namePk('post-1'), sk: telemetry.NAME_SK, first: ada }),
    (item) => telemetry.NameItem.parse(fromItem('first-name', item)),
  ],
  'hook-source': [
    () =>
      toItem('hook-source', {
        pk: 'SOURCES',
        sk: 'github#main',
        place: 'github',
        name: 'main',
        secret: 's',
        createdAt: at,
      }),
    (item) => HookSource.parse(fromItem('hook-source', item)),
  ],
  extension: [() => registry.toExtensionItem(anExtension), registry.parseExtensionItem],
  version: [() => registry.toVersionItem(aVersion, 'w'), registry.parseVersionItem],
  'live-version': [() => registry.toLiveItem(aVersion), registry.parseLiveItem],
  'credited-version': [() => registry.toPublisherItems(aVersion)[0]!, registry.parsePublisherItem],
  pull: [
    () =>
      toItem('pull', {
        ...{
          pk: registry.authorPk(ada),
          sk: registry.pullSk('@ada/tool', aVersion.version, 'bob'),
          hour: `${date}T12`,
        },
      }),
    registry.parsePullItem,
  ],
  collective: [() => registry.toCollectiveItem(aCollective), registry.parseCollectiveItem],
  'past-members': [() => registry.toHistoryItem(aCollective), registry.parseHistoryItem],
  membership: [() => withFormat('membership', registry.membershipKey(ada, aCollective.slug))],
  grant: [() => grant.toGrantItem(lines[1]!, 'w'), grant.parseGrantItem],
  balance: [() => grant.toBalanceItem(ada, balance), grant.parseBalanceItem],
  metrics: [
    () => score.toMetricsItem(ada, { metrics: someMetrics, foldedAt: at, starts: new Map([['any', 1]]) }, 4),
    score.parseMetricsItem,
  ],
  profile: [() => toItem('profile', { pk: `USER#${ada}`, sk: 'PROFILE', isHidden: true }), profile.parseProfileItem],
  turn: [() => score.toTurnItem(ada, { by: 'worker', until: 5 }), score.parseTurnItem],
  score: [() => score.toScoreItem(aScore, { metrics: someMetrics, revision: 4 }, 6), score.parseScoreItem],
  day: [() => score.toDayItem(ada, [{ date, canonicalScore: 7 }], '1', 6), score.parseDayItem],
  'refolded-month': [
    () => month.toMonthItem(ada, { month: '2026-08', days: [{ date, canonicalScore: 7 }], revision: 2 }, '1'),
    month.parseMonthItem,
  ],
  snapshot: [() => ({ ...board.newestKey('alltime'), ...board.toRoot(aSnapshot) }), board.parseRoot],
  leases: [
    () =>
      board.toLeasesItem('alltime', {
        leases: new Map([['a'.repeat(12), { check: 'c'.repeat(8), until: 20_700 }]]),
        names: new Map([['a'.repeat(12), 'd'.repeat(12)]]),
      }),
    (item) => board.parseLeases(item).leases,
  ],
  block: [
    () => ({
      ...board.blockKey('a'.repeat(12)),
      ...board.leafContent({ rows: [row], names: 'd'.repeat(12) }).columns(),
    }),
    (item) => board.parseLeaf(item).rows,
  ],
  rules: [() => ({ ...board.RULES_KEY, ...toItem('rules', { version: '1', since: { 1: at } }) })],
  'rolled-up-day': [() => rollup.toGuardItem(aDay, 8), (item) => rollup.parseDay(date, [item])],
  'metric-of-day': [() => metricOfDay!, (item) => rollup.parseDay(date, [item])],
  'set-of-day': [() => setOfDay!, rollup.parseSetItem],
  totals: [() => rollup.toTotalsItem(date, totalsOf(aDay)), rollup.parseTotalsItem],
  series: [() => rollup.toSeriesItem(date, metricOfDay!)!, rollup.eventCountOf],
  week: [() => rollup.toWeekItem(date, new Map([['ACTIVE_DEVICE', 7]]), 2), rollup.parseWeekItem],
  'extension-list': [
    () => rollup.toListItem('pulls', { leaves: [{ figure: 3, count: 2, ref: 'a'.repeat(16) }], namesAt: at }, 4),
    rollup.parseListItem,
  ],
  'extension-leaf': [
    () =>
      rollup.toLeafItem('pulls', [
        {
          ...{ extension: '@ada/tool', publisher: anExtension.owner, versions: 1, pulls: 3 },
          ...{ firstPublished: at, lastPublished: at },
        },
      ])[1],
    rollup.parseLeafItem,
  ],
  'extension-summary': [
    () =>
      rollup.toSummaryItem(
        {
          extension: '@ada/tool',
          publisher: anExtension.owner,
          versions: 1,
          pulls: 3,
          firstPublished: at,
          lastPublished: at,
        },
        9,
      ),
    rollup.parseSummaryItem,
  ],
  'changed-account': [
    () => accounts.toChangedItem(at, { id: ada, username: aUsername(), formerNames: [], merged: [], revision: 2 }),
    (item) => accounts.parseChanged(item)[0],
  ],
  name: [() => accounts.toNameItem(aUsername(), ada, at), accounts.parseName],
  account: [
    () =>
      accounts.toAccountItem({
        ...{ id: ada, username: aUsername(), revision: 2 },
        formerNames: [{ name: aUsername('bob'), heldUntil: at }],
        merged: [],
      }),
    accounts.parseAccount,
  ],
  run: [() => run.toRunItem(aRun), run.parseRunItem],
  task: [() => run.toTaskItem(aRun, keyOfTask({ phase: 'work', segment: 3 }), aTask, 'w'), run.parseTaskItem],
  'planned-account': [
    () => run.toPlannedItem(aRun, 2, ada),
    (item) => run.usernameOfPlanned(run.PlannedItem.parse(fromItem('planned-account', item))),
  ],
  'late-streams': [() => toItem('late-streams', { pk: 'CHECK', sk: 'STREAMS', lateAt: at })],
  'differing-accounts': [
    () => toItem('differing-accounts', { pk: 'CHECK', sk: 'DIFFERENT', usernames: new Set([ada]) }),
  ],
  key: [() => toItem('key', { pk: key.id, sk: 'KEY', ...key }), (item) => Credential.parse(fromItem('key', item))],
};
const KINDS = Object.keys(FORMS) as ItemKind[];
const readAs = (kind: ItemKind, item: Item): unknown => (FORMS[kind][1] ?? ((each) => fromItem(kind, each)))(item);

/** Maps, sets, bytes and large numbers as JSON. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value ?? null, (_, each: unknown) => {
      if (each instanceof Map) return { map: [...each] };
      if (each instanceof Set) return { set: [...each] };
      if (typeof each === 'bigint') return { integer: String(each) };
      return each;
    }),
  );
const toJson = (item: Item): unknown =>
  JSON.parse(
    JSON.stringify(item, function (name, each: unknown) {
      const own: unknown = (this as Record<string, unknown>)[name];
      return own instanceof Uint8Array ? Buffer.from(own).toString('base64') : each;
    }),
  );
const fromJson = (json: unknown): Item =>
  JSON.parse(JSON.stringify(json), (name, each: unknown) =>
    name === 'B' && typeof each === 'string' ? new Uint8Array(Buffer.from(each, 'base64')) : each,
  ) as Item;

type Kept = {
  readonly kind: ItemKind;
  readonly version: number;
  readonly item: Record<string, AttributeValue>;
  readonly read: unknown;
};
const kept: Kept[] = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : [];
if (process.env.UPDATE_FORMATS === '1') {
  const isKept = (kind: ItemKind) => kept.some((each) => each.kind === kind && each.version === FORMATS[kind]);
  for (const kind of KINDS.filter((each) => !isKept(each))) {
    const item = FORMS[kind][0]();
    kept.push({ kind, version: FORMATS[kind], item: toJson(item) as Item, read: plain(readAs(kind, item)) });
  }
  writeFileSync(FILE, `[\n${kept.map((each) => JSON.stringify(each)).join(',\n')}\n]\n`);
}

describe('the formats of stored items', () => {
  it('are all kept, each in every version that was ever written', () => {
    const versionsOf = (kind: ItemKind) => [
      ...new Set(kept.filter((each) => each.kind === kind).map(({ version }) => version)),
    ];
    for (const kind of KINDS)
      expect([kind, versionsOf(kind)]).toEqual([kind, Array.from({ length: FORMATS[kind] }, (_, n) => n + 1)]);
    expect(KINDS.toSorted()).toEqual(Object.keys(FORMATS).toSorted());
  });

  it.each(kept)('are read for ever: $kind, version $version', ({ kind, version, item, read }) => {
    expect(item.v).toEqual({ N: String(version) });
    // A later release may know more: what an old item lacks has a default.
    expect({ read: plain(readAs(kind, fromJson(item))) }).toMatchObject({ read });
  });

  it.each(KINDS)('say their version: %s', (kind) => {
    expect(FORMS[kind][0]().v).toEqual({ N: String(FORMATS[kind]) });
  });

  it.each(KINDS)('of a later release stop a reader, who is told which: %s', (kind) => {
    const later = { ...FORMS[kind][0](), v: { N: String(FORMATS[kind] + 1) } };

    expect(() => readAs(kind, later)).toThrow(
      `item kind ${kind}: found format version ${FORMATS[kind] + 1}, this release knows up to ${FORMATS[kind]}.`,
    );
  });
});

describe('what is left out of a projection', () => {
  it('is a contribution in which nothing counts: a reader adds it by the rules that the score names', () => {
    const item = score.toScoreItem(aScore, { metrics: someMetrics, revision: 4 }, 6);
    const stored = Object.keys(item.contributions?.M ?? {});
    const touched = aScore.contributions.filter(({ inputs }) => [...inputs.values()].some((count) => count > 0));

    expect(stored.sort()).toEqual(touched.map(({ key: each }) => each).sort());
    expect(stored.length).toBeLessThan(aScore.contributions.length);
    expect(score.parseScoreItem(item).score.contributions).toEqual(aScore.contributions);
  });

  it('is no device of an account that has few, whatever its name is', () => {
    const links = ['__proto__', '7', '~ada'].map((deviceId, index) => ({ deviceId, owned: index > 0 }));
    const metrics = { ...someMetrics, links };
    const item = score.toMetricsItem(ada, { metrics, foldedAt: at, starts: new Map() }, 4);

    expect(score.parseMetricsItem(item).metrics.links).toEqual(links);
  });
});
