import { createHash } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import * as z from 'zod';
import type { Row, SavedScore } from './boards.ts';
import type { StoredBalance, StoredLine } from './ledger.ts';
import type { StoredPull, StoredVersion } from './registry.ts';
import type { Report, StoredTelemetry } from './telemetry.ts';

/**
 * The stored items in the model's terms, read by codecs of the model's own: a codec of the product that is wrong in both
 * directions would read back what it wrote. `docs/architecture.md` describes the items.
 */

/** An item without its attribute types; binary values are bytes. */
export type Item = Readonly<Record<string, unknown>>;

/** The key prefix of items that were put in by hand and that no code knows. */
export const STRAY = 'STRAY#';

const Keys = z.object({ pk: z.string(), sk: z.string() });
export const keysOf = (item: Item) => Keys.parse(item);
const Bytes = z.instanceof(Uint8Array);
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
export const after = (text: string, mark: string): string => text.slice(text.indexOf(mark) + mark.length);

/** Bytes of one event: 8 of its id, then the places of its kind and, from 1, of its sender in the item's tables. */
const EVENT_BYTES = 10;
const Chunk = z.object({
  sk: z.string(),
  events: Bytes,
  kinds: z.array(z.string()),
  senders: z.array(z.string()).default([]),
  closed: z.boolean().default(false),
});
const Device = z.object({ owner: z.string().optional(), createdAt: z.string() });
const Reported = z.object({ sk: z.string(), hour: z.string() });

/** `:model` and `!model`: a successful and a failed command of the usual event, whose name is omitted. */
function kindIn(text: string): string {
  const [, event, mark, command] = /^([^:!]*)([:!])(.*)$/su.exec(text) ?? [];
  if (mark === undefined) return text;
  return `${event === '' ? 'cli_invocation' : event} ${command} ${mark === ':' ? 'ok' : 'failed'}`;
}

export function telemetryIn(items: readonly Item[]): StoredTelemetry {
  const events: StoredTelemetry['events'][number][] = [];
  const chunks: StoredTelemetry['chunks'][number][] = [];
  const devices: StoredTelemetry['devices'][number][] = [];
  const reports: Report[] = [];
  for (const item of items) {
    const { pk, sk } = keysOf(item);
    const [kind] = sk.split('#');
    if (pk.startsWith(STRAY)) continue;
    if (kind === 'HOUR') {
      const chunk = Chunk.parse(item);
      const [, hour = '', index = ''] = sk.split('#');
      const deviceId = after(pk, '#');
      chunks.push({ deviceId, hour, index: Number(index), isClosed: chunk.closed });
      for (let at = 0; at < chunk.events.length; at += EVENT_BYTES) {
        const [place = 0, sender = 0] = chunk.events.subarray(at + 8);
        events.push({
          deviceId,
          hour,
          id: hexOf(chunk.events.subarray(at, at + 8)),
          kind: kindIn(chunk.kinds[place] ?? `no kind ${place}`),
          sender: sender === 0 ? null : (chunk.senders[sender - 1] ?? `no sender ${sender}`),
        });
      }
    } else if (kind === 'DEVICE' && pk.startsWith('DEVICE#')) {
      const { owner, createdAt } = Device.parse(item);
      devices.push({ deviceId: after(pk, '#'), owner: owner ?? null, createdAt });
    } else if (kind === 'ISSUE' || kind === 'SIGNIN') {
      const { hour } = Reported.parse(item);
      reports.push({
        kind: kind === 'ISSUE' ? 'issue' : 'sign-in',
        username: after(pk, '#'),
        what: after(sk, '#'),
        hour,
      });
    }
  }
  return { events, chunks, devices, reports };
}

const Hex = Bytes.transform(hexOf);
const Line = z.object({
  pk: z.string(),
  ...{ username: z.string(), key: z.string(), category: z.string(), source: z.string(), grantedAt: z.string() },
  ...{ amount: z.number(), seq: z.number(), balanceAfter: z.number(), rulesVersion: z.string() },
  ...{ hash: Hex, previousHash: Hex.nullable().default(null) },
  ...{ reason: z.string().optional(), reasonSalt: Bytes.optional(), reasonHash: Hex.nullable().default(null) },
  ...{ grantedBy: z.string().optional(), grantedBySalt: Bytes.optional() },
  grantedByHash: Hex.nullable().default(null),
});

const sha256 = (...parts: readonly (string | Uint8Array)[]): string =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');

