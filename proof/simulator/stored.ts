import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod';
import { parseBalanceItem, parseGrantItem } from '../../functions/adapters/dynamodb/grants/grant.items.ts';
import {
  parseLiveItem,
  parseVersionItem,
  pullOfItem,
} from '../../functions/adapters/dynamodb/registry/registry.items.ts';
import { type Item, usernameOf } from '../../functions/adapters/dynamodb/shared/item.ts';
import { parseChunk, parseKey } from '../../functions/adapters/dynamodb/telemetry/telemetry.items.ts';
import { WireItem, type Engine, type WireRecord } from './engine.ts';
import type { SavedScore } from '../model/boards.ts';
import { expectNone } from './finding.ts';
import { problemsOfBalances, type StoredBalance, type StoredLine } from '../model/ledger.ts';
import type { StoredPull, StoredVersion } from '../model/registry.ts';
import type { Report, StoredDevice, StoredEvent } from '../model/telemetry.ts';

/** The stored items in the models' terms. Adapters parse single items; no fold of the product is used. */

/** The service's JSON has bytes as base64 text. */
const Attribute: z.ZodType<AttributeValue> = z.lazy(() =>
  z.union([
    z.object({ S: z.string() }),
    z.object({ N: z.string() }),
    z.object({ BOOL: z.boolean() }),
    z.object({ NULL: z.literal(true) }),
    z.object({ B: z.string().transform((base64) => new Uint8Array(Buffer.from(base64, 'base64'))) }),
    z.object({ L: z.array(Attribute) }),
    z.object({ M: z.record(z.string(), Attribute) }),
  ]),
);
const StoredItem = z.record(z.string(), Attribute);
const itemOf = (item: WireItem): Item => StoredItem.parse(item);

const textOf = (item: WireItem, name: 'pk' | 'sk'): string => z.object({ S: z.string() }).parse(item[name]).S;

/** The key prefix of items that were put in by hand and that no code knows. */
export const STRAY = 'STRAY#';

export async function storedTelemetry(engine: Engine): Promise<{
  readonly events: readonly StoredEvent[];
  readonly devices: readonly StoredDevice[];
  readonly reports: readonly Report[];
}> {
  const events: StoredEvent[] = [];
  const devices: StoredDevice[] = [];
  const reports: Report[] = [];
  const Device = z.object({ owner: z.string().optional(), createdAt: z.string() });
  const Reported = z.object({ sk: z.string(), hour: z.string() });
  for (const raw of await engine.scan('telemetry')) {
    if (textOf(raw, 'pk').startsWith(STRAY)) continue;
    const item = itemOf(raw);
    const key = parseKey(item);
    if (key.kind === 'chunk') {
      const { deviceId, hour } = key;
      for (const { id, kind, sender } of parseChunk(item).chunk.events) {
        const text =
          kind.command === null ? kind.event : `${kind.event} ${kind.command} ${kind.success ? 'ok' : 'failed'}`;
        events.push({ deviceId, hour, id, kind: text, sender });
      }
    } else if (key.kind === 'device') {
      const { owner, createdAt } = Device.parse(unmarshall(item));
      devices.push({ deviceId: key.deviceId, owner: owner ?? null, createdAt });
    } else if (key.kind === 'report') {
      const { sk, hour } = Reported.parse(unmarshall(item));
      const [kind, what] = [sk.startsWith('ISSUE#') ? 'issue' : 'sign-in', sk.slice(sk.indexOf('#') + 1)] as const;
      reports.push({ kind, username: key.username, what, hour });
    }
  }
  return { events, devices, reports };
}

export async function storedLedger(engine: Engine): Promise<{
  readonly lines: readonly StoredLine[];
  readonly balances: readonly StoredBalance[];
}> {
  const items = await engine.scan('score_grants');
  const lines = items.filter((item) => textOf(item, 'sk') === 'GRANT').map((item) => parseGrantItem(itemOf(item)).line);
  const balances = items
    .filter((item) => textOf(item, 'sk') === 'BALANCE')
    .map((raw) => {
      const item = itemOf(raw);
      const { seq, totalScore, categoryTotals, sourceTotals, head } = parseBalanceItem(item);
      return {
        username: usernameOf(item),
        seq,
        totalScore,
        categoryTotals: Object.fromEntries(categoryTotals),
        sourceTotals: Object.fromEntries(sourceTotals),
        head: head ?? '',
      };
    });
  return { lines, balances };
}

/** I3 at this moment: no write is in flight, so a scan sees the same state as a transaction. */
export async function problemsOfLedgerNow(engine: Engine): Promise<void> {
  const { lines, balances } = await storedLedger(engine);
  expectNone('I3', problemsOfBalances(lines, balances));
}

