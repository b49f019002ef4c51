import { GetItemCommand, QueryCommand, ScanCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { AccountExport, ExportedItem, ExportStep } from '../../../../domain/identity/account-export.ts';
import { grantView } from '../../../../domain/grants/views.ts';
import { BY_USER_INDEX, PROFILE_SK, SCORE_SK } from '../../../runtime/names.ts';
import { BALANCE_SK, parseGrantItem } from '../grants/grant.items.ts';
import { accountKey } from './accounts.ts';
import { MONTH_PREFIX } from '../scoring/refolded-month.items.ts';
import { DAY_PREFIX, METRICS_SK, parseMetricsItem, parseScoreItem } from '../scoring/score.items.ts';
import { fromItem, readable, type ItemKind } from '../shared/format.ts';
import { type Item, USER_PREFIX } from '../shared/item.ts';
import { chunkSk, devicePk, LINKS_SK, LOGIN_PREFIX, parseChunk, parseKey } from '../telemetry/telemetry.items.ts';

/** Few enough that a step stays far below 1 MB of JSON: an hour of a device grows the most when it is unpacked. */
const ROWS_A_STEP = 200;
const HOURS_A_STEP = 100;

type Tables = Readonly<Record<'accounts' | 'telemetry' | 'registry' | 'grants' | 'scores' | 'credentials', string>>;
type Rows = { readonly rows: readonly Item[]; readonly last: string | null };

/** What only stores need. */
const INTERNAL = new Set(['pk', 'sk', 'v', 'rev', 'writeId', 'dayShard', 'scoreShard', 'hash']);

/** Maps, sets, bytes and large numbers as JSON has them. */
function plain(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, each]) => [String(name), plain(each)]));
  if (value instanceof Set) return [...value].map(plain);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}

const exported = (kind: ItemKind, key: string, fields: object): ExportedItem => ({
  ...Object.fromEntries(
    Object.entries(fields).flatMap(([name, each]) => (INTERNAL.has(name) ? [] : [[name, plain(each)]])),
  ),
  kind,
  key,
});
const keyOf = ({ sk }: Item): string => sk?.S ?? '';
const stored = (kind: ItemKind, item: Item): ExportedItem => exported(kind, keyOf(item), fromItem(kind, item));

function scoreRow(item: Item): ExportedItem {
  const key = keyOf(item);
  if (key === METRICS_SK) return exported('metrics', key, parseMetricsItem(item));
  if (key === SCORE_SK) return exported('score', key, parseScoreItem(item));
  if (key.startsWith(DAY_PREFIX)) return stored('day', item);
  if (key.startsWith(MONTH_PREFIX)) return stored('refolded-month', item);
  return stored(key === PROFILE_SK ? 'profile' : 'turn', item);
}

function telemetryRow(item: Item): ExportedItem {
  const key = keyOf(item);
  if (key === LINKS_SK) return stored('link-count', item);
  if (key.startsWith(devicePk(''))) return stored('link', item);
  return stored(key.startsWith(LOGIN_PREFIX) ? 'own-login' : 'report', item);
}

/** A line has the fields that anyone may check. */
const lineRow = (item: Item): ExportedItem => {
  const line = parseGrantItem(item).line;
  return { ...exported('grant', line.grantId, {}), ...grantView(line) };
};

/** A device that the account owns, or the events in an hour that are the account's. */
function deviceRows(item: Item, account: string, isOwned: boolean): readonly ExportedItem[] {
  const key = parseKey(item);
  if (key.kind === 'device') return isOwned ? [exported('device', key.deviceId, fromItem('device', item))] : [];
  if (key.kind !== 'chunk') return [];
  const events = parseChunk(item).chunk.events.filter(
    ({ sender }) => sender === account || (isOwned && sender === null),
  );
  const place = { device: key.deviceId, hour: key.hour };
  return events.length === 0 ? [] : [exported('device-hour', chunkSk(key.hour, key.index), { ...place, events })];
}