/** A line's hash covers its content and the commitments of its texts: see `docs/ledger.md`. */
function isGenuine(grantId: string, line: Omit<z.infer<typeof Line>, 'pk'>): boolean {
  const texts = [
    [line.reason, line.reasonSalt, line.reasonHash],
    [line.grantedBy, line.grantedBySalt, line.grantedByHash],
  ] as const;
  const areTrue = texts.every(
    ([text, salt, commitment]) => text === undefined || (salt && sha256(salt, text)) === commitment,
  );
  const { username, key, category, source, amount, grantedAt } = line;
  const content = [username, grantId, key, category, source, amount, grantedAt];
  const rest = [line.seq, line.balanceAfter, line.rulesVersion, line.previousHash];
  const all = [...content, line.reasonHash, line.grantedByHash, ...rest];
  return areTrue && sha256(`laurel ledger line 2\n${JSON.stringify(all)}`) === line.hash;
}

const Totals = z.record(z.string(), z.number());
const Balance = z.object({
  seq: z.number(),
  totalScore: z.number(),
  categoryTotals: Totals,
  sourceTotals: Totals,
  head: Hex,
});

export function ledgerIn(items: readonly Item[]): {
  readonly lines: readonly StoredLine[];
  readonly balances: readonly StoredBalance[];
} {
  const lines = items
    .filter(({ sk }) => sk === 'GRANT')
    .map((item) => {
      const { pk, ...line } = Line.parse(item);
      const grantId = after(pk, '#');
      return { ...line, grantId, isGenuine: isGenuine(grantId, line) };
    });
  const balances = items
    .filter(({ sk }) => sk === 'BALANCE')
    .map((item) => ({ username: after(keysOf(item).pk, '#'), ...Balance.parse(item) }));
  return { lines, balances };
}

const Owner = z.object({ kind: z.string(), name: z.string() });
const Extension = z.object({ name: z.string(), owner: Owner });
const Named = z.object({ name: z.string(), version: z.string() });
const Version = z.object({
  ...Named.shape,
  channel: z.string(),
  publisher: Owner,
  credited: z.array(z.string()),
  contentHash: z.string().nullable().default(null),
  publishedAt: z.string(),
  yankedAt: z.string().nullable().default(null),
});
const Pull = z.object({ sk: z.string(), hour: z.string() });

export type StoredRegistry = {
  readonly versions: readonly StoredVersion[];
  readonly pulls: readonly StoredPull[];
  readonly extensions: readonly { readonly name: string; readonly owner: string }[];
  /** The rows of newest versions, as `<channel> <name>@<version>`. */
  readonly live: readonly string[];
};

export function registryIn(items: readonly Item[]): StoredRegistry {
  const live: string[] = [];
  const versions: StoredVersion[] = [];
  const pulls: StoredPull[] = [];
  const extensions: StoredRegistry['extensions'][number][] = [];
  for (const item of items) {
    const { pk, sk } = keysOf(item);
    const [table, kind] = [pk.split('#')[0], sk.split('#')[0]];
    if (table === 'EXTENSION' && kind === 'EXTENSION') {
      const { name, owner } = Extension.parse(item);
      extensions.push({ name, owner: owner.name });
    } else if (table === 'EXTENSION' && kind === 'LIVE') {
      const { name, version } = Named.parse(item);
      live.push(`${sk.split('#')[1] ?? ''} ${name}@${version}`);
    } else if (table === 'EXTENSION') {
      const { publisher, contentHash: hash, yankedAt, ...version } = Version.parse(item);
      const yankedOn = yankedAt === null ? null : yankedAt.slice(0, 10);
      versions.push({ ...version, publisher: `${publisher.kind}:${publisher.name}`, hash, yankedOn });
    } else if (table === 'AUTHOR') {
      // A puller may have any characters, and a name may start with an `@`.
      const [, name = '', version = '', puller = ''] = /^PULL#(.+?)@([^@#]+)#(.+)$/su.exec(sk) ?? [];
      pulls.push({ author: after(pk, '#'), name, version, puller, on: Pull.parse(item).hour.slice(0, 10) });
    }
  }
  return { versions, pulls, extensions, live };
}

const Score = z.object({
  username: z.string(),
  date: z.string(),
  canonicalScore: z.number(),
  activityScore: z.number(),
  /** Missing if nothing is known of the user any more. */
  memberScore: z.number().optional(),
  tier: z.string(),
  tiersReached: z.array(z.object({ tier: z.string() })).transform((tiers) => tiers.map(({ tier }) => tier)),
  refreshedAt: z.string(),
});
export type StoredScore = z.infer<typeof Score> & SavedScore;

export const scoresIn = (items: readonly Item[]): readonly StoredScore[] =>
  items.filter(({ sk }) => sk === 'SCORE').map((item) => Score.parse(item));