export type StoredExtension = { readonly name: string; readonly owner: string };

export async function storedRegistry(engine: Engine): Promise<{
  readonly versions: readonly StoredVersion[];
  readonly pulls: readonly StoredPull[];
  readonly extensions: readonly StoredExtension[];
  readonly live: readonly string[];
}> {
  const live: string[] = [];
  const versions: StoredVersion[] = [];
  const pulls: StoredPull[] = [];
  const extensions: StoredExtension[] = [];
  const Extension = z.object({ name: z.string(), owner: z.object({ name: z.string() }) });
  for (const raw of await engine.scan('registry')) {
    const [pk, sk] = [textOf(raw, 'pk'), textOf(raw, 'sk')];
    const item = itemOf(raw);
    if (pk.startsWith('EXTENSION#') && sk === 'EXTENSION') {
      const { name, owner } = Extension.parse(unmarshall(item));
      extensions.push({ name, owner: owner.name });
    } else if (sk.startsWith('LIVE#')) {
      const { name, version } = parseLiveItem(item);
      live.push(`${sk.split('#')[1] ?? ''} ${name}@${version}`);
    } else if (pk.startsWith('EXTENSION#')) {
      const { name, version, channel, publisher, contentHash, credited, yank, publishedAt } = parseVersionItem(item);
      const by = `${publisher.kind}:${publisher.name}`;
      const hash = contentHash ?? null;
      const yankedOn = yank?.at.slice(0, 10) ?? null;
      versions.push({ name, version, channel, publisher: by, hash, credited, yankedOn, publishedAt });
    } else if (pk.startsWith('AUTHOR#')) {
      const { hour } = z.object({ hour: z.string() }).parse(unmarshall(item));
      pulls.push({ author: pk.slice('AUTHOR#'.length), ...pullOfItem(item), on: hour.slice(0, 10) });
    }
  }
  return { versions, pulls, extensions, live };
}

const ScoreItem = z.object({
  username: z.string(),
  date: z.string(),
  canonicalScore: z.number(),
  memberScore: z.number().optional(),
  tier: z.string(),
  tiersReached: z.array(z.object({ tier: z.string() })),
});
export type StoredScore = {
  readonly username: string;
  readonly date: string;
  readonly canonicalScore: number;
  /** Missing if nothing is known of the user any more. */
  readonly memberScore?: number | undefined;
  readonly tier: string;
  readonly tiersReached: readonly string[];
};

export async function storedScores(engine: Engine): Promise<readonly StoredScore[]> {
  const items = (await engine.scan('user_scores')).filter((item) => textOf(item, 'sk') === 'SCORE');
  return items.map((item) => {
    const { tiersReached, ...score } = ScoreItem.parse(unmarshall(itemOf(item)));
    return { ...score, tiersReached: tiersReached.map(({ tier }) => tier) };
  });
}

const SavedImage = z.object({
  dynamodb: z.object({ Keys: WireItem, NewImage: WireItem.optional() }),
});
const Saved = z.object({
  username: z.string(),
  date: z.string(),
  canonicalScore: z.number(),
  refreshedAt: z.string(),
  memberScore: z.number().optional(),
});

/** Every saved score from the stream, by user and in order. A deleted score ends the list of earlier ones. */
export function savedScores(records: readonly WireRecord[]): ReadonlyMap<string, readonly SavedScore[]> {
  const all = new Map<string, readonly SavedScore[]>();
  for (const record of records) {
    const { Keys, NewImage } = SavedImage.parse(record).dynamodb;
    if (textOf(Keys, 'sk') !== 'SCORE') continue;
    const username = textOf(Keys, 'pk').slice('USER#'.length);
    const saved = NewImage === undefined ? undefined : Saved.parse(unmarshall(itemOf(NewImage)));
    // Nothing is known of this user any more: a bind was undone.
    if (saved?.memberScore === undefined) all.delete(username);
    else all.set(username, [...(all.get(username) ?? []), saved]);
  }
  return all;
}

const NumberOf = z.object({ N: z.string() }).transform(({ N }) => N);
const Totals = z.object({ M: z.record(z.string(), z.object({ L: z.tuple([NumberOf, NumberOf]) })) });
const GAUGES = ['MEMBER_COUNT', 'TOTAL_SCORE'];
const Summary = z.object({ sk: z.string(), publisher: z.string(), versions: z.number(), pulls: z.number() });

