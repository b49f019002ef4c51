import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { convertToAttr, unmarshall } from '@aws-sdk/util-dynamodb';
import type { Item } from './item.ts';

/**
 * Every kind of item that is stored, and the version of its format that this release writes. It reads that version and
 * all earlier ones. docs/formats.md explains when a version must change, and how.
 */
export const FORMATS = {
  // accounts
  name: 1,
  account: 1,
  'changed-account': 1,
  // telemetry
  device: 1,
  'device-hour': 1,
  link: 1,
  'link-count': 1,
  report: 1,
  login: 1,
  'own-login': 1,
  'first-name': 1,
  // registry
  extension: 1,
  version: 1,
  'live-version': 1,
  'credited-version': 1,
  pull: 1,
  collective: 1,
  'past-members': 1,
  membership: 1,
  // score_grants
  grant: 1,
  balance: 1,
  // user_scores
  metrics: 1,
  profile: 1,
  turn: 1,
  score: 1,
  day: 1,
  'refolded-month': 1,
  // leaderboards
  snapshot: 1,
  leases: 1,
  block: 1,
  rules: 1,
  // metric_rollup_hour
  'rolled-up-day': 1,
  'metric-of-day': 1,
  'set-of-day': 1,
  totals: 1,
  series: 1,
  'extension-summary': 1,
  week: 1,
  'extension-list': 1,
  'extension-leaf': 1,
  // backfill_runs
  run: 1,
  task: 1,
  'planned-account': 1,
  'late-streams': 1,
  'differing-accounts': 1,
  // credentials
  key: 1,
  // hook_sources
  'hook-source': 1,
} as const satisfies Record<string, number>;
export type ItemKind = keyof typeof FORMATS;

/** The item with its format's version, in the attribute `v`. */
export const withFormat = (kind: ItemKind, item: Item): Item => ({ ...item, v: { N: String(FORMATS[kind]) } });

/** An item out of its fields: the one way in which a store makes what it puts. */
export function toItem(kind: ItemKind, fields: Readonly<Record<string, unknown>>): Item {
  const item: Item = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) item[name] = attributeOf(value);
  }
  return withFormat(kind, item);
}

/** Most fields are texts and whole numbers: the library looks at each for longer than it takes to write it. */
function attributeOf(value: unknown): AttributeValue {
  if (typeof value === 'string') return { S: value };
  if (Number.isSafeInteger(value)) return { N: String(value) };
  return convertToAttr(value, { removeUndefinedValues: true });
}

/** The part of an update that may create an item; `:v` is in `formatValue`. A later version stays. */
export const SET_FORMAT = 'v = if_not_exists(v, :v)';
export const formatValue = (kind: ItemKind): { readonly ':v': number } => ({ ':v': FORMATS[kind] });

/**
 * The item, if this release knows its format. Throws on a later version: a function that went on would misread the item,
 * or overwrite what it cannot read. An item without a version has the first one.
 */
export function readable(kind: ItemKind, item: Item): Item {
  const version = Number(item.v?.N ?? 1);
  if (version <= FORMATS[kind]) return item;
  throw new Error(
    `item kind ${kind}: found format version ${version}, this release knows up to ${FORMATS[kind]}. ` +
      'Deploy the release that wrote it, or a later one.',
  );
}

/** The fields of a stored item: the one way in which a store reads. */
export const fromItem = (kind: ItemKind, item: Item): Record<string, unknown> => unmarshall(readable(kind, item));
