import * as z from 'zod/mini';
import { datesOf, kindOfKey, pointsOfSingle, SINGLE_SOURCES, type Granted } from './granted.ts';
import { isPublish, isReversal, reversedBy, type GrantLine } from './grant.ts';

const Points = z.int();

const SourceRow = z.object({
  source: z.string(),
  /** The sum of the points that the scores count. */
  contributions: Points,
  /** Σ of the lines. */
  grants: Points,
  /** contributions - grants */
  difference: Points,
  /** What explains it; with `flagged` these add up to it. */
  explained: z.object({
    /** Versions taken back: the contribution follows the registry, the ledger keeps the grant. */
    yanked: Points,
    /** Publish grants reversed: the contribution follows the registry. */
    reversed: Points,
    /** Versions that count and have no grant. */
    notYetGranted: Points,
    /** Lines that are newer than the score, because its refresh is under way, and lines with a date in the future. */
    notYetScored: Points,
  }),
  flagged: Points,
});
type SourceRow = z.infer<typeof SourceRow>;

export const ShadowReport = z.object({
  users: z.int().check(z.nonnegative()),
  /** The sources that go through the ledger. */
  sources: z.array(SourceRow),
  /** Contributions that have no grants by design, by key. */
  outside: z.record(z.string(), Points),
  /** The first hundred differences that nothing explains. */
  flagged: z.array(z.object({ username: z.string(), source: z.string(), difference: Points })),
  /** The first hundred users whose ledger or score cannot be read; nothing of them is in the sums. */
  unreadable: z.array(z.object({ username: z.string(), error: z.string() })),
  ok: z.boolean(),
  /** The `from` of the next invocation; null if all users are done. */
  next: z._default(z.nullable(z.string()), null),
});
export type ShadowReport = z.infer<typeof ShadowReport>;

/** The compared values of one user. `score` is null for a user without a score. */
export type ShadowUser = {
  readonly username: string;
  readonly score: {
    /** The date of the score. */
    readonly date: string;
    readonly contributions: readonly ShadowContribution[];
    readonly granted: Granted;
  } | null;
  /** All lines of the user. */
  readonly lines: readonly GrantLine[];
  /** The points of publish grants whose versions are yanked now. */
  readonly yankedPoints: number;
};
type ShadowContribution = {
  readonly key: string;
  readonly points: number;
};

const MAX_NAMED = 100;
const PUBLISHES_KEY = 'content:extension-publishes';
const PUBLISHES = 'extensions';
const SOURCES = [...SINGLE_SOURCES, PUBLISHES];

const emptyRow = (source: string): SourceRow => ({
  source,
  contributions: 0,
  grants: 0,
  difference: 0,
  explained: { yanked: 0, reversed: 0, notYetGranted: 0, notYetScored: 0 },
  flagged: 0,
});

export const emptyReport: ShadowReport = {
  users: 0,
  sources: SOURCES.map(emptyRow),
  outside: {},
  flagged: [],
  unreadable: [],
  ok: true,
  next: null,
};

const sum = (points: readonly number[]): number => points.reduce((total, each) => total + each, 0);
const amounts = (lines: readonly GrantLine[]): number => sum(lines.map(({ amount }) => amount));

/** Adds up two reports: the second one continued from the `next` of the first one. */
export function together(first: ShadowReport, second: ShadowReport): ShadowReport {
  const outside = new Map(Object.entries(first.outside));
  for (const [key, points] of Object.entries(second.outside)) outside.set(key, (outside.get(key) ?? 0) + points);
  return {
    users: first.users + second.users,
    sources: first.sources.map((row, index) => plus(row, second.sources[index] ?? emptyRow(row.source))),
    outside: Object.fromEntries(outside),
    flagged: [...first.flagged, ...second.flagged].slice(0, MAX_NAMED),
    unreadable: [...first.unreadable, ...second.unreadable].slice(0, MAX_NAMED),
    ok: first.ok && second.ok,
    next: second.next,
  };
}

/** The report with one more user in it. */
export function withUser(report: ShadowReport, user: ShadowUser): ShadowReport {
  const sources = SOURCES.map((source) => (source === PUBLISHES ? publishRow(user) : singleRow(source, user)));
  const flagged = sources.flatMap(({ source, flagged: difference }) =>
    difference === 0 ? [] : [{ username: user.username, source, difference }],
  );
  const others = (user.score?.contributions ?? []).filter(({ key }) => key !== PUBLISHES_KEY);
  const outside = Object.fromEntries(others.map(({ key, points }) => [key, points]));
  return together(report, { ...emptyReport, users: 1, sources, outside, flagged, ok: flagged.length === 0 });
}

/** The report with one more user whose values cannot be compared. */
export const withUnreadable = (report: ShadowReport, username: string, error: string): ShadowReport =>
  together(report, { ...emptyReport, users: 1, unreadable: [{ username, error }], ok: false });

/**
 * Awards, badges and feed posts: contribution and grant are one and the same, so only lines not scored yet may differ.
 */
function singleRow(source: string, { score, lines }: ShadowUser): SourceRow {
  const own = lines.filter((line) => line.source === source);
  const scoredTo = score?.granted.balance.seq ?? 0;
  const listed = (score?.granted.listed ?? []).filter(({ key }) => kindOfKey(key).source === source);
  const contributions = sum(listed.map(pointsOfSingle)) + (score?.granted.older.points.get(source) ?? 0);
  const dateOf = datesOf(lines);
  const isScored = (line: GrantLine) => line.seq <= scoredTo && score !== null && dateOf(line) <= score.date;
  const notYetScored = 0 - amounts(own.filter((line) => !isScored(line)));
  return row(source, contributions, amounts(own), { notYetScored });
}

function publishRow({ score, lines, yankedPoints }: ShadowUser): SourceRow {
  const own = lines.filter((line) => isPublish({ grantId: reversedBy(line) ?? line.grantId }));
  const contribution = score?.contributions.find(({ key }) => key === PUBLISHES_KEY);
  const [contributions, grants] = [contribution?.points ?? 0, amounts(own)];
  if (score === null) return row(PUBLISHES, contributions, grants, { notYetScored: 0 - grants });
  const reversed = 0 - amounts(own.filter(isReversal));
  const rest = contributions - grants - reversed;
  if (rest >= 0) return row(PUBLISHES, contributions, grants, { reversed, notYetGranted: rest });
  // At the cap a yank takes less than its grant gave; what goes beyond the grants of yanked versions is flagged.
  return row(PUBLISHES, contributions, grants, { reversed, yanked: Math.max(rest, 0 - yankedPoints) });
}

function row(
  source: string,
  contributions: number,
  grants: number,
  explained: Partial<SourceRow['explained']>,
): SourceRow {
  const all = { ...emptyRow(source).explained, ...explained };
  const difference = contributions - grants;
  return { source, contributions, grants, difference, explained: all, flagged: difference - sum(Object.values(all)) };
}

const plus = (a: SourceRow, b: SourceRow): SourceRow => ({
  source: a.source,
  contributions: a.contributions + b.contributions,
  grants: a.grants + b.grants,
  difference: a.difference + b.difference,
  explained: {
    yanked: a.explained.yanked + b.explained.yanked,
    reversed: a.explained.reversed + b.explained.reversed,
    notYetGranted: a.explained.notYetGranted + b.explained.notYetGranted,
    notYetScored: a.explained.notYetScored + b.explained.notYetScored,
  },
  flagged: a.flagged + b.flagged,
});