export async function storedRollups(engine: Engine): Promise<{
  /** By date, as `METRIC count sum`, without gauges. */
  readonly totals: ReadonlyMap<string, readonly string[]>;
  /** The gauges' values by date, as `METRIC value`. */
  readonly gauges: ReadonlyMap<string, readonly string[]>;
  readonly extensions: readonly string[];
}> {
  const totals = new Map<string, readonly string[]>();
  const gauges = new Map<string, readonly string[]>();
  const extensions: string[] = [];
  for (const item of await engine.scan('metric_rollup_hour')) {
    const [pk, sk] = [textOf(item, 'pk'), textOf(item, 'sk')];
    if (pk === 'TOTALS') {
      const rows = Object.entries(Totals.parse(item.totals).M);
      const [ofGauges, others] = [
        rows.filter(([metric]) => GAUGES.includes(metric)),
        rows.filter(([metric]) => !GAUGES.includes(metric)),
      ];
      if (others.length > 0) totals.set(sk, others.map(([metric, { L }]) => `${metric} ${L.join(' ')}`).sort());
      if (ofGauges.length > 0) gauges.set(sk, ofGauges.map(([metric, { L }]) => `${metric} ${L[1]}`).sort());
    } else if (pk === 'EXTENSIONS') {
      const { publisher, versions, pulls } = Summary.parse(unmarshall(itemOf(item)));
      extensions.push(`${sk} of ${publisher}: ${versions} versions, ${pulls} pulls`);
    }
  }
  return { totals, gauges, extensions: extensions.sort() };
}

/** The ids of unfinished backfills. */
export async function unfinishedRuns(engine: Engine): Promise<readonly string[]> {
  const runs = (await engine.scan('backfill_runs')).filter((item) => textOf(item, 'pk') === 'RUNS');
  return runs.filter(({ status }) => status?.S !== 'done').map((item) => textOf(item, 'sk'));
}

/** Fields that every save changes. */
const RENEWED: ReadonlySet<string> = new Set(['rev', 'foldedAt', 'starts', 'refreshedAt', 'metricsRev', 'scoreRev']);

/** A value as text, independent of the order of its names. */
function textOfValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(textOfValue).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${name}:${textOfValue(field)}`).join()}}`;
}

/**
 * All items that a replay must not change, by key: complete facts, and scores and roll-ups without the fields that
 * every save changes.
 */
export async function snapshotOf(engine: Engine, hasRollups: boolean): Promise<ReadonlyMap<string, string>> {
  const all = new Map<string, string>(); // by table, key and attribute
  const note = (role: string, item: WireItem, left: ReadonlySet<string>): void => {
    const key = `${role} ${textOf(item, 'pk')} ${textOf(item, 'sk')}`;
    for (const [name, value] of Object.entries(item))
      if (!left.has(name)) all.set(`${key} ${name}`, textOfValue(value));
  };
  for (const role of ['telemetry', 'score_grants', 'registry']) {
    for (const item of await engine.scan(role)) note(role, item, new Set());
  }
  for (const item of await engine.scan('user_scores')) note('user_scores', item, RENEWED);
  if (!hasRollups) return all;
  for (const [date, rows] of (await storedRollups(engine)).totals) all.set(`totals of ${date}`, rows.join(', '));
  for (const item of await engine.scan('metric_rollup_hour')) {
    const isRow = textOf(item, 'sk') !== 'ROLLUP' && !GAUGES.some((gauge) => textOf(item, 'sk').includes(gauge));
    if (isRow && textOf(item, 'pk') !== 'TOTALS') note('metric_rollup_hour', item, RENEWED);
  }
  return all;
}

const Tally = z.object({ first: z.array(z.string()) });

/** The users that each finished backfill planned, without unknown ones. */
export async function plannedByRuns(engine: Engine): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const items = (await engine.scan('backfill_runs')).map((item) => unmarshall(itemOf(item)));
  const Key = z.looseObject({ pk: z.string(), sk: z.string() });
  const rows = items.map((item) => Key.parse(item));
  const done = rows.filter(({ pk, status, dryRun }) => pk === 'RUNS' && status === 'done' && dryRun !== true);
  return new Map(
    done.map(({ sk: runId }) => {
      const unknown = rows
        .filter(({ pk, sk }) => pk === `RUN#${runId}` && sk.startsWith('TASK#'))
        .flatMap((task) => Tally.parse(task.unknown).first);
      const planned = rows.filter(({ pk, sk }) => pk.startsWith(`RUN#${runId}#`) && sk.startsWith('USER#'));
      const users = planned.map(({ sk }) => sk.slice('USER#'.length)).filter((user) => !unknown.includes(user));
      return [runId, new Set(users)];
    }),
  );
}