/** [hours since the epoch, place and count of each event …, place, total and failures of each command …] */
const FoldRow = z.tuple([z.number(), z.array(z.number()), z.array(z.number())]);
const Metrics = z.object({
  events: z.array(z.string()),
  commands: z.array(z.string()),
  active: z.tuple([z.number(), z.string()]),
  sealed: FoldRow,
  /** Each with its hours since the row before. */
  open: z.array(FoldRow),
  ownedDevices: z.number(),
  sentFrom: z.array(z.number()),
});
const NO_HOUR = -1;

/** The stored counts of events by username: each name as often as it was counted. */
export type StoredCounts = {
  readonly events: readonly string[];
  /** `model ok` and `model failed` */
  readonly outcomes: readonly string[];
  readonly activeDates: readonly string[];
  readonly devices: number;
  readonly lastEvent: string | null;
};

export const countsIn = (items: readonly Item[]): ReadonlyMap<string, StoredCounts> =>
  new Map(
    items
      .filter(({ sk }) => sk === 'METRICS')
      .map((item) => {
        const packed: unknown = JSON.parse(inflateRawSync(z.object({ packed: Bytes }).parse(item).packed).toString());
        return [after(keysOf(item).pk, '#'), countsOf(Metrics.parse(packed))];
      }),
  );

function countsOf({ events, commands, active, sealed, open, ownedDevices, sentFrom }: z.infer<typeof Metrics>) {
  const rows = [sealed, ...open];
  // A `~` marks a name whose events came without a key.
  const times = (count: number, name: string) => Array.from({ length: count }, () => name.replace(/^~/u, ''));
  const groupsOf = (numbers: readonly number[], size: number) =>
    Array.from({ length: numbers.length / size }, (_, index) => numbers.slice(index * size, (index + 1) * size));
  let hour = 0;
  const hours = [sealed[0], ...open.map(([apart]) => (hour += apart))].filter((each) => each !== NO_HOUR);
  const [firstDay, bits] = active;
  const days = [...Buffer.from(bits, 'base64')].flatMap((byte, index) =>
    [0, 1, 2, 3, 4, 5, 6, 7].flatMap((bit) => (byte & (1 << bit) ? [firstDay + 8 * index + bit] : [])),
  );
  const timeOf = (ms: number, digits: number) => new Date(ms).toISOString().slice(0, digits);
  return {
    events: rows.flatMap(([, counts]) =>
      groupsOf(counts, 2).flatMap(([place = 0, count = 0]) => times(count, events[place] ?? '?')),
    ),
    outcomes: rows.flatMap(([, , counts]) =>
      groupsOf(counts, 3).flatMap(([place = 0, total = 0, failures = 0]) => [
        ...times(total - failures, `${commands[place] ?? '?'} ok`),
        ...times(failures, `${commands[place] ?? '?'} failed`),
      ]),
    ),
    activeDates: days.map((day) => timeOf(day * 86_400_000, 10)),
    devices: ownedDevices + sentFrom.length,
    lastEvent: hours.length === 0 ? null : timeOf(Math.max(...hours) * 3_600_000, 13),
  };
}

/** Whole numbers as their distances from the smallest: the deflated bytes of each place, the lowest first. */
const Numbers = z.object({ min: z.number(), places: z.array(Bytes) }).transform(({ min, places }) => {
  const columns = places.map((packed) => inflateRawSync(packed));
  return (index: number) => columns.reduce((sum, bytes, place) => sum + (bytes[index] ?? 0) * 256 ** place, min);
});
const Texts = Bytes.transform((packed) => inflateRawSync(packed).toString().split('\n'));
/** Places of stored rows that are gone, and rows that came: their place on the board, name, points and canonical score first. */
const Patch = z.tuple([
  z.array(z.number()),
  z.array(z.tuple([z.number(), z.string(), z.number(), z.number()], z.unknown())),
]);
const Newest = z.object({
  board: z.string(),
  leaves: z.number(),
  refs: Bytes.transform(hexOf),
  patch: Texts.transform(([text = '']) => Patch.parse(JSON.parse(text))).default([[], []]),
});
const Leaf = z.object({
  count: z.number(),
  usernames: Texts,
  /** The first number, then the differences. */
  points: z.object({ first: z.number(), steps: Numbers }),
  others: Numbers,
});
const REF_DIGITS = 12;

