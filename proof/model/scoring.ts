/**
 * The scoring rules implemented again in the simplest form, from their text alone. It shares no code with the product.
 */

const DAY = 86_400_000;
const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

export const PUBLISH_POINTS = 500;
export const PUBLISH_CAP = 5_000;
export const FEED_POST_POINTS = 100;

/** The numbers of one version of the rules. Groups: commands, points each, cap. */
export type Numbers = {
  readonly groups: readonly (readonly [readonly string[], number, number])[];
  /** Points each, cap. */
  readonly others: readonly [number, number];
  readonly issues: readonly [number, number];
  readonly signIns: readonly [number, number];
  readonly publishes: readonly [number, number];
  readonly pulls: readonly [number, number];
};

export const VERSION_1: Numbers = {
  groups: [
    [['model', 'data', 'vault', 'datastore'], 10, 2_000],
    [['workflow', 'run', 'serve'], 15, 3_000],
    [['extension'], 20, 2_000],
    [['repo', 'init', 'source', 'auth'], 5, 500],
  ],
  others: [1, 250],
  issues: [50, 1_000],
  signIns: [10, 1_000],
  publishes: [PUBLISH_POINTS, PUBLISH_CAP],
  pulls: [5, 500],
};

export const VERSION_2: Numbers = {
  ...VERSION_1,
  groups: VERSION_1.groups.map(([commands, points, cap]) => [commands, 2 * points, cap - 100] as const),
  issues: [30, 900],
  pulls: [7, 700],
};

/** All facts that count for a user, with their dates. */
export type DatedFacts = {
  /** Winning copies of events: the command of a successful invocation, and whether it makes its date active. */
  readonly events: readonly { readonly date: string; readonly command: string | null; readonly isActive: boolean }[];
  readonly issues: readonly string[];
  readonly signIns: readonly string[];
  readonly versions: readonly { readonly published: string; readonly yanked: string | null }[];
  readonly pulls: readonly string[];
  readonly lines: readonly { readonly date: string; readonly amount: number }[];
};

const upTo = ([points, cap]: readonly [number, number], count: number): number => Math.min(cap, points * count);

/** The activity points of the events dated on or before a date. */
export function activityOn(date: string, { events }: Pick<DatedFacts, 'events'>, numbers: Numbers = VERSION_1): number {
  const due = events.filter((event) => event.date <= date);
  const commands = due.flatMap(({ command }) => command ?? []);
  const activeDates = new Set(due.filter(({ isActive }) => isActive).map((event) => event.date));
  let [base, groups, grouped] = [0, 0, 0];
  for (const [names, points, cap] of numbers.groups) {
    const count = commands.filter((command) => names.includes(command)).length;
    base += upTo([points, cap], count);
    grouped += count;
    if (count > 0) groups += 1;
  }
  base += upTo(numbers.others, commands.length - grouped);

  const daysBefore = (days: number) => dateOf(Date.parse(date) - days * DAY);
  let streak = 0;
  const first = activeDates.has(date) ? 0 : 1;
  while (activeDates.has(daysBefore(first + streak))) streak += 1;
  let rolling = 0;
  for (let back = 0; back < 28; back += 1) if (activeDates.has(daysBefore(back))) rolling += 1;

  const streakBp = BigInt(10_000 + Math.min(5_000, 100 * streak));
  const rollingBp = BigInt(10_000 + Math.floor((5_000 * rolling) / 28));
  return Number((BigInt(base + 50 * groups) * streakBp * rollingBp) / 100_000_000n);
}

/** The points of each contribution on a date, from the facts dated on or before it. */
export function pointsOn(date: string, facts: DatedFacts, numbers: Numbers = VERSION_1) {
  const due = (dates: readonly string[]): number => dates.filter((each) => each <= date).length;
  const versions = facts.versions.filter(
    ({ published, yanked }) => published <= date && (yanked === null || yanked > date),
  );
  return {
    'telemetry:activity': activityOn(date, facts, numbers),
    'content:extension-publishes': upTo(numbers.publishes, versions.length),
    'content:extension-pulls': upTo(numbers.pulls, due(facts.pulls)),
    'community:lab-issues': upTo(numbers.issues, due(facts.issues)),
    'community:daily-sign-in': upTo(numbers.signIns, due(facts.signIns)),
  };
}

/** The sum of the lines of awards, badges and feed posts dated on or before a date. */
export const linesOn = (date: string, { lines }: DatedFacts): number =>
  lines.reduce((sum, line) => (line.date <= date ? sum + line.amount : sum), 0);

/** The score on a date, with that date as today. */
export const scoreOn = (date: string, facts: DatedFacts, numbers: Numbers = VERSION_1): number =>
  Object.values(pointsOn(date, facts, numbers)).reduce((sum, points) => sum + points, linesOn(date, facts));

const TIERS: readonly (readonly [string, number])[] = [
  ['Seedling', 0],
  ['Sprout', 1_000],
  ['Sapling', 5_000],
  ['Tree', 25_000],
  ['Grove', 100_000],
  ['Forest', 500_000],
];

export const tierOf = (score: number): string => TIERS.findLast(([, from]) => from <= score)?.[0] ?? 'Seedling';
/** The tiers that a score has passed, without the lowest one, which every user has. */
export const tiersUpTo = (score: number): readonly string[] =>
  TIERS.slice(1).flatMap(([name, from]) => (from <= score ? [name] : []));