/** Reads every table for one account, in parts that follow each other. Readers of a part go on after the last key. */
export function dynamoAccountExport(client: DynamoDBClient, tables: Tables): AccountExport {
  async function rowsAfter(TableName: string, pk: string, after: string, Limit: number): Promise<Rows> {
    const query = new QueryCommand({
      TableName,
      ConsistentRead: true,
      KeyConditionExpression: after === '' ? 'pk = :pk' : 'pk = :pk AND sk > :after',
      ExpressionAttributeValues: marshall({ ':pk': pk, ...(after === '' ? {} : { ':after': after }) }),
      Limit,
    });
    const { Items = [], LastEvaluatedKey } = await client.send(query);
    return { rows: Items, last: LastEvaluatedKey?.sk?.S ?? null };
  }
  type Part = (account: string, after: string) => Promise<{ items: readonly ExportedItem[]; last: string | null }>;
  const partition =
    (table: string, prefix: string, read: (item: Item) => ExportedItem): Part =>
    async (account, after) => {
      const { rows, last } = await rowsAfter(table, prefix + account, after, ROWS_A_STEP);
      return { items: rows.map(read), last };
    };

  const names: Part = async (account) => {
    const Key = marshall(accountKey(account));
    const { Item } = await client.send(new GetItemCommand({ TableName: tables.accounts, Key, ConsistentRead: true }));
    return { items: Item === undefined ? [] : [stored('account', Item)], last: null };
  };

  const balance: Part = async (account) => {
    const Key = marshall({ pk: USER_PREFIX + account, sk: BALANCE_SK });
    const { Item } = await client.send(new GetItemCommand({ TableName: tables.grants, Key, ConsistentRead: true }));
    return { items: Item === undefined ? [] : [stored('balance', Item)], last: null };
  };

  const lines: Part = async (account, after) => {
    const query = new QueryCommand({
      TableName: tables.grants,
      IndexName: BY_USER_INDEX,
      KeyConditionExpression: 'username = :account AND seq > :after',
      ExpressionAttributeValues: marshall({ ':account': account, ':after': Number(after) }),
      Limit: ROWS_A_STEP,
    });
    const { Items = [], LastEvaluatedKey } = await client.send(query);
    return { items: Items.map(lineRow), last: LastEvaluatedKey?.seq?.N ?? null };
  };

  /** One device after the other: first the link, then its hours. The place names the device and the last hour. */
  const devices: Part = async (account, after) => {
    const [device = '', hour = ''] = after === '' ? [] : after.split('\n');
    const isBegun = hour !== '';
    const from = devicePk(device);
    const { rows: links } = isBegun
      ? await linkOf(account, from)
      : await rowsAfter(tables.telemetry, USER_PREFIX + account, from, 1);
    const [link] = links;
    if (link === undefined || !keyOf(link).startsWith(devicePk(''))) return { items: [], last: null };
    const isOwned = readable('link', link).owned?.BOOL === true;
    const { rows, last } = await rowsAfter(tables.telemetry, keyOf(link), hour, HOURS_A_STEP);
    const id = keyOf(link).slice(devicePk('').length);
    return { items: rows.flatMap((row) => deviceRows(row, account, isOwned)), last: `${id}\n${last ?? ''}` };
  };
  async function linkOf(account: string, sk: string): Promise<Pick<Rows, 'rows'>> {
    const Key = marshall({ pk: USER_PREFIX + account, sk });
    const { Item } = await client.send(new GetItemCommand({ TableName: tables.telemetry, Key, ConsistentRead: true }));
    return { rows: Item === undefined ? [] : [Item] };
  }

  /** Keys are few beside everything else, and only a scan finds those of an account. Their secrets are nowhere. */
  const keys: Part = async (account, after) => {
    const scan = new ScanCommand({
      TableName: tables.credentials,
      ConsistentRead: true,
      FilterExpression: '#account = :account',
      ExpressionAttributeNames: { '#account': 'account' },
      ExpressionAttributeValues: marshall({ ':account': account }),
      ...(after === '' ? {} : { ExclusiveStartKey: marshall({ pk: after, sk: 'KEY' }) }),
    });
    const { Items = [], LastEvaluatedKey } = await client.send(scan);
    const items = Items.map((item) => exported('key', item.pk?.S ?? '', fromItem('key', item)));
    return { items, last: LastEvaluatedKey?.pk?.S ?? null };
  };

  const parts: readonly Part[] = [
    names,
    partition(tables.scores, USER_PREFIX, scoreRow),
    partition(tables.telemetry, USER_PREFIX, telemetryRow),
    partition(tables.registry, 'PUBLISHER#', (item) => stored('credited-version', item)),
    partition(tables.registry, 'AUTHOR#', (item) => stored('pull', item)),
    partition(tables.registry, 'MEMBER#', (item) => stored('membership', item)),
    balance,
    lines,
    keys,
    devices,
  ];

  return {
    async step(account, { part, after }): Promise<ExportStep> {
      const read = parts[part];
      if (read === undefined) return { items: [], next: null };
      const { items, last } = await read(account, after);
      if (last !== null) return { items, next: { part, after: last } };
      return { items, next: part + 1 < parts.length ? { part: part + 1, after: '' } : null };
    },
  };
}