/** The rows of the boards that readers see, from their blocks. */
export function boardsIn(items: readonly Item[]): ReadonlyMap<string, readonly Omit<Row, 'rank'>[]> {
  const blocks = new Map(items.filter(({ sk }) => sk === 'BLOCK').map((item) => [after(keysOf(item).pk, '#'), item]));
  const rowsOf = (item: unknown) => {
    const { count, usernames, points, others } = Leaf.parse(item);
    let own = points.first;
    return usernames.slice(0, count).map((username, index) => {
      if (index > 0) own += points.steps(index - 1);
      return { username, points: own, canonicalScore: own + others(index) };
    });
  };
  return new Map(
    items
      .filter(({ sk }) => sk === 'NEWEST')
      .map((item) => {
        const { board, leaves, refs, patch } = Newest.parse(item);
        const addresses = Array.from({ length: leaves }, (_, at) => refs.slice(at * REF_DIGITS, (at + 1) * REF_DIGITS));
        const [gone, come] = patch;
        const rows = addresses.flatMap((address) => rowsOf(blocks.get(address))).filter((_, at) => !gone.includes(at));
        for (const [at, username, points, canonicalScore] of come)
          rows.splice(at, 0, { username, points, canonicalScore });
        return [board, rows];
      }),
  );
}

const Sums = z.object({ totals: z.record(z.string(), z.tuple([z.number(), z.number()])) });
const GAUGES = ['MEMBER_COUNT', 'TOTAL_SCORE'];
const isGauge = (name: string): boolean => GAUGES.some((gauge) => name.includes(gauge));
const Slots = z.object({
  metric: z.string(),
  scope: z.string(),
  key1: z.string().default(''),
  hours: z.record(z.string(), z.object({ event_count: z.number(), value_sum: z.number() })),
});
const Summary = z.object({ sk: z.string(), publisher: Owner, versions: z.number(), pulls: z.number() });

export type StoredRollups = {
  /** By date, as `METRIC count sum`, without gauges. */
  readonly totals: ReadonlyMap<string, readonly string[]>;
  /** By hour, as `METRIC count sum` or `METRIC key count sum`, without gauges. */
  readonly hours: ReadonlyMap<string, readonly string[]>;
  /** The gauges' values by date, as `METRIC value`. */
  readonly gauges: ReadonlyMap<string, readonly string[]>;
  readonly extensions: readonly string[];
};

export function rollupsIn(items: readonly Item[]): StoredRollups {
  const totals = new Map<string, readonly string[]>();
  const hours = new Map<string, readonly string[]>();
  const gauges = new Map<string, readonly string[]>();
  const extensions: string[] = [];
  for (const item of items) {
    const { pk, sk } = keysOf(item);
    if (pk === 'TOTALS') {
      const rows = Object.entries(Sums.parse(item).totals);
      const { ofGauges = [], others = [] } = Object.groupBy(rows, ([name]) => (isGauge(name) ? 'ofGauges' : 'others'));
      if (others.length > 0) totals.set(sk, others.map(([metric, sums]) => `${metric} ${sums.join(' ')}`).sort());
      if (ofGauges.length > 0) gauges.set(sk, ofGauges.map(([metric, [, value]]) => `${metric} ${value}`).sort());
    } else if (sk.startsWith('METRIC#') && !isGauge(sk)) {
      const { metric, scope, key1, hours: slots } = Slots.parse(item);
      const name = scope === 'community' ? metric : `${metric} ${key1}`;
      for (const [hour, { event_count: count, value_sum: sum }] of Object.entries(slots)) {
        const at = `${after(pk, '#')}T${hour}`;
        hours.set(at, [...(hours.get(at) ?? []), `${name} ${count} ${sum}`].sort());
      }
    } else if (pk === 'EXTENSIONS') {
      const { publisher, versions, pulls } = Summary.parse(item);
      extensions.push(`${sk} of ${publisher.name}: ${versions} versions, ${pulls} pulls`);
    }
  }
  return { totals, hours, gauges, extensions: extensions.sort() };
}

/** Fields that every save changes. */
const RENEWED = new Set(['rev', 'foldedAt', 'starts', 'refreshedAt', 'metricsRev', 'scoreRev', 'namesAt']);

/** A value as text, independent of the order of its names. */
function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return hexOf(value);
  if (Array.isArray(value)) return `[${value.map(textOf).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${name}:${textOf(field)}`).join()}}`;
}

/**
 * What a replay must not change in a table, by key and attribute: complete facts, and projections without the fields
 * that every save changes and without samples.
 */
export function lastingIn(role: string, items: readonly Item[]): ReadonlyMap<string, string> {
  const isProjection = role === 'user_scores' || role === 'metric_rollup_hour';
  const lasting = items.filter(({ pk, sk }) => sk !== 'ROLLUP' && pk !== 'TOTALS' && !isGauge(String(sk)));
  return new Map(
    lasting.flatMap((item) =>
      Object.entries(item)
        .filter(([name]) => !isProjection || !RENEWED.has(name))
        .map(([name, value]): [string, string] => [
          `${role} ${String(item.pk)} ${String(item.sk)} ${name}`,
          textOf(value),
        ]),
    ),
  );
}
